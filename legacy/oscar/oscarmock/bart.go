package oscarmock

import (
	"bytes"
	"crypto/md5" //nolint:gosec // prescribed by the protocol
	"slices"

	"transport/legacy/oscar/oscarwire"
)

// maxIcon is the maximum size of an icon in bytes.
const maxIcon = 64 << 10

// serveIcons handles a SNAC on a connection of family 10.
func (s *session) serveIcons(snac oscarwire.SNAC) error {
	switch snac.ID {
	case oscarwire.BARTDownload:
		q, err := oscarwire.ParseIconQuery(snac.Body)
		if err != nil {
			return err
		}
		for _, item := range q.Items {
			reply := oscarwire.IconReply{Name: q.Name, Item: item}
			if a := s.net.accounts[oscarwire.NormalizeScreenName(q.Name)]; a != nil && slices.Equal(a.iconHash(), item.Data) {
				if reply.Data = a.icon; a.fakeIcon != nil {
					reply.Data = a.fakeIcon
				}
			}
			s.send(oscarwire.BARTDownloadReply, snac.RequestID, reply)
		}
	case oscarwire.BARTUpload:
		up, err := oscarwire.ParseIconUpload(snac.Body)
		if err != nil {
			return err
		}
		reply := oscarwire.IconUploadReply{Item: oscarwire.BARTItem{Type: up.Type}}
		if len(up.Data) > maxIcon {
			reply.Code = oscarwire.BARTUploadTooBig
		} else {
			sum := md5.Sum(up.Data) //nolint:gosec // see above
			reply.Item.Data = sum[:]
			s.net.uploads++
			defer s.net.changed.Broadcast()
			if len(s.net.images) < maxImages {
				s.net.images[string(sum[:])] = slices.Clone(up.Data)
			}
			if a := s.account; a.iconItem == nil || bytes.Equal(a.iconItem, sum[:]) { // otherwise the list names another icon
				a.icon = slices.Clone(up.Data)
				s.net.sendPresence(a)
			}
		}
		s.send(oscarwire.BARTUploadReply, snac.RequestID, reply)
	default:
		s.serveCommon(snac)
	}
	return nil
}

// nameIcon stores the icon hash in the account's list, and requests the upload of an
// unknown icon with 01/21. (AOL, "BART")
func (n *Network) nameIcon(a *account, item oscarwire.FeedbagItem) {
	b, _ := item.TLVs.Get(oscarwire.TagFeedbagIconHash)
	if item.Name != "1" || len(b) < 2 || int(b[1]) != len(b)-2 {
		return
	}
	said := oscarwire.BARTItem{Type: oscarwire.BARTIcon, Flags: b[0], Data: slices.Clone(b[2:])}
	a.iconItem = said.Data
	switch image, known := n.images[string(said.Data)]; {
	case bytes.Equal(said.Data, oscarwire.BARTNone):
		a.icon, a.iconItem = nil, nil
	case known:
		a.icon = image
	default:
		a.icon = nil
		said.Flags |= oscarwire.BARTFlagUnknown
	}
	for _, s := range a.sessions {
		s.send(oscarwire.ServiceBARTReply, 0, oscarwire.BARTItems{said})
	}
}

// maxImages is the limit of icons that the network stores.
const maxImages = 1000

// iconHash returns the hash of the account's icon, nil for none.
func (a *account) iconHash() []byte {
	if len(a.icon) == 0 {
		return nil
	}
	sum := md5.Sum(a.icon) //nolint:gosec // see above
	return sum[:]
}

// SetIcon changes the bot's icon; nil removes it.
func (b *Bot) SetIcon(image []byte) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.account.icon, b.account.iconItem = slices.Clone(image), nil
	if b.online {
		b.net.sendPresence(b.account)
	}
}

// FakeIcon makes downloads of an account's icon return another image, whose hash is
// wrong.
func (n *Network) FakeIcon(name string, image []byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		a.fakeIcon = slices.Clone(image)
	}
}

// Profile returns an account's profile text, as HTML.
func (n *Network) Profile(name string) string {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		return a.profile
	}
	return ""
}

// Icon returns an account's icon.
func (n *Network) Icon(name string) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		return slices.Clone(a.icon)
	}
	return nil
}
