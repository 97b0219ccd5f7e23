package oscar

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

const (
	maxTransfers  = 3  // limit: files of one session that are being received | the offer is refused, and the user gets a notice
	maxFiles      = 50 // limit: files in one offer | the offer is refused, and the user gets a notice
	transferLimit = time.Hour
)

// rendezvousID identifies a proposal: its proposer chooses the cookie.
type rendezvousID struct {
	peer   string
	cookie oscarwire.Cookie
}

// transfer is a file offer of a peer: one file or several.
type transfer struct {
	id      rendezvousID
	from    string // the peer's name, as its server spells it
	offer   oscarwire.Rendezvous
	name    string // of the file, or of the folder, as sent by the peer
	count   int
	size    int64 // total size in bytes
	proxied bool
	addrs   []netip.Addr // addresses to dial, best first: of the proxy, or of the peer
	port    uint16       // of the peer; for a proxy, the number of the connection there
	cancel  context.CancelCauseFunc
}

// fileTransfers are the transfers under way.
type fileTransfers struct {
	c *client

	transfers map[rendezvousID]*transfer
	inlines   int // pictures in messages that are being stored
}

func newFileTransfers(c *client) fileTransfers {
	return fileTransfers{c: c, transfers: make(map[rendezvousID]*transfer)}
}

// onFileOffer accepts an offer, or declines it and informs the user. It ignores a
// repetition of an offer that is under way.
func (ft *fileTransfers) onFileOffer(im oscarwire.IncomingIM, v oscarwire.Rendezvous, received legacy.MessageReceived) error {
	t := &transfer{id: rendezvousID{received.From.ID, v.Cookie}, from: im.From.Name, offer: v}
	if ft.transfers[t.id] != nil {
		return nil
	}
	err := ft.parseOffer(t)
	if err == nil {
		err = ft.checkOffer(t)
	}
	if err != nil {
		ft.c.icbm.cancelRendezvous(t.from, v)
		received.Text = t.failureText(err)
		ft.c.icbm.received(received)
		return nil
	}
	ft.startTransfer(t)
	return nil
}

// parseOffer parses the files and addresses of an offer. (AOL, "Rendezvous")
func (ft *fileTransfers) parseOffer(t *transfer) error {
	v := t.offer
	info, err := v.FileInfo()
	t.name = ft.c.s.net.pathName(oscarwire.CharsetASCII, info.Name)
	t.count, t.size = int(info.Count), int64(info.Size)
	t.port, _ = v.TLVs.U16(oscarwire.TagRendezvousPort)
	t.proxied = v.TLVs.Has(oscarwire.TagRendezvousUseProxy)
	if err != nil || t.count == 0 || t.port == 0 {
		return legacy.Errorf(legacy.Unsupported, "This gateway does not support this kind of offer.")
	}
	tags := []uint16{oscarwire.TagRendezvousVerified, oscarwire.TagRendezvousClient}
	if t.proxied {
		tags = []uint16{oscarwire.TagRendezvousProxy}
	}
	for _, tag := range tags {
		if addr, ok := v.Addr(tag); ok && ft.c.s.net.mayDial(addr) && (len(t.addrs) == 0 || t.addrs[0] != addr) {
			t.addrs = append(t.addrs, addr)
		}
	}
	return nil
}

// checkOffer returns the reason why an offer is declined, nil if it is accepted.
func (ft *fileTransfers) checkOffer(t *transfer) error {
	if err := ft.mayStore(t.size); err != nil {
		return err
	}
	switch {
	case t.count > maxFiles:
		return legacy.Errorf(legacy.TooLong, "This gateway accepts at most %d files at a time.", maxFiles)
	case len(ft.transfers) >= maxTransfers:
		return legacy.Errorf(legacy.RateLimited, "Other transfers to you are still under way. Ask the sender to try again afterwards.")
	case len(t.addrs) == 0 && (t.proxied || ft.c.s.net.opts.FileProxy == ""):
		return errForbidden
	}
	return nil
}

// mayStore returns the reason why a file is not stored, nil if it may be.
func (ft *fileTransfers) mayStore(size int64) error {
	limit := ft.c.s.env.MaxFile
	switch {
	case limit <= 0 || ft.c.s.env.StoreFile == nil:
		return legacy.Errorf(legacy.Unsupported, "This gateway does not accept files. Ask for a link instead.")
	case size > limit:
		return legacy.Errorf(legacy.TooLong, "This gateway accepts at most %s. Ask for a link instead.", sizeText(limit))
	}
	return nil
}

// later runs a command on the session's goroutine.
func (ft *fileTransfers) later(do command) {
	select {
	case ft.c.s.queue <- do:
	case <-ft.c.life.Done():
	}
}

// errForbidden is the error of an offer without an address that may be dialled.
var errForbidden = legacy.Errorf(legacy.Forbidden, "The sender has a private address, to which this gateway does not connect. Ask for a link instead.")

