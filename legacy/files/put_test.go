package files

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/iotest"

	"transport/legacy"
)

func TestPut(t *testing.T) {
	const content = "0123456789"
	gone := legacy.Errorf(legacy.Forbidden, "The sender has taken it back.")
	for _, tt := range []struct {
		name   string
		serve  http.HandlerFunc
		change func(*Upload)
		r      io.Reader
		kind   legacy.Kind
		text   string // of the error, "" for none
	}{
		{name: "created", serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) }},
		{name: "done", serve: func(http.ResponseWriter, *http.Request) {}},
		{name: "nothing", serve: func(http.ResponseWriter, *http.Request) {}, change: func(to *Upload) { to.Size = 0 }},
		{name: "refused", serve: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(413) }, kind: legacy.Temporary, text: "HTTP status 413"},
		{name: "redirected", serve: func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://127.0.0.1:1/", http.StatusTemporaryRedirect)
		}, kind: legacy.Temporary, text: "HTTP status 307"},
		{name: "hangs up", serve: func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, kind: legacy.Temporary, text: "rejected the upload"},
		{name: "ends early", r: strings.NewReader("0"), kind: legacy.Temporary, text: "arrived incompletely"},
		{name: "breaks", r: io.MultiReader(strings.NewReader("0"), iotest.ErrReader(syscall.ECONNRESET)), kind: legacy.Temporary, text: "arrived incompletely"},
		{name: "taken back", r: io.MultiReader(strings.NewReader("0"), iotest.ErrReader(gone)), kind: legacy.Forbidden, text: "taken it back"},
		{name: "not public", change: func(to *Upload) { to.Public = true }, kind: legacy.Temporary, text: "URL not allowed"},
		{name: "not public, encrypted", change: func(to *Upload) { to.Public, to.URL = true, strings.Replace(to.URL, "http:", "https:", 1) },
			kind: legacy.Temporary, text: "URL not allowed"},
		{name: "no URL", change: func(to *Upload) { to.URL = "ftp://127.0.0.1/" }, kind: legacy.Temporary, text: "URL not allowed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := make(chan string, 2)
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				b, _ := io.ReadAll(r.Body)
				got <- r.Method + " " + r.URL.Path + " " + string(b)
				if tt.serve != nil {
					tt.serve(w, r)
				}
			}))
			defer server.Close()
			to := Upload{URL: server.URL + "/x", Type: "image/png", Size: int64(len(content)), Dial: new(net.Dialer).DialContext}
			if tt.change != nil {
				tt.change(&to)
			}
			r := tt.r
			if r == nil {
				r = strings.NewReader(content + "and more")
			}
			err := Put(t.Context(), to, r)
			if tt.text == "" && err != nil || tt.text != "" && (err == nil || legacy.KindOf(err) != tt.kind || !strings.Contains(err.Error(), tt.text)) {
				t.Errorf("%v of kind %v", err, legacy.KindOf(err))
			}
			if err != nil && strings.Contains(err.Error(), "/x") {
				t.Errorf("the error has the secret place: %v", err)
			}
			if want := "PUT /x " + content[:to.Size]; err == nil && <-got != want {
				t.Errorf("the server did not get %q", want)
			}
			if to.Public && len(got) > 0 {
				t.Errorf("the server got %q", <-got)
			}
		})
	}
}

// A server that responds before it has read everything has not stored the file.
func TestPutHalf(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(201) }))
	defer server.Close()
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write(make([]byte, 1<<20)) // the rest never arrives
		w.CloseWithError(errors.New("the test is over"))
	}()
	err := Put(t.Context(), Upload{URL: server.URL, Size: 10 << 20, Dial: new(net.Dialer).DialContext}, r)
	if legacy.KindOf(err) != legacy.Temporary {
		t.Error(err)
	}
	r.Close()
}

// The end of the context ends the upload.
func TestPutEnds(t *testing.T) {
	came := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body)
		close(came)
		<-r.Context().Done()
	}))
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-came
		cancel()
	}()
	if err := Put(ctx, Upload{URL: server.URL, Size: 1, Dial: new(net.Dialer).DialContext}, strings.NewReader("x")); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}
