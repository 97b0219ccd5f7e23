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
	maxTransfers  = 3  // of one session at the same time
	maxFiles      = 50 // of one offer
	transferLimit = time.Hour
)

// rendezvousID names a proposal: cookies are chosen by those who propose.
type rendezvousID struct {
	peer   string
	cookie oscarwire.Cookie
}

// transfer is what a peer offers: a file, or several.
type transfer struct {
	id      rendezvousID
	from    string // the peer's name, as their server writes it
	offer   oscarwire.Rendezvous
	name    string // of the file, or of the folder of several, as the peer has it
	count   int
	size    int64 // bytes of all files together
	proxied bool
	addrs   []netip.Addr // to connect to, the best first: of the proxy, or of the peer
	port    uint16       // of the peer; for a proxy, the number of the connection there
	cancel  context.CancelCauseFunc
}

// fileTransfers are the files under way.
type fileTransfers struct {
	c *client

	transfers map[rendezvousID]*transfer
}

func newFileTransfers(c *client) fileTransfers {
	return fileTransfers{c: c, transfers: make(map[rendezvousID]*transfer)}
}

// onFileOffer takes what somebody offers, or tells them and the user why not. A
// repeated offer of what is under way changes nothing.
func (ft *fileTransfers) onFileOffer(im oscarwire.IncomingIM, v oscarwire.Rendezvous, received legacy.MessageReceived) error {
	t := &transfer{id: rendezvousID{received.From.ID, v.Cookie}, from: im.From.Name, offer: v}
	if ft.transfers[t.id] != nil {
		return nil
	}
	err := ft.understandOffer(t)
	if err == nil {
		err = ft.refuseFiles(t)
	}
	if err != nil {
		ft.c.icbm.cancelRendezvous(t.from, v)
		received.Text = t.inVain(err)
		ft.c.icbm.received(received)
		return nil
	}
	ft.startTransfer(t)
	return nil
}

// understandOffer reads what is offered, and from where. (AOL, "Rendezvous")
func (ft *fileTransfers) understandOffer(t *transfer) error {
	v := t.offer
	info, err := v.FileInfo()
	t.name = ft.c.s.net.pathName(oscarwire.CharsetASCII, info.Name)
	t.count, t.size = int(info.Count), int64(info.Size)
	t.port, _ = v.TLVs.U16(oscarwire.TagRendezvousPort)
	t.proxied = v.TLVs.Has(oscarwire.TagRendezvousUseProxy)
	if err != nil || t.count == 0 || t.port == 0 {
		return legacy.Errorf(legacy.Unsupported, "The offer makes no sense to this gateway.")
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

// refuseFiles is why an offer cannot be taken, nil if it can.
func (ft *fileTransfers) refuseFiles(t *transfer) error {
	limit := ft.c.s.env.MaxFile
	switch {
	case limit <= 0 || ft.c.s.env.StoreFile == nil:
		return legacy.Errorf(legacy.Unsupported, "This gateway takes no files. Ask for a link instead.")
	case t.size > limit:
		return legacy.Errorf(legacy.TooLong, "This gateway takes no more than %s. Ask for a link instead.", sizeText(limit))
	case t.count > maxFiles:
		return legacy.Errorf(legacy.TooLong, "This gateway takes no more than %d files at a time.", maxFiles)
	case len(ft.transfers) >= maxTransfers:
		return legacy.Errorf(legacy.RateLimited, "Other files are still on their way to you. Ask for it again afterwards.")
	case len(t.addrs) == 0 && (t.proxied || ft.c.s.net.opts.FileProxy == ""):
		return errForbidden
	}
	return nil
}

// errForbidden is that of offers that name no address which may be dialled.
var errForbidden = legacy.Errorf(legacy.Forbidden, "It would have to be fetched from a private address, to which this gateway does not connect. Ask for a link instead.")

// startTransfer receives files in a goroutine of its own, which the session waits
// for.
func (ft *fileTransfers) startTransfer(t *transfer) {
	ctx, cancel := context.WithCancelCause(ft.c.life)
	t.cancel = cancel
	ft.transfers[t.id] = t
	later := func(do command) { // by the session's goroutine
		select {
		case ft.c.s.queue <- do:
		case <-ft.c.life.Done():
		}
	}
	ft.c.background.Go(func() {
		defer cancel(nil)
		err := ft.c.s.receiveFiles(ctx, t, func() { later(func(c *client) { c.files.acceptRendezvous(t) }) },
			func(place oscarwire.ProxyPlace) { later(func(c *client) { c.files.proposeProxy(t, place) }) })
		if err != nil {
			ft.c.s.env.Log.Info().Err(err).Str("peer", t.id.peer).Msg("a file did not arrive")
			ft.c.s.env.Emit(legacy.MessageReceived{From: legacy.Peer{ID: t.id.peer}, Text: t.inVain(err)})
		}
		later(func(c *client) {
			delete(c.files.transfers, t.id)
			if err != nil && !errors.Is(err, errTakenBack) {
				c.icbm.cancelRendezvous(t.from, t.offer)
			}
		})
	})
}

// proposeProxy asks the sender to come to a proxy where we wait. (AOL, "Rendezvous")
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

// acceptRendezvous tells a peer that we have connected to them.
func (ft *fileTransfers) acceptRendezvous(t *transfer) {
	ft.c.rates.submit(&packet{id: oscarwire.ICBMSend, body: oscarwire.NewOutgoingRendezvous(t.from,
		oscarwire.Rendezvous{Kind: oscarwire.RendezvousAccept, Cookie: t.offer.Cookie, Capability: t.offer.Capability}, 0)})
}

// errTakenBack ends a transfer that the peer has cancelled.
var errTakenBack = legacy.Errorf(legacy.Forbidden, "The sender has taken it back.")

// onFileCancelled ends a transfer, if it is one.
func (ft *fileTransfers) onFileCancelled(from legacy.Peer, cookie oscarwire.Cookie) {
	if t := ft.transfers[rendezvousID{from.ID, cookie}]; t != nil {
		t.cancel(errTakenBack)
	}
}

// inVain tells the user what was offered, and why it is not here.
func (t *transfer) inVain(err error) string {
	what := fmt.Sprintf(`the file "%s"`, shortName(t.name))
	if t.count > 1 {
		what = fmt.Sprintf(`%d files, "%s"`, t.count, shortName(t.name))
	}
	why := "Something went wrong inside the gateway."
	var le *legacy.Error
	if errors.As(err, &le) && le.Text != "" {
		why = le.Text
	}
	return fmt.Sprintf("(tried to send you %s, %s, in vain. %s)", what, sizeText(t.size), why)
}

const maxFileName = 100 // runes that are shown

// pathName decodes the name of a file. Between folders, peers write U+0001.
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

// shortName is the name of a file as people may read it: its last part, on one line.
func shortName(name string) string {
	name = name[strings.LastIndexAny(name, "/\\")+1:]
	name = strings.Join(strings.Fields(name), " ")
	if r := []rune(name); len(r) > maxFileName {
		name = string(r[:maxFileName]) + "…"
	}
	return name
}

// sizeText is a number of bytes as people read it.
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
