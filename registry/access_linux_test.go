package registry

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

// nobody's user ID on most systems.
const nobodyUID = 65534

// asNobody runs f as a user for whom file modes apply, even if the test runs as root.
func asNobody(t *testing.T, f func()) {
	t.Helper()
	if os.Geteuid() != 0 {
		f()
		return
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		if err := syscall.Setfsuid(nobodyUID); err != nil {
			t.Error(err)
			return
		}
		f()
	}()
	<-done
}

func TestOpenWithoutAccess(t *testing.T) {
	for _, test := range []struct {
		name   string
		setup  func(t *testing.T, opts Options) error
		err    error
		text   string // besides
		naming string // the suffix of the path that is named
	}{
		{"read-only folder", func(t *testing.T, opts Options) error {
			return os.Chmod(filepath.Dir(opts.Path), 0o555)
		}, ErrDisk, "write access to that folder", ".lock"},
		{"unreadable database", func(t *testing.T, opts Options) error {
			return errors.Join(os.WriteFile(opts.Path, nil, 0o600), os.Chmod(opts.Path, 0))
		}, ErrDisk, "read and write access to it", ""},
		{"unreadable key file", func(t *testing.T, opts Options) error {
			return errors.Join(os.WriteFile(opts.Path+".key", nil, 0o600), os.Chmod(opts.Path+".key", 0))
		}, ErrKey, "permission denied", ".key"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			// The folders above belong to this test alone, too.
			for d := dir; d != filepath.Clean(os.TempDir()) && d != "/"; d = filepath.Dir(d) {
				if err := os.Chmod(d, 0o777); err != nil {
					t.Fatal(err)
				}
			}
			opts := testOptions(dir)
			if err := test.setup(t, opts); err != nil {
				t.Fatal(err)
			}
			asNobody(t, func() {
				d, err := Open(t.Context(), opts)
				if err == nil {
					d.Close()
					t.Error("opened")
					return
				}
				if !errors.Is(err, test.err) || !errors.Is(err, os.ErrPermission) ||
					!strings.Contains(err.Error(), test.text) || !strings.Contains(err.Error(), opts.Path+test.naming) {
					t.Errorf("got %v", err)
				}
			})
		})
	}
}
