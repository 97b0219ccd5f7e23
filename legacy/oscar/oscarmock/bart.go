package oscarmock

import (
	"crypto/md5" //nolint:gosec // what the protocol prescribes
	"slices"

	"transport/legacy/oscar/oscarwire"
)

// maxIcon is the largest icon that the network takes, in bytes.
const maxIcon = 64 << 10

// serveIcons answers a SNAC on such a connection.
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
				reply.Data = a.icon
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
			s.account.icon = slices.Clone(up.Data)
			reply.Item.Data = s.account.iconHash()
			s.net.show(s.account)
		}
		s.send(oscarwire.BARTUploadReply, snac.RequestID, reply)
	default:
		s.serveCommon(snac)
	}
	return nil
}

// iconHash names the account's icon, nil for none.
func (a *account) iconHash() []byte {
	if len(a.icon) == 0 {
		return nil
	}
	sum := md5.Sum(a.icon) //nolint:gosec // see above
	return sum[:]
}

// SetIcon changes the bot's picture; nil takes it away.
func (b *Bot) SetIcon(image []byte) {
	b.net.mu.Lock()
	defer b.net.mu.Unlock()
	b.account.icon = slices.Clone(image)
	if b.online {
		b.net.show(b.account)
	}
}

// Icon is an account's picture.
func (n *Network) Icon(name string) []byte {
	n.mu.Lock()
	defer n.mu.Unlock()
	if a := n.find(name); a != nil {
		return slices.Clone(a.icon)
	}
	return nil
}
