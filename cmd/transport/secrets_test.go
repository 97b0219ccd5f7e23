package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"transport/legacy/oscar/oscarmock"
)

// TestMain runs a command in place of the tests if the environment asks for it: a child process
// of TestSecrets.
func TestMain(m *testing.M) {
	if os.Getenv("TRANSPORT_TEST_CHILD") != "" {
		main()
	}
	os.Exit(m.Run())
}

// record is a writer that keeps everything.
type record struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (r *record) Write(b []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.Write(b)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.all.String()
}

// await waits until the record contains a text n times.
func (r *record) await(t *testing.T, text string, n int) {
	t.Helper()
	for end := time.Now().Add(patience); strings.Count(r.String(), text) < n; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %q in\n%s", text, r)
		}
	}
}

// scriptedServer accepts components of all domains. send writes a stanza to one of them.
func scriptedServer(t *testing.T, got *record) (addr string, send func(domain, stanza string)) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	var mu sync.Mutex
	conns := make(map[string]net.Conn)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				open, err := readUntil(conn, "<stream:stream", ">")
				if err != nil {
					return
				}
				domain := regexp.MustCompile(`to=["']([^"']+)`).FindStringSubmatch(open)[1]
				fmt.Fprintf(conn, "<?xml version='1.0'?><stream:stream xmlns:stream='http://etherx.jabber.org/streams' xmlns='jabber:component:accept' from='%s' id='1'>", domain)
				if _, err := readUntil(conn, "<handshake", "</handshake>"); err != nil {
					return
				}
				fmt.Fprint(conn, "<handshake/>")
				mu.Lock()
				conns[domain] = conn
				mu.Unlock()
				fmt.Fprintf(got, "linked %s\n", domain)
				_, _ = bufio.NewReader(conn).WriteTo(got)
			}()
		}
	}()
	return l.Addr().String(), func(domain, stanza string) {
		mu.Lock()
		defer mu.Unlock()
		if _, err := fmt.Fprint(conns[domain], strings.ReplaceAll(stanza, "GW", domain)); err != nil {
			t.Error(err)
		}
	}
}

// ircServer is an IRC server that accepts every password, with and without SASL.
func ircServer(t *testing.T, got *record) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	t.Cleanup(func() { l.Close() })
	sasl := false
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			sasl = !sasl // the connections take turns
			offers := map[bool]string{true: "sasl=PLAIN", false: ""}[sasl]
			go func() {
				defer conn.Close()
				for lines := bufio.NewScanner(conn); lines.Scan(); {
					line := lines.Text()
					fmt.Fprintln(got, line)
					switch command, rest, _ := strings.Cut(line, " "); {
					case strings.HasPrefix(line, "CAP LS"):
						fmt.Fprintf(conn, ":srv CAP * LS :%s\r\n", offers)
					case strings.HasPrefix(line, "CAP REQ"):
						fmt.Fprintf(conn, ":srv CAP * ACK %s\r\n", strings.TrimPrefix(rest, "REQ "))
					case line == "AUTHENTICATE PLAIN":
						fmt.Fprint(conn, "AUTHENTICATE +\r\n")
					case command == "AUTHENTICATE":
						fmt.Fprint(conn, ":srv 903 * :ok\r\n")
					case line == "CAP END":
						fmt.Fprint(conn, ":srv 001 alice :Welcome\r\n:srv 422 alice :No MOTD\r\n")
					case command == "PRIVMSG":
						fmt.Fprint(conn, ":NickServ!s@services NOTICE alice :You are now identified.\r\n")
					}
				}
			}()
		}
	}()
	return l.Addr().String()
}

