package oscarmock

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"time"

	"transport/legacy/oscar/oscarwire"
)

// FileOffer is a file offer of a Bot.
type FileOffer struct {
	Files []File
	// Name is the name in the offer; "" for that of the first file.
	Name string
	// Listener is the address that the receiver connects to, nil for one on loopback. The
	// transfer closes it.
	Listener net.Listener
	// Proxy offers the listener as a proxy. The offer contains no proxy port, so the
	// Listener must use the port that the receiver assumes.
	Proxy bool
	// ProxyAddr is, with FileHidden, the host:port of the receiver's proxy: the receiver's
	// proposal contains no port.
	ProxyAddr string
	Fault     FileFault
}

// File is a file to send.
type File struct {
	Name string
	Data []byte
}

// FileFault is how a Bot misbehaves when it sends a file.
type FileFault uint8

// The faults.
const (
	FilePrivate  FileFault = iota + 1 // offers an address in a private network
	FileLarger                        // announces one byte more than was offered
	FileDamaged                       // changes the first byte
	FileCut                           // closes the connection in the middle
	FileTakeBack                      // cancels the offer in the middle
	FileStall                         // stops sending in the middle
	FileSilent                        // never sends anything
	FileGarbage                       // sends something that is not OFT
	FileRefused                       // the proxy refuses the connection
	FileHidden                        // the offered address is unreachable; the bot connects to proxies
)

// The errors of a FileTransfer.
var (
	ErrFileDeclined = errors.New("oscarmock: the receiver declined the file")
	errFileFault    = errors.New("oscarmock: requested misbehaviour of the bot")
)

// FileTransfer is a file transfer from a Bot.
type FileTransfer struct {
	bot      *Bot
	to       string
	offer    FileOffer
	cookie   oscarwire.Cookie
	accepted chan struct{} // closed when the receiver has connected
	invited  chan uint16   // connection numbers at proxies that the receiver proposes
	told     bool          // accepted is closed; guarded by Network.mu
	over     chan error
	number   uint16 // at the receiver's proxy
	life     context.Context
	cancel   context.CancelCauseFunc
}

const maxTransfers = 100 // of one bot

// OfferFile offers files to a name.
func (b *Bot) OfferFile(to string, o FileOffer) (*FileTransfer, error) {
	if o.Listener == nil {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		o.Listener = l
	}
	t := &FileTransfer{bot: b, to: to, offer: o, cookie: newIMCookie(), accepted: make(chan struct{}), invited: make(chan uint16, 1), over: make(chan error, 1)}
	t.life, t.cancel = context.WithCancelCause(context.Background())
	n := b.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if b.stopped || len(b.transfers) >= maxTransfers {
		o.Listener.Close()
		return nil, errClosed
	}
	if o.Fault == FileHidden { // before the receiver can dial it
		o.Listener.Close()
	}
	if err := n.sendIM(b.account, to, oscarwire.NewIncomingRendezvous(b.account.info(n.opts.Now()), t.proposal(), 0)); err != nil {
		o.Listener.Close()
		return nil, err
	}
	if b.transfers == nil {
		b.transfers = make(map[oscarwire.Cookie]*FileTransfer)
	}
	b.transfers[t.cookie] = t
	n.wg.Go(t.run)
	n.wg.Go(func() {
		select {
		case <-b.quit:
			t.cancel(errClosed)
		case <-t.life.Done():
		}
	})
	return t, nil
}

// Over returns the result of the transfer: nil when the receiver has everything.
func (t *FileTransfer) Over() <-chan error { return t.over }

// Accepted is closed when the receiver has connected.
func (t *FileTransfer) Accepted() <-chan struct{} { return t.accepted }

