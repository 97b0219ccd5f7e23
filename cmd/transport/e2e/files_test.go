package e2e

import (
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"transport/cmd/transport/internal/demo"
	"transport/cmd/transport/internal/lab"
	"transport/legacy/oscar/oscarmock"
)

// fileMessage waits for a message from Bob and returns its text and its link.
func (p *person) fileMessage() (text, link string) {
	p.w.t.Helper()
	m := p.message(bobICQ)
	if x := m.Child("jabber:x:oob", "x"); x != nil {
		link = x.ChildText("jabber:x:oob", "url")
	}
	return m.ChildText(lab.NSClient, "body"), link
}

// TestFiles: Bob sends files. Alice gets a link to each file, or the reason why not.
// (XEP-0066 §3)
func TestFiles(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		w.files = free.Addr().String()
		free.Close()
		w.private = true
		alice := w.ready()
		client := http.Client{Transport: &http.Transport{}, Timeout: longEnough}
		defer client.CloseIdleConnections()

		photo := bytes.Repeat([]byte("\x00\xff\r\n<&>"), 200_000)
		sent, err := w.bob.OfferFile(demo.AliceUIN, oscarmock.FileOffer{Files: []oscarmock.File{{Name: "../../my photo.JPG", Data: photo}}})
		if err != nil {
			t.Fatal(err)
		}
		text, link := alice.fileMessage()
		if text != link || !strings.HasPrefix(link, "http://"+w.files+"/files/") || !strings.HasSuffix(link, "/my%20photo.JPG") {
			t.Fatalf("alice reads %q, with the link %q", text, link)
		}
		select {
		case err := <-sent.Over():
			if err != nil {
				t.Errorf("bob: %v", err)
			}
		case <-time.After(longEnough):
			t.Error("bob's transfer does not end")
		}
		r, err := client.Get(link)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(r.Body)
		r.Body.Close()
		if err != nil || !bytes.Equal(got, photo) || r.Header.Get("Content-Type") != "image/jpeg" {
			t.Errorf("the link leads to %d bytes of %s, %v", len(got), r.Header.Get("Content-Type"), err)
		}

		if _, err := w.bob.OfferFile(demo.AliceUIN, oscarmock.FileOffer{Fault: oscarmock.FileTakeBack, Files: []oscarmock.File{{Name: "x.txt", Data: photo}}}); err != nil {
			t.Fatal(err)
		}
		if text, link = alice.fileMessage(); link != "" || !strings.Contains(text, `the file "x.txt", 1400 kB`) || !strings.Contains(text, "cancelled the transfer") {
			t.Errorf("alice reads %q, with the link %q", text, link)
		}
		// The quota of a sender: Alice gets the reason, and nothing is stored.
		for i, why := range []string{"", "3000000 bytes a day from each sender"} {
			if _, err := w.bob.OfferFile(demo.AliceUIN, oscarmock.FileOffer{Files: []oscarmock.File{{Name: "more.txt", Data: photo}}}); err != nil {
				t.Fatal(err)
			}
			if text, link := alice.fileMessage(); (link == "") != (why != "") || !strings.Contains(text, why) {
				t.Errorf("file %d: alice reads %q, with the link %q", i+2, text, link)
			}
		}
		list, err := os.ReadDir(filepath.Join(w.dir, "files"))
		if err != nil || len(list) != 2 {
			t.Errorf("the folder has %v, %v", list, err)
		}
		if err := w.process.Terminate(6 * time.Second); err != nil {
			t.Error(err)
		}
		if code := w.process.Wait(); code != 0 {
			t.Errorf("exit code %d", code)
		}
	})
}

// TestNoFiles: Bob offers a file, but there is no place to store files.
func TestNoFiles(t *testing.T) {
	eachServer(t, func(t *testing.T, w *world) {
		w.private = true
		alice := w.ready()
		sent, err := w.bob.OfferFile(demo.AliceUIN, oscarmock.FileOffer{Files: []oscarmock.File{{Name: "x.txt", Data: []byte("x")}}})
		if err != nil {
			t.Fatal(err)
		}
		if text, link := alice.fileMessage(); link != "" || !strings.Contains(text, "Neither this gateway nor your XMPP server keeps files") {
			t.Errorf("alice reads %q, with the link %q", text, link)
		}
		select {
		case err := <-sent.Over():
			if err == nil {
				t.Error("bob has sent it")
			}
		case <-time.After(longEnough):
			t.Error("bob gets no notice")
		}
	})
}

// TestUpload: Bob sends a file, and the gateway uploads it to Prosody's http_file_share,
// which accepts files from components of the same server by default. (XEP-0363)
func TestUpload(t *testing.T) {
	if testing.Short() {
		t.Skip("end-to-end tests are not short")
	}
	w := newWorld(t, "prosody", lab.Prosody, lab.Options{Uploads: true})
	w.private = true
	alice := w.ready()
	data := bytes.Repeat([]byte("0123456789"), 90_000)
	sent, err := w.bob.OfferFile(demo.AliceUIN, oscarmock.FileOffer{Files: []oscarmock.File{{Name: "gr\u00fc\u00dfe \u2603.png", Data: data}}})
	if err != nil {
		t.Fatal(err)
	}
	text, link := alice.fileMessage()
	if text != link || !strings.HasPrefix(link, "http://127.0.0.1:") {
		t.Fatalf("alice reads %q, with the link %q", text, link)
	}
	if err := <-sent.Over(); err != nil {
		t.Errorf("bob: %v", err)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: longEnough}
	r, err := client.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("the link leads to %d bytes, %s, %v", len(got), r.Status, err)
	}
	data = append(data, make([]byte, 200_000)...)
	if _, err := w.bob.OfferFile(demo.AliceUIN, oscarmock.FileOffer{Files: []oscarmock.File{{Name: "large.png", Data: data}}}); err != nil {
		t.Fatal(err)
	}
	if text, link := alice.fileMessage(); link != "" || !strings.Contains(text, "larger than 1000000 bytes") {
		t.Errorf("alice reads %q, with the link %q", text, link)
	}
	if _, err := w.bob.OfferFile(demo.AliceUIN, oscarmock.FileOffer{Fault: oscarmock.FileCut, Files: []oscarmock.File{{Name: "cut.png", Data: data[:500_000]}}}); err != nil {
		t.Fatal(err)
	}
	if text, link := alice.fileMessage(); link != "" || !strings.Contains(text, "closed the connection") {
		t.Errorf("alice reads %q, with the link %q", text, link)
	}
}