// TestSecrets signs on to ICQ and IRC with known passwords, by forms and by words, with wrong
// and with right ones, and looks for them in everything that the program writes at its lowest
// log level: log, stanzas, statistics, arguments, environment, database with its journals, the
// trace of a crash, and the output of "transport check".
func TestSecrets(t *testing.T) {
	secrets := map[string]string{"component": "c0mponent-SECRET-1", "ICQ": "icq-SECRET-22", "wrong": "wr0ng-SECRET-33", "account": "n1ckserv-SECRET-44", "server": "s3rver-SECRET-55", "command": "c0mmand-SECRET-66"}
	dir := t.TempDir()
	mock := oscarmock.New(oscarmock.Options{})
	mock.AddAccount(oscarmock.Account{Name: "100001", Password: secrets["ICQ"]})
	must(t, mock.Listen("127.0.0.1:0"))
	t.Cleanup(mock.Close)
	var stanzas, lines, output record
	server, send := scriptedServer(t, &stanzas)
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte(secrets["component"]+"\n"), 0o600))
	config := filepath.Join(dir, "t.toml")
	network := "\n[[network]]\ndriver = %q\ndomain = %q\nsecret_file = \"secret\"\nadmins = [\"alice@localhost\"]\n[network.options]\nserver = %q\n"
	must(t, os.WriteFile(config, []byte(fmt.Sprintf("[server]\naddress = %q\n", server)+fmt.Sprintf(network, "oscar", "icq.localhost", mock.Addr())+
		fmt.Sprintf(network, "irc", "irc.localhost", ircServer(t, &lines))+"tls = false\n"), 0o600))
	child := func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], append(args, "--config", config)...)
		cmd.Env = append(os.Environ(), "TRANSPORT_TEST_CHILD=1", "GOTRACEBACK=crash")
		cmd.Stdout, cmd.Stderr = &output, &output
		return cmd
	}
	gateway := child("run", "--log-level", "trace")
	must(t, gateway.Start())
	t.Cleanup(func() { _ = gateway.Process.Kill() })
	stanzas.await(t, "linked", 2)
	register := func(domain, id, fields string) {
		send(domain, "<iq type='set' id='"+id+"' from='alice@localhost/x' to='GW'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'>"+fields+"</x></query></iq>")
		stanzas.await(t, "id='"+id+"'", 1)
	}
	field := func(name, value string) string {
		return "<field var='" + name + "'><value>" + value + "</value></field>"
	}
	say := func(domain, text string) {
		send(domain, "<message type='chat' from='alice@localhost/x' to='GW'><body>"+text+"</body></message>")
	}
	register("icq.localhost", "wrong", field("username", "100001")+field("password", secrets["wrong"]))
	register("icq.localhost", "right", field("username", "100001")+field("password", secrets["ICQ"]))
	say("icq.localhost", "password "+secrets["wrong"])
	stanzas.await(t, "does not accept the password", 2)
	say("icq.localhost", "cancel")
	register("irc.localhost", "sasl", field("username", "alice")+field("password", secrets["account"])+field("pass", secrets["server"])+field("after_connect_commands", "PRIVMSG Bot :login "+secrets["command"]))
	send("irc.localhost", "<presence from='alice@localhost/x' to='GW'/>")
	say("irc.localhost", "reconnect")
	say("icq.localhost", "statistics")
	lines.await(t, "NickServ :IDENTIFY "+secrets["account"], 1)
	lines.await(t, base64.StdEncoding.EncodeToString([]byte("alice\x00alice\x00"+secrets["account"])), 1)
	lines.await(t, "PASS", 2)
	stanzas.await(t, "Stanzas", 1)

	places := map[string][]byte{}
	for _, name := range []string{"cmdline", "environ"} {
		if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", gateway.Process.Pid, name)); err == nil {
			places[name] = b
		}
	}
	if b, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", gateway.Process.Pid)); err == nil && !regexp.MustCompile(`Max core file size +0 +0 `).Match(b) {
		t.Errorf("the kernel may write a core file:\n%s", b)
	}
	must(t, gateway.Process.Signal(syscall.SIGQUIT)) // a crash, with the traces of all goroutines
	_ = gateway.Wait()
	if status, ok := gateway.ProcessState.Sys().(syscall.WaitStatus); ok && status.CoreDump() {
		t.Error("the kernel wrote a core file")
	}
	output.await(t, "goroutine 1", 1)
	files, err := filepath.Glob(filepath.Join(dir, "transport.*"))
	must(t, err)
	for _, file := range files {
		b, err := os.ReadFile(file)
		must(t, err)
		places[filepath.Base(file)] = b
	}
	for _, file := range []string{"transport.db", "transport.db-wal", "transport.db.journal", "transport.key"} {
		if places[file] == nil {
			t.Errorf("there is no %s, but %q", file, files)
		}
	}
	_ = child("check").Run()
	if !strings.Contains(output.String(), "ok      icq.localhost: XMPP server") {
		t.Errorf("check prints\n%s", output.String())
	}
	places["log, trace and check"], places["stanzas"] = []byte(output.String()), []byte(stanzas.String())
	for name, secret := range secrets {
		for place, b := range places {
			for form, text := range forms(secret) {
				if bytes.Contains(b, []byte(text)) {
					t.Errorf("%s has the secret %s, %s", place, name, form)
				}
			}
		}
	}
}

// forms are a secret as it may appear in files: as it is, in base64 at each offset, and as the
// words of a stack trace.
func forms(secret string) map[string]string {
	all := map[string]string{"as it is": secret, "as a word": fmt.Sprintf("%#x", binary.LittleEndian.Uint64([]byte(secret))), "in hexadecimal digits": fmt.Sprintf("%x", secret)}
	for i := range 3 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("\x00", i) + secret))
		all[fmt.Sprint("in base64 at offset ", i)] = text[4 : len(text)-4]
	}
	return all
}
