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

// iconCache holds the pictures of everybody on a network, by their hashes and the
// server that has them, so that each is fetched once, and none from a server that a
// user has named is shown to others. Any goroutine may use it.
type iconCache struct {
	mu     sync.Mutex
	images map[iconKey][]byte
	size   int
}

type iconKey struct{ server, hash string }

// iconKey is where a picture is in the cache.
func (s *session) iconKey(hash []byte) iconKey { return iconKey{s.servers[0], string(hash)} }

const (
	maxIcon      = 64 << 10 // bytes of one picture
	maxIconCache = 32 << 20 // bytes of all; then it starts anew
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

// iconWanted is a picture that is to be fetched.
type iconWanted struct {
	name string // as the network writes it
	item oscarwire.BARTItem
}

const (
	maxIconsWanted = 1000
	iconBatch      = 50
	iconPatience   = 10 * time.Second // for one picture
	iconsPatience  = 60 * time.Second // for a batch
)

// lookAtIcon notices the picture that somebody's presence names. (AOL, "BART")
func (bs *buddies) lookAtIcon(peer legacy.Peer, u oscarwire.UserInfo) {
	item, ok := u.BART().Icon()
	if ok && item.Flags&oscarwire.BARTFlagUnknown != 0 {
		return // it is yet to be uploaded, which another presence tells
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
	if image := bs.c.s.net.icons.get(bs.c.s.iconKey(item.Data)); image != nil {
		bs.c.emit(legacy.AvatarChanged{From: peer, Image: image, Type: imageType(image)})
		return
	}
	if len(bs.iconsWanted) < maxIconsWanted && bs.c.families[oscarwire.FamilyBART] {
		bs.iconsWanted = append(bs.iconsWanted, iconWanted{u.Name, oscarwire.BARTItem{Type: item.Type, Flags: item.Flags, Data: bytes.Clone(item.Data)}})
		bs.fetchIcons()
	}
}

// fetchIcons asks for the service that has the pictures, unless that is going on.
func (bs *buddies) fetchIcons() {
	if bs.fetchingIcons || len(bs.iconsWanted) == 0 {
		return
	}
	bs.fetchingIcons = true
	bs.c.requestService(oscarwire.ServiceQuery{Family: oscarwire.FamilyBART}, func(to oscarwire.Redirect, err error) {
		if err != nil {
			bs.c.s.env.Log.Debug().Err(err).Msg("the network has no pictures for us")
			bs.iconsWanted, bs.fetchingIcons = nil, false
			return
		}
		n := min(len(bs.iconsWanted), iconBatch)
		batch := bs.iconsWanted[:n:n]
		bs.iconsWanted = bs.iconsWanted[n:]
		bs.c.background.Go(func() {
			err := bs.c.s.downloadIcons(bs.c.life, to, batch)
			select { // the session's goroutine tells the core
			case bs.c.s.queue <- func(c *client) { c.buddies.iconsFetched(batch, err) }:
			case <-bs.c.life.Done():
			}
		})
	})
}

// iconsFetched shows the pictures that have come.
func (bs *buddies) iconsFetched(batch []iconWanted, err error) {
	if err != nil {
		bs.c.s.env.Log.Debug().Err(err).Msg("not all pictures could be fetched")
	}
	for _, w := range batch {
		peer := legacy.Peer{ID: oscarwire.NormalizeScreenName(w.name)}
		if bs.iconOf[peer.ID] != string(w.item.Data) {
			continue // it has changed meanwhile
		}
		if image := bs.c.s.net.icons.get(bs.c.s.iconKey(w.item.Data)); image != nil {
			bs.c.emit(legacy.AvatarChanged{From: peer, Image: image, Type: imageType(image)})
		} else {
			delete(bs.iconOf, peer.ID) // the next presence may have better luck
		}
	}
	bs.fetchingIcons = false
	bs.fetchIcons()
}

// downloadIcons fetches pictures into the cache over a connection of its own.
func (s *session) downloadIcons(life context.Context, to oscarwire.Redirect, batch []iconWanted) error {
	return s.visitAt(life, to, iconsPatience, func(ctx context.Context, c *client) error {
		var errs []error
		for _, w := range batch {
			c.write(&packet{id: oscarwire.BARTDownload, body: oscarwire.IconQuery{Name: w.name, Items: oscarwire.BARTItems{w.item}}})
			if err := c.buddies.takeIcon(ctx); err != nil {
				errs = append(errs, err)
			}
			if ctx.Err() != nil || c.err != nil {
				break
			}
		}
		return errors.Join(append(errs, c.err)...)
	})
}

// takeIcon waits for one picture.
func (bs *buddies) takeIcon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, iconPatience)
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
		bs.c.s.net.icons.put(bs.c.s.iconKey(reply.Item.Data), bytes.Clone(reply.Data))
	}
	return err
}

// imageType is the MIME type of a picture, "" for none that clients show.
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
