package oscar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

var (
	// progressLimit is the maximum time without data from a peer.
	progressLimit = 30 * time.Second
	errTooSlow    = legacy.Errorf(legacy.Temporary, "The transfer took too long.")
)

// receiveFiles connects to the sender, calls connected, and receives the files one
// after another. If the sender cannot be reached and the network has a proxy, it calls
// propose to ask the sender to connect to the proxy. It emits each file as soon as it
// is complete. The goroutine of the transfer calls it. The error is for the user.
func (s *session) receiveFiles(ctx context.Context, t *transfer, connected func(), propose func(oscarwire.ProxyPlace)) error {
	ctx, cancel := context.WithTimeoutCause(ctx, transferLimit, errTooSlow)
	defer cancel()
	err := s.receiveAll(ctx, t, connected, propose)
	switch cause := context.Cause(ctx); {
	case err == nil || cause == nil:
		return err
	case errors.Is(cause, context.Canceled):
		return legacy.Wrap(legacy.Offline, err, "Your session on "+s.net.name()+" has ended.")
	default:
		return cause
	}
}

func (s *session) receiveAll(ctx context.Context, t *transfer, connected func(), propose func(oscarwire.ProxyPlace)) error {
	conn, err := s.connectPeer(ctx, t)
	if err != nil && !t.proxied && s.net.opts.FileProxy != "" && ctx.Err() == nil {
		s.env.Log.Debug().Err(err).Str("peer", t.id.peer).Msg("asked the sender of a file to connect to the proxy")
		conn, err = s.waitAtProxy(ctx, t, propose)
	}
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	connected()
	left := t.size
	for range t.count {
		url, size, err := s.receiveFile(ctx, conn, t, left)
		if err != nil {
			return err
		}
		left -= size
		s.env.Emit(legacy.MessageReceived{From: legacy.Peer{ID: t.id.peer}, Text: url, URL: url})
	}
	return nil
}

// receiveFile receives one file of at most limit bytes. (libpurple, oft.c)
func (s *session) receiveFile(ctx context.Context, conn net.Conn, t *transfer, limit int64) (url string, size int64, err error) {
	_ = conn.SetReadDeadline(time.Now().Add(progressLimit)) // ReadOFT returns the error
	h, err := oscarwire.ReadOFT(conn)
	size = int64(h.Size)
	switch {
	case err != nil:
		return "", 0, peerError(err)
	case h.Kind != oscarwire.OFTPrompt || h.Encryption != 0 || h.Compression != 0:
		return "", 0, legacy.Wrap(legacy.Unsupported, fmt.Errorf("oft kind %04X, encryption %d, compression %d", h.Kind, h.Encryption, h.Compression), garbledText)
	case size > limit:
		return "", 0, legacy.Errorf(legacy.TooLong, "The sender sent more data than it had offered.")
	}
	reply := h
	reply.Kind, reply.Cookie = oscarwire.OFTAck, t.id.cookie
	if err := writePeer(conn, reply); err != nil {
		return "", 0, peerError(err)
	}
	name := cmp.Or(s.net.pathName(h.Charset, h.Name), t.name)
	r := &fileReader{conn: conn, left: size, want: h.Checksum}
	if url, err = s.env.StoreFile(ctx, legacy.File{Sender: t.id.peer, Name: name, Size: size}, r); err != nil {
		return "", 0, err
	}
	reply.Kind, reply.FilesLeft, reply.PartsLeft = oscarwire.OFTDone, max(h.FilesLeft, 1)-1, 0
	reply.Received, reply.ReceivedChecksum = h.Size, r.sum.Sum()
	if err := writePeer(conn, reply); err != nil {
		s.env.Log.Debug().Err(err).Msg("the sender of a file closed without waiting for the confirmation")
	}
	return url, size, nil
}

func writePeer(conn net.Conn, what oscarwire.Appender) error {
	_ = conn.SetWriteDeadline(time.Now().Add(writeLimit)) // Write returns the error
	_, err := conn.Write(what.Append(nil))
	return err
}

const garbledText = "The sender's client uses an unsupported variant of the file transfer protocol."

// fileReader reads a file from a peer. It returns the last bytes only after it has
// verified the checksum, so that a corrupt file never counts as complete.
type fileReader struct {
	conn net.Conn
	left int64
	sum  oscarwire.Checksum
	want uint32
}

// Read implements io.Reader.
func (r *fileReader) Read(p []byte) (int, error) {
	if r.left == 0 {
		return 0, io.EOF
	}
	_ = r.conn.SetReadDeadline(time.Now().Add(progressLimit)) // Read returns the error
	n, err := r.conn.Read(p[:min(int64(len(p)), r.left)])
	_, _ = r.sum.Write(p[:n]) // never returns an error
	switch r.left -= int64(n); {
	case r.left == 0 && !r.sum.Fits(r.want):
		return 0, legacy.Errorf(legacy.Temporary, "The file was corrupted in transit.")
	case r.left == 0 || err == nil:
		return n, nil
	}
	return n, peerError(err)
}

// peerError converts an error of a connection to a peer or a proxy to one for the user.
func peerError(err error) error {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.As(err, new(*legacy.Error)):
		return err
	case errors.As(err, &timeout) && timeout.Timeout():
		return legacy.Wrap(legacy.Temporary, err, "The sender stopped sending.")
	case errors.Is(err, oscarwire.ErrMagic), errors.Is(err, oscarwire.ErrShort),
		errors.Is(err, oscarwire.ErrOversize), errors.Is(err, oscarwire.ErrMalformed):
		return legacy.Wrap(legacy.Unsupported, err, garbledText)
	}
	return legacy.Wrap(legacy.Temporary, err, "The sender closed the connection.")
}
