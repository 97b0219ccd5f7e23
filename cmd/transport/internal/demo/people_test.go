package demo

import (
	"bytes"
	"context"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"transport/legacy"
	"transport/legacy/oscar"
	"transport/legacy/oscar/oscarmock"
)

// Bob of "transport mock-icq" sends a file on request.
func TestBobSendsFile(t *testing.T) {
	mock := oscarmock.New(oscarmock.Options{})
	t.Cleanup(mock.Close)
	mock.AddAccount(oscarmock.Account{Name: AliceUIN, Password: AlicePassword})
	NewBob(mock).SignOn()
	must(t, mock.Listen("127.0.0.1:0"))
	o := oscar.DefaultOptions()
	o.Server, o.PrivateFiles = mock.Addr(), true
	icq, err := oscar.New(o)
	must(t, err)
	events, kept := make(chan legacy.Event, 1000), make(chan []byte, 10)
	session, err := icq.NewSession(legacy.Account{Fields: map[string]string{"username": AliceUIN, "password": AlicePassword}}, legacy.Env{
		Log: zerolog.Nop(), Now: time.Now, Dial: new(net.Dialer).DialContext, MaxFile: 1000,
		Emit:  func(ev legacy.Event) { events <- ev },
		Flush: func(context.Context) error { return nil },
		StoreFile: func(_ context.Context, f legacy.File, r io.Reader) (string, error) {
			data, err := io.ReadAll(r)
			kept <- data
			return "https://files.example.org/" + f.Name, err
		},
	})
	must(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- session.Run(ctx) }()
	defer func() {
		cancel()
		must(t, await(t, "the end of the session", ended))
	}()
	for {
		switch ev := await(t, "Bob's file", events).(type) {
		case legacy.Ready:
			must(t, session.Send(ctx, legacy.Outgoing{Ref: "1", To: legacy.Peer{ID: BobUIN}, Text: "Send file!"}))
		case legacy.MessageReceived:
			if data := await(t, "the file", kept); !strings.HasSuffix(ev.URL, "/"+bobsFile.Name) || !bytes.Equal(data, bobsFile.Data) {
				t.Errorf("alice gets %+v, %q", ev, data)
			}
			return
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func await[T any](t *testing.T, what string, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-time.After(20 * time.Second):
		t.Fatalf("timed out waiting for %s", what)
	}
	return v
}
