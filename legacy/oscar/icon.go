package oscar

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// iconCache is the avatar cache of a network, keyed by hash and server, so that each
// avatar is fetched once, and an avatar from a server that a user has named is not
// shown to users of other servers. Any goroutine may use it.
type iconCache struct {
	mu     sync.Mutex
	images map[iconKey][]byte
	size   int
}

type iconKey struct{ server, hash string }

// iconKeyOf returns the cache key of an avatar.
func iconKeyOf(s *session, hash []byte) iconKey { return iconKey{s.servers[0], string(hash)} }

const (
	maxIcon      = 64 << 10 // limit: bytes of one avatar | it is not shown
	maxIconCache = 32 << 20 // limit: bytes of the avatars of a network | the cache starts anew
)

func (i *iconCache) get(key iconKey) []byte {
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.images[key]
}

func (i *iconCache) put(key iconKey, image []byte) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.images == nil || i.size+len(image) > maxIconCache {
		i.images, i.size = make(map[iconKey][]byte), 0
	}
	if _, known := i.images[key]; !known {
		i.size += len(image)
	}
	i.images[key] = image
}

// DropCaches empties the avatar cache. Any goroutine may call it.
func (n *network) DropCaches() {
	n.icons.mu.Lock()
	defer n.icons.mu.Unlock()
	n.icons.images, n.icons.size = nil, 0
}

// iconRequest is an avatar to fetch.
type iconRequest struct {
	name string // in the network's spelling
	item oscarwire.BARTItem
}

func (w iconRequest) peer() legacy.Peer {
	return legacy.Peer{ID: oscarwire.NormalizeScreenName(w.name)}
}

const (
	maxIconsWanted = 1000 // limit: avatars that wait to be fetched | a further one is not shown
	iconBatch      = 50
	iconTimeout    = 10 * time.Second // for one avatar
	iconsTimeout   = 60 * time.Second // for a batch
)

// onIconHash handles the avatar hash in a presence. (AOL, "BART")
func (bs *buddies) onIconHash(peer legacy.Peer, u oscarwire.UserInfo) {
	item, ok := u.BART().Icon()
	if ok && item.Flags&oscarwire.BARTFlagUnknown != 0 {
		return // its owner has not uploaded it yet; another presence follows
	}
	hash := ""
	if ok {
		hash = string(item.Data)
	}
	before, known := bs.iconOf[peer.ID]
	if before == hash || !known && len(bs.iconOf) >= maxItems {
		return
	}
	bs.iconOf[peer.ID] = hash
	if hash == "" {
		bs.c.emit(legacy.AvatarChanged{From: peer})
		return
	}
	if image := bs.c.s.net.icons.get(iconKeyOf(bs.c.s, item.Data)); image != nil {
		bs.c.emit(legacy.AvatarChanged{From: peer, Image: image, Type: imageType(image)})
		return
	}
	if !bs.c.families[oscarwire.FamilyBART] {
		return
	}
	if len(bs.iconsWanted) >= maxIconsWanted {
		delete(bs.iconOf, peer.ID) // retry at the next presence
	} else {
		bs.iconsWanted = append(bs.iconsWanted, iconRequest{u.Name, oscarwire.BARTItem{Type: item.Type, Flags: item.Flags, Data: bytes.Clone(item.Data)}})
		bs.fetchIcons()
	}
}

// fetchIcons requests the address of the BART service, unless a fetch is under way.
func (bs *buddies) fetchIcons() {
	if bs.fetchingIcons || len(bs.iconsWanted) == 0 {
		return
	}
	bs.fetchingIcons = true
	bs.c.requestService(oscarwire.ServiceQuery{Family: oscarwire.FamilyBART}, func(to oscarwire.Redirect, err error) {
		if err != nil {
			bs.c.s.env.Log.Debug().Err(err).Msg("no avatar service")
			for _, w := range bs.iconsWanted {
				bs.forgetIcon(w)
			}
			bs.iconsWanted, bs.fetchingIcons = nil, false
			return
		}
		n := min(len(bs.iconsWanted), iconBatch)
		batch := bs.iconsWanted[:n:n]
		bs.iconsWanted = bs.iconsWanted[n:]
		bs.c.background.Go(func() {
			err := bs.c.s.downloadIcons(bs.c.life, to, batch)
			select { // report to the session's goroutine
			case bs.c.s.queue <- func(c *client) { c.buddies.onIconsFetched(batch, err) }:
			case <-bs.c.life.Done():
			}
		})
	})
}

// onIconsFetched emits the avatars of a batch.
func (bs *buddies) onIconsFetched(batch []iconRequest, err error) {
	if err != nil {
		bs.c.s.env.Log.Debug().Err(err).Msg("some avatars could not be fetched")
	}
	for _, w := range batch {
		peer := w.peer()
		image := bs.c.s.net.icons.get(iconKeyOf(bs.c.s, w.item.Data))
		switch {
		case image == nil:
			bs.forgetIcon(w)
		case bs.iconOf[peer.ID] == string(w.item.Data): // it has not changed since
			bs.c.emit(legacy.AvatarChanged{From: peer, Image: image, Type: imageType(image)})
		}
	}
	bs.fetchingIcons = false
	bs.fetchIcons()
}

// forgetIcon forgets the hash of an avatar that was not fetched, so that the peer's next
// presence requests it again.
func (bs *buddies) forgetIcon(w iconRequest) {
	if id := w.peer().ID; bs.iconOf[id] == string(w.item.Data) {
		delete(bs.iconOf, id)
	}
}

// downloadIcons fetches avatars into the cache over a connection of its own.
func (s *session) downloadIcons(life context.Context, to oscarwire.Redirect, batch []iconRequest) error {
	return s.withServiceAt(life, to, iconsTimeout, func(ctx context.Context, c *client) error {
		var errs []error
		for _, w := range batch {
			c.write(&packet{id: oscarwire.BARTDownload, body: oscarwire.IconQuery{Name: w.name, Items: oscarwire.BARTItems{w.item}}})
			if err := c.buddies.receiveIcon(ctx); err != nil {
				errs = append(errs, err)
			}
			if ctx.Err() != nil || c.err != nil {
				break
			}
		}
		return errors.Join(append(errs, c.err)...)
	})
}

// receiveIcon waits for one avatar.
func (bs *buddies) receiveIcon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, iconTimeout)
	defer cancel()
	snac, err := bs.c.await(ctx, oscarwire.BARTDownloadReply, oscarwire.BARTError)
	if err == nil {
		err = bs.c.answerError(snac, nil)
	}
	if err != nil {
		return err
	}
	reply, err := oscarwire.ParseIconReply(snac.Body)
	if err == nil && len(reply.Data) <= maxIcon && imageType(reply.Data) != "" {
		bs.c.s.net.icons.put(iconKeyOf(bs.c.s, reply.Item.Data), bytes.Clone(reply.Data))
	}
	return err
}

// imageType returns the MIME type of an image, "" for one that clients do not show.
func imageType(image []byte) string {
	for _, kind := range [...]struct{ start, name string }{
		{"\x89PNG\r\n\x1a\n", "image/png"}, {"GIF8", "image/gif"}, {"\xFF\xD8\xFF", "image/jpeg"},
	} {
		if bytes.HasPrefix(image, []byte(kind.start)) {
			return kind.name
		}
	}
	return ""
}