// startTransfer receives files on a goroutine of its own, which the session waits for.
func (ft *fileTransfers) startTransfer(t *transfer) {
	ctx, cancel := context.WithCancelCause(ft.c.life)
	t.cancel = cancel
	ft.transfers[t.id] = t
	ft.c.background.Go(func() {
		defer cancel(nil)
		err := ft.c.s.receiveFiles(ctx, t, func() { ft.later(func(c *client) { c.files.acceptRendezvous(t) }) },
			func(place oscarwire.ProxyPlace) { ft.later(func(c *client) { c.files.proposeProxy(t, place) }) })
		if err != nil {
			ft.c.s.env.Log.Info().Err(err).Str("peer", t.id.peer).Msg("a file transfer failed")
			ft.c.s.env.Emit(legacy.MessageReceived{From: legacy.Peer{ID: t.id.peer}, Text: t.failureText(err)})
		}
		ft.later(func(c *client) {
			delete(c.files.transfers, t.id)
			if err != nil && !errors.Is(err, errCancelled) {
				c.icbm.cancelRendezvous(t.from, t.offer)
			}
		})
	})
}

// proposeProxy asks the sender to connect to the proxy at place. (AOL, "Rendezvous")
func (ft *fileTransfers) proposeProxy(t *transfer, place oscarwire.ProxyPlace) {
	sequence, _ := t.offer.TLVs.U16(oscarwire.TagRendezvousSequence)
	addr := place.Addr.As4()
	back := addr
	for i := range back {
		back[i] ^= 0xFF
	}
	ft.c.rates.submit(&packet{id: oscarwire.ICBMSend, body: oscarwire.NewOutgoingRendezvous(t.from, oscarwire.Rendezvous{
		Kind: oscarwire.RendezvousRequest, Cookie: t.offer.Cookie, Capability: t.offer.Capability,
		TLVs: oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagRendezvousSequence, sequence+1), {Tag: oscarwire.TagRendezvousF},
			oscarwire.TLVBytes(oscarwire.TagRendezvousProxy, addr[:]), oscarwire.TLVBytes(oscarwire.TagRendezvousProxyBack, back[:]),
			oscarwire.TLV16(oscarwire.TagRendezvousPort, place.PIN), oscarwire.TLV16(oscarwire.TagRendezvousPortBack, ^place.PIN),
			{Tag: oscarwire.TagRendezvousUseProxy}}}, 0)})
}

// acceptRendezvous informs a peer that the connection is up.
func (ft *fileTransfers) acceptRendezvous(t *transfer) {
	ft.c.rates.submit(&packet{id: oscarwire.ICBMSend, body: oscarwire.NewOutgoingRendezvous(t.from,
		oscarwire.Rendezvous{Kind: oscarwire.RendezvousAccept, Cookie: t.offer.Cookie, Capability: t.offer.Capability}, 0)})
}

// errCancelled ends a transfer that the sender has cancelled.
var errCancelled = legacy.Errorf(legacy.Forbidden, "The sender has cancelled the transfer.")

// onFileCancelled ends a transfer, if the cookie is that of one.
func (ft *fileTransfers) onFileCancelled(from legacy.Peer, cookie oscarwire.Cookie) {
	if t := ft.transfers[rendezvousID{from.ID, cookie}]; t != nil {
		t.cancel(errCancelled)
	}
}

// failureText returns a text for the user: the offer, and the reason why it failed.
func (t *transfer) failureText(err error) string {
	what := fmt.Sprintf(`the file "%s"`, shortName(t.name))
	if t.count > 1 {
		what = fmt.Sprintf(`%d files, "%s"`, t.count, shortName(t.name))
	}
	why := "An internal error of the gateway occurred."
	var le *legacy.Error
	if errors.As(err, &le) && le.Text != "" {
		why = le.Text
	}
	return fmt.Sprintf("(tried to send you %s, %s, but the transfer failed. %s)", what, sizeText(t.size), why)
}

const maxFileName = 100 // limit: characters of a file's name in a notice | "…"

// pathName decodes the name of a file. The separator of folders is U+0001.
func (n *network) pathName(charset uint16, raw []byte) string {
	wide := charset == oscarwire.CharsetUTF16
	raw = bytes.Clone(raw)
	for i := range raw {
		if raw[i] == 1 && (!wide || i%2 == 1 && raw[i-1] == 0) {
			raw[i] = '/'
		}
	}
	return oscarwire.DecodeText(charset, raw, n.page)
}

// shortName returns the last part of a file name, on one line.
func shortName(name string) string {
	name = name[strings.LastIndexAny(name, "/\\")+1:]
	name = strings.Join(strings.Fields(name), " ")
	if r := []rune(name); len(r) > maxFileName {
		name = string(r[:maxFileName]) + "…"
	}
	return name
}

// sizeText formats a number of bytes for users.
func sizeText(n int64) string {
	switch {
	case n == 1:
		return "1 byte"
	case n < 10_000:
		return fmt.Sprintf("%d bytes", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}
