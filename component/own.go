package component

import (
	"crypto/sha1" //nolint:gosec // what XEP-0153 prescribes
	"encoding/base64"
	"encoding/hex"
	"strings"

	"transport/component/body"
	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// noHash stands for an avatar hash that no presence has announced yet.
const noHash = "-"

// publishProfile publishes the avatar and the other data of the user's vCard on the
// network, as far as the user's options permit. (XEP-0054 §3.1)
func (cl *clients) publishProfile() {
	avatars, _ := cl.u.login.legacySession().(legacy.AvatarSetter)
	profiles, _ := cl.u.login.legacySession().(legacy.ProfileSetter)
	wantsAvatar, wantsProfile := avatars != nil && cl.u.account.option(optAvatar), profiles != nil && cl.u.account.option(optProfile)
	if !wantsAvatar && !wantsProfile {
		return
	}
	asked := cl.u.login.current()
	cl.u.calls.sendIQ("get", cl.u.bare, element.New(xep.NSVCard, "vCard"), func(reply *element.Element) {
		if reply == nil || !cl.u.login.is(asked) || cl.u.login.legacySession() == nil {
			return
		}
		card := reply.Child(xep.NSVCard, "vCard")
		if card == nil {
			return
		}
		if wantsAvatar {
			cl.publishAvatar(avatars, card)
		}
		if wantsProfile {
			if err := profiles.SetProfile(cl.u.ctx, profileFromVCard(card)); err != nil {
				cl.u.log.Warn().Err(err).Msg("cannot publish the user's profile")
			}
		}
	})
}

// publishAvatar publishes the avatar of a vCard unless the network has it. An avatar is
// removed only if this gateway published one before: another client may have set it.
func (cl *clients) publishAvatar(avatars legacy.AvatarSetter, card *element.Element) {
	image, hash := []byte(nil), ""
	if photo := card.Child(xep.NSVCard, "PHOTO"); photo != nil {
		text := strings.Join(strings.Fields(photo.ChildText(xep.NSVCard, "BINVAL")), "")
		if data, err := base64.StdEncoding.DecodeString(text); err == nil {
			image = data
		}
	}
	if len(image) > 0 {
		sum := sha1.Sum(image) //nolint:gosec // see above
		hash = hex.EncodeToString(sum[:])
	}
	if hash == cl.avatarHash {
		return
	}
	if err := avatars.SetAvatar(cl.u.ctx, image); err != nil {
		cl.u.log.Warn().Err(err).Msg("cannot publish the user's avatar")
		return
	}
	cl.avatarHash = hash
}

// onAvatarHash reads the vCard again if a presence announces another avatar hash.
// (XEP-0153 §4.3)
func (cl *clients) onAvatarHash(presence *element.Element) {
	x := presence.Child(xep.NSVCardUpdate, "x")
	if x == nil || !cl.u.account.option(optAvatar) {
		return
	}
	photo := x.Child(xep.NSVCardUpdate, "photo")
	if photo == nil { // the client does not know its avatar yet
		return
	}
	if hash := strings.ToLower(photo.Text()); hash != cl.avatarHash && hash != cl.presenceHash {
		cl.presenceHash = hash
		cl.publishProfile()
	}
}

// maxVCardText is the longest vCard value that is published, in bytes.
const maxVCardText = 4096 // limit: bytes of a field of the user's vCard | it is left out of the profile

// profileFromVCard returns the profile in a vCard. (XEP-0054 §3)
func profileFromVCard(card *element.Element) legacy.Profile {
	text := func(parent *element.Element, name string) string {
		if parent == nil {
			return ""
		}
		s := body.Clean(strings.TrimSpace(parent.ChildText(xep.NSVCard, name)))
		if len(s) > maxVCardText {
			return ""
		}
		return s
	}
	name, home, org := card.Child(xep.NSVCard, "N"), card.Child(xep.NSVCard, "ADR"), card.Child(xep.NSVCard, "ORG")
	p := legacy.Profile{
		Nick: text(card, "NICKNAME"), FullName: text(card, "FN"), First: text(name, "GIVEN"), Last: text(name, "FAMILY"),
		Homepage: text(card, "URL"), Birthday: text(card, "BDAY"), Street: text(home, "STREET"), PostalCode: text(home, "PCODE"), City: text(home, "LOCALITY"), State: text(home, "REGION"),
		Country: text(home, "CTRY"), Organization: text(org, "ORGNAME"), Department: text(org, "ORGUNIT"), Title: text(card, "TITLE"), About: text(card, "DESC"),
	}
	for mail := range card.Children(xep.NSVCard, "EMAIL") {
		if address := text(mail, "USERID"); address != "" && len(p.Emails) < 8 {
			p.Emails = append(p.Emails, address)
		}
	}
	for tel := range card.Children(xep.NSVCard, "TEL") {
		switch number := text(tel, "NUMBER"); {
		case tel.Child(xep.NSVCard, "CELL") != nil:
			p.Mobile = number
		case tel.Child(xep.NSVCard, "HOME") != nil:
			p.Phone = number
		}
	}
	return p
}
