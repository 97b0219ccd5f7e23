package component

import (
	"crypto/sha1" //nolint:gosec // what XEP-0084 and XEP-0153 prescribe
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// avatar is a contact's avatar.
type avatar struct {
	image []byte // nil once it is dropped for lack of memory
	size  int    // bytes
	kind  string // MIME type
	hash  string // SHA-1, in hexadecimal
}

const (
	// maxAvatar is the largest avatar in bytes. It must fit into a stanza.
	maxAvatar = 100 << 10 // limit: bytes of a contact's avatar | the change is ignored
	// maxAvatars limits the avatars of a user's contacts together, in bytes.
	maxAvatars = 16 << 20 // limit: bytes of the avatars of a user's contacts together | a further change is ignored
)

// onAvatarChanged handles a changed or removed avatar of a contact.
func (ro *roster) onAvatarChanged(ev legacy.AvatarChanged) {
	ct := ro.contacts[ev.From.ID]
	if ct == nil || ev.From.ID == "" || len(ev.Image) > maxAvatar {
		return
	}
	var now *avatar
	if len(ev.Image) > 0 {
		sum := sha1.Sum(ev.Image) //nolint:gosec // see above
		now = &avatar{ev.Image, len(ev.Image), ev.Type, hex.EncodeToString(sum[:])}
	}
	if now != nil && !ro.avatars.fits(now.size) {
		return
	}
	if ct.avatar == now || ct.avatar != nil && now != nil && ct.avatar.hash == now.hash {
		ct.avatar = now // its image may have been dropped
		return
	}
	ct.avatar = now
	if !ct.Subscription.Has(registry.To) {
		return
	}
	if ct.presence.Show > legacy.ShowInvisible {
		ct.unsent = ro.sendContactPresence(ct, ro.u.bare, "") != nil
	}
	for _, full := range ro.u.clients.clientsWith(xep.NSAvatarNotify) {
		ro.pushAvatar(full, ct)
	}
}

// fits reports whether one more avatar stays below maxAvatars, and adds it. The sum of the
// images is only computed when it seems to exceed that: contacts and avatars go in many
// places.
func (a *avatars) fits(size int) bool {
	if a.size+size > maxAvatars {
		a.size = 0
		for _, ct := range a.ro.contacts {
			if ct.avatar != nil {
				a.size += len(ct.avatar.image)
			}
		}
		if a.size+size > maxAvatars {
			return false
		}
	}
	a.size += size
	return true
}

// dropAvatars drops the images of all avatars, which the network sends again after the next
// sign-on. Their hashes stay, so that clients keep showing the images that they have.
func (a *avatars) dropAvatars() {
	for _, ct := range a.ro.contacts {
		if ct.avatar != nil {
			ct.avatar.image = nil
		}
	}
	a.size = 0
}

// pushAvatars sends a new client the avatar metadata of all contacts. (XEP-0084 §4.2,
// XEP-0163 §4.3)
func (ro *roster) pushAvatars(full string) {
	for _, ct := range ro.contacts {
		if ct.avatar != nil && ct.Subscription.Has(registry.To) {
			ro.pushAvatar(full, ct)
		}
	}
}

func (ro *roster) pushAvatar(full string, ct *contact) {
	ro.u.c.send(element.New(stanza.NS, "message").Set("from", ct.jid).Set("to", full).Set("type", "headline").Set("id", newID()).
		Add(element.New(xep.NSPubSubEvent, "event").Add(ct.avatar.metadata(xep.NSPubSubEvent))))
}

// metadata returns the metadata item of an avatar; a nil avatar has empty metadata.
// (XEP-0084 §4.2.2)
func (a *avatar) metadata(space string) *element.Element {
	items := element.New(space, "items").Set("node", xep.NSAvatarMeta)
	meta := element.New(xep.NSAvatarMeta, "metadata")
	id := "none"
	if a != nil {
		id = a.hash
		meta.Add(element.New(xep.NSAvatarMeta, "info").Set("id", a.hash).Set("type", a.kind).
			Set("bytes", strconv.Itoa(a.size)))
	}
	return items.Add(element.New(space, "item").Set("id", id).Add(meta))
}

// onContactPubSub answers PubSub queries for a contact's avatar. (XEP-0084 §3, XEP-0060
// §6.5)
func (ro *roster) onContactPubSub(r *stanza.Request, peer legacy.Peer) {
	asked := r.Payload.Child(xep.NSPubSub, "items")
	if r.Type != "get" || asked == nil {
		r.Fail(stanza.ErrNotImplemented)
		return
	}
	ct, ok := ro.canSee(peer)
	if !ok || ct.avatar == nil {
		r.Fail(stanza.ErrItemNotFound)
		return
	}
	reply := element.New(xep.NSPubSub, "pubsub")
	switch node := asked.Attr("node"); node {
	case xep.NSAvatarMeta:
		r.Reply(reply.Add(ct.avatar.metadata(xep.NSPubSub)))
	case xep.NSAvatarData:
		if item := asked.Child(xep.NSPubSub, "item"); item != nil && item.Attr("id") != ct.avatar.hash {
			r.Fail(stanza.ErrItemNotFound)
			return
		}
		if ct.avatar.image == nil {
			r.Fail(errMemory)
			return
		}
		data := element.New(xep.NSAvatarData, "data").AddText(base64.StdEncoding.EncodeToString(ct.avatar.image))
		r.Reply(reply.Add(element.New(xep.NSPubSub, "items").Set("node", node).
			Add(element.New(xep.NSPubSub, "item").Set("id", ct.avatar.hash).Add(data))))
	default:
		r.Fail(stanza.ErrItemNotFound)
	}
}

// avatarUpdate returns the avatar hash for the contact's presence, nil on networks
// without avatars. (XEP-0153 §4.1)
func (ct *contact) avatarUpdate(c *Component) *element.Element {
	if !c.info.Features.Has(legacy.FeatureAvatar) {
		return nil
	}
	photo := element.New(xep.NSVCardUpdate, "photo")
	if ct.avatar != nil {
		photo.AddText(ct.avatar.hash)
	}
	return element.New(xep.NSVCardUpdate, "x").Add(photo)
}