func (t *FileTransfer) proposal() oscarwire.Rendezvous {
	at := t.offer.Listener.Addr().(*net.TCPAddr).AddrPort()
	addr := at.Addr().Unmap()
	if t.offer.Fault == FilePrivate {
		addr = netip.AddrFrom4([4]byte{10, 0, 0, 1})
	}
	info := oscarwire.FileInfo{Kind: oscarwire.FileSingle, Count: uint16(len(t.offer.Files)), Size: t.size(), Name: []byte(t.offer.Name)}
	if t.offer.Name == "" && len(t.offer.Files) > 0 {
		info.Name = []byte(t.offer.Files[0].Name)
	}
	if len(t.offer.Files) > 1 {
		info.Kind = oscarwire.FileSeveral
	}
	l := oscarwire.TLVs{oscarwire.TLV16(oscarwire.TagRendezvousSequence, 1), oscarwire.TLVBytes(oscarwire.TagRendezvousF, nil),
		oscarwire.TLVBytes(oscarwire.TagRendezvousProxy, addr.AsSlice())}
	if t.offer.Proxy {
		l = append(l, oscarwire.TLV16(oscarwire.TagRendezvousPort, t.pin()), oscarwire.TLVBytes(oscarwire.TagRendezvousUseProxy, nil))
	} else {
		l = append(l, oscarwire.TLVBytes(oscarwire.TagRendezvousClient, addr.AsSlice()), oscarwire.TLV16(oscarwire.TagRendezvousPort, at.Port()),
			oscarwire.TLVBytes(oscarwire.TagRendezvousVerified, addr.AsSlice()))
	}
	return oscarwire.Rendezvous{Kind: oscarwire.RendezvousRequest, Cookie: t.cookie, Capability: oscarwire.CapFile,
		TLVs: append(l, oscarwire.TLVBytes(oscarwire.TagRendezvousData, info.Append(nil)))}
}

// pin returns the connection number at the proxy, never 0.
func (t *FileTransfer) pin() uint16 { return uint16(t.cookie[0])<<8 | 1 }

func (t *FileTransfer) size() (n uint32) {
	for _, f := range t.offer.Files {
		n += uint32(len(f.Data))
	}
	return n
}

// run waits for the receiver and sends.
func (t *FileTransfer) run() {
	err := t.send()
	if cause := context.Cause(t.life); cause != nil {
		err = cause
	}
	t.cancel(nil)
	t.bot.net.mu.Lock()
	delete(t.bot.transfers, t.cookie)
	t.bot.net.mu.Unlock()
	t.over <- err
}

func (t *FileTransfer) send() error {
	defer context.AfterFunc(t.life, func() { t.offer.Listener.Close() })()
	defer t.offer.Listener.Close()
	nc, err := t.meet()
	if err != nil {
		return err
	}
	defer nc.Close()
	defer context.AfterFunc(t.life, func() { nc.Close() })()
	_ = nc.SetDeadline(time.Now().Add(idleLimit)) // later calls return the error
	switch {
	case t.offer.Fault == FileHidden:
		peer := oscarwire.ProxyPeer{Name: t.bot.account.Name, PIN: t.number, Cookie: t.cookie}
		if _, err := nc.Write(oscarwire.ProxyFrame{Kind: oscarwire.ProxyJoin, Payload: peer.Append(nil)}.Append(nil)); err != nil {
			return err
		}
		if f, err := oscarwire.ReadProxyFrame(nc); err != nil || f.Kind != oscarwire.ProxyReady {
			return fmt.Errorf("oscarmock: the proxy sent %+v: %w", f, err)
		}
	case t.offer.Proxy:
		if err := t.admit(nc); err != nil {
			return err
		}
	}
	switch t.offer.Fault {
	case FileSilent:
		return t.wait(nc)
	case FileGarbage:
		_, err := nc.Write([]byte("HTTP/1.1 400 Bad Request\r\n\r\n"))
		return errors.Join(err, t.wait(nc))
	}
	for i := range t.offer.Files {
		if err := t.sendFile(nc, i); err != nil {
			return err
		}
	}
	select {
	case <-t.accepted:
		return nil
	case <-t.life.Done():
		return nil
	}
}

// meet returns the connection with the receiver, directly or at the proxy that it
// proposes.
func (t *FileTransfer) meet() (net.Conn, error) {
	if t.offer.Fault != FileHidden {
		return t.offer.Listener.Accept()
	}
	select {
	case t.number = <-t.invited:
		return net.Dial("tcp", t.offer.ProxyAddr)
	case <-t.life.Done():
		return nil, errFileFault
	}
}

// wait reads until the receiver closes.
func (t *FileTransfer) wait(nc net.Conn) error {
	buf := make([]byte, 1024)
	for {
		if _, err := nc.Read(buf); err != nil {
			return errFileFault
		}
	}
}

// admit plays the proxy.
func (t *FileTransfer) admit(nc net.Conn) error {
	f, err := oscarwire.ReadProxyFrame(nc)
	if err != nil {
		return err
	}
	p, err := oscarwire.ParseProxyPeer(f.Payload)
	answer := oscarwire.ProxyFrame{Kind: oscarwire.ProxyReady}
	if f.Kind != oscarwire.ProxyJoin || p.PIN != t.pin() || p.Cookie != t.cookie || oscarwire.NormalizeScreenName(p.Name) != oscarwire.NormalizeScreenName(t.to) {
		err = errors.Join(err, fmt.Errorf("oscarmock: the receiver joined the proxy with %d %+v", f.Kind, p))
	}
	if err != nil || t.offer.Fault == FileRefused {
		answer = oscarwire.ProxyFrame{Kind: oscarwire.ProxyError, Payload: []byte{0, byte(oscarwire.ProxyNobodyCame)}}
	}
	if _, writeErr := nc.Write(answer.Append(nil)); err == nil && writeErr != nil {
		return writeErr
	}
	return err
}

// sendFile sends one file and waits for the receiver's confirmation.
func (t *FileTransfer) sendFile(nc net.Conn, i int) error {
	f := t.offer.Files[i]
	var sum oscarwire.Checksum
	_, _ = sum.Write(f.Data) // never returns an error
	h := oscarwire.OFT{Kind: oscarwire.OFTPrompt, Files: uint16(len(t.offer.Files)), FilesLeft: uint16(len(t.offer.Files) - i), Parts: 1, PartsLeft: 1,
		TotalSize: t.size(), Size: uint32(len(f.Data)), Checksum: sum.Sum(), ForkChecksum: oscarwire.NoChecksum,
		ForkReceivedChecksum: oscarwire.NoChecksum, ReceivedChecksum: oscarwire.NoChecksum, Flags: 0x20, NameOffset: 0x1C, SizeShift: 0x11, Name: []byte(f.Name)}
	copy(h.Version[:], "Cool FileXfer")
	data := f.Data
	switch t.offer.Fault {
	case FileLarger:
		h.Size++
	case FileDamaged:
		data = append([]byte{data[0] ^ 1}, data[1:]...)
	case FileCut, FileTakeBack, FileStall:
		data = data[:len(data)/2]
	}
	if _, err := nc.Write(h.Append(nil)); err != nil {
		return err
	}
	ack, err := oscarwire.ReadOFT(nc)
	if err != nil {
		return err
	}
	if ack.Kind != oscarwire.OFTAck || ack.Cookie != t.cookie || ack.Size != h.Size {
		return fmt.Errorf("oscarmock: the receiver answered the prompt with %+v", ack)
	}
	if _, err := nc.Write(data); err != nil {
		return err
	}
	switch t.offer.Fault {
	case FileCut:
		return errFileFault
	case FileTakeBack:
		t.takeBack()
		return t.wait(nc)
	case FileStall:
		return t.wait(nc)
	}
	done, err := oscarwire.ReadOFT(nc)
	if err == nil && (done.Kind != oscarwire.OFTDone || done.Received != h.Size || done.ReceivedChecksum != h.Checksum || done.FilesLeft != h.FilesLeft-1) {
		err = fmt.Errorf("oscarmock: the receiver ended with %+v", done)
	}
	return err
}

// takeBack cancels the offer.
func (t *FileTransfer) takeBack() {
	n := t.bot.net
	v := oscarwire.Rendezvous{Kind: oscarwire.RendezvousCancel, Cookie: t.cookie, Capability: oscarwire.CapFile}
	n.mu.Lock()
	defer n.mu.Unlock()
	if err := n.sendIM(t.bot.account, t.to, oscarwire.NewIncomingRendezvous(t.bot.account.info(n.opts.Now()), v, 0)); err != nil {
		n.log.Debug().Err(err).Msg("a bot cannot cancel a file offer")
	}
}

// rendezvous handles the receiver's answer. Network.mu is held.
func (b *Bot) rendezvous(in oscarwire.IncomingIM) {
	v, err := in.Rendezvous()
	if err == nil && v.Kind == oscarwire.RendezvousRequest && v.Capability == oscarwire.CapChat {
		b.invited(oscarwire.NormalizeScreenName(in.From.Name), v)
		return
	}
	t := b.transfers[v.Cookie]
	if err != nil || t == nil {
		return
	}
	number, _ := v.TLVs.U16(oscarwire.TagRendezvousPort)
	sequence, _ := v.TLVs.U16(oscarwire.TagRendezvousSequence)
	switch {
	case v.Kind == oscarwire.RendezvousRequest && sequence > 1 && v.TLVs.Has(oscarwire.TagRendezvousUseProxy):
		select {
		case t.invited <- number:
		default: // the transfer is under way
		}
	case v.Kind == oscarwire.RendezvousAccept && !t.told:
		t.told = true
		close(t.accepted)
	case v.Kind == oscarwire.RendezvousCancel:
		t.cancel(ErrFileDeclined)
	}
}
