package oscar

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the protocol identifies avatars by MD5
	"errors"
	"fmt"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

var (
	_ legacy.AvatarSetter  = (*session)(nil)
	_ legacy.ProfileSetter = (*session)(nil)
)

// SetAvatar implements legacy.AvatarSetter.
func (s *session) SetAvatar(_ context.Context, image []byte) error {
	return s.enqueue(func(c *client) { c.profile.setAvatar(image) })
}

// SetProfile implements legacy.ProfileSetter.
func (s *session) SetProfile(_ context.Context, p legacy.Profile) error {
	return s.enqueue(func(c *client) { c.profile.setProfile(p) })
}

// ownIcon is the user's avatar.
type ownIcon struct {
	image   []byte // scaled for the server, nil before the first SetAvatar
	hash    []byte
	missing []byte // hash of the avatar that the server requests
	sending bool
	wanted  int // number of SetAvatar calls; only the last one takes effect
}

// iconName is the name of the list item with the avatar's hash: its BART type.
const iconName = "1"

// ownProfile is the user's own profile and avatar.
type ownProfile struct {
	c *client

	own     ownIcon
	warning warningLevel
	ownText *string // the profile text for AIM users, nil before the first SetProfile
}

// avatarFailed notifies the user that the avatar was not published.
func (op *ownProfile) avatarFailed(err error) {
	if err != nil {
		op.c.s.env.Log.Warn().Err(err).Msg("cannot publish the user's avatar")
		op.c.emit(legacy.Notice{Text: "Your avatar is not published on " + op.c.s.net.name() + ": the server or the gateway rejected the image."})
	}
}

// setAvatar scales an image on a goroutine of its own, because it takes CPU time. Only
// one image on the network is scaled at a time, because it takes memory.
func (op *ownProfile) setAvatar(picture []byte) {
	if !op.c.families[oscarwire.FamilyFeedbag] || !op.c.families[oscarwire.FamilyBART] {
		op.avatarFailed(errors.New("the server does not support avatars"))
		return
	}
	op.own.wanted++
	if len(picture) == 0 {
		op.own.image, op.own.hash = nil, oscarwire.BARTNone
		op.nameIcon()
		return
	}
	side, wanted := iconSideICQ, op.own.wanted
	if op.c.s.net.aim {
		side = iconSideAIM
	}
	op.c.background.Go(func() {
		op.c.s.net.drawing.Lock()
		var icon []byte
		err := op.c.life.Err()
		if err == nil {
			icon, err = makeIcon(picture, side)
		}
		op.c.s.net.drawing.Unlock()
		select {
		case op.c.s.queue <- func(c *client) { c.profile.iconMade(wanted, icon, err) }:
		case <-op.c.life.Done():
		}
	})
}

func (op *ownProfile) iconMade(wanted int, icon []byte, err error) {
	if err != nil || wanted != op.own.wanted {
		op.avatarFailed(err)
		return
	}
	sum := md5.Sum(icon) //nolint:gosec // see above
	op.own.image, op.own.hash = icon, sum[:]
	op.nameIcon()
	op.uploadIcon() // the server may already have requested it
}

// nameIcon writes the avatar's hash to the list. The server requests the avatar if it
// does not have it. (AOL, "BART"; same as libpurple)
func (op *ownProfile) nameIcon() {
	if len(op.c.contacts.edits) >= maxEdits {
		op.avatarFailed(errors.New("too many changes of the list are waiting"))
		return
	}
	op.c.contacts.edit(legacy.Peer{}, func() {
		hash := op.own.hash
		value := append([]byte{0, byte(len(hash))}, hash...) // flags, length
		how := oscarwire.FeedbagInsert
		item := oscarwire.FeedbagItem{Name: iconName, Class: oscarwire.FeedbagIcon}
		for _, k := range op.c.contacts.list.known {
			if i := op.c.contacts.list.items[k]; i.Class == oscarwire.FeedbagIcon && i.Name == iconName {
				how, item = oscarwire.FeedbagUpdate, i.Clone()
				break
			}
		}
		now, _ := item.TLVs.Get(oscarwire.TagFeedbagIconHash)
		none := how == oscarwire.FeedbagInsert && bytes.Equal(hash, oscarwire.BARTNone)
		if none || len(now) > 1 && bytes.Equal(now[1:], value[1:]) { // ignore the flags
			op.c.contacts.editDone()
			return
		}
		if how == oscarwire.FeedbagInsert {
			item.ItemID = op.c.contacts.list.freeItem(nil)
		}
		item.TLVs = item.TLVs.Set(oscarwire.TagFeedbagIconHash, value)
		op.c.contacts.change(how, item, func(st oscarwire.FeedbagStatus, err error) {
			if err == nil {
				err = op.c.s.net.listError(st)
			}
			op.avatarFailed(err)
			op.c.contacts.editDone()
		})
	})
}

// onBARTReply handles 01/21: the server's reply about the user's avatar.
func (op *ownProfile) onBARTReply(body []byte) error {
	items, err := oscarwire.ParseBARTItems(body)
	for _, i := range items {
		if i.Type == oscarwire.BARTIcon && i.Flags&oscarwire.BARTFlagUnknown != 0 {
			op.own.missing = bytes.Clone(i.Data)
			op.uploadIcon()
		}
	}
	return err
}

const uploadPatience = 30 * time.Second

// uploadIcon uploads the avatar if the server has requested it.
func (op *ownProfile) uploadIcon() {
	if op.own.sending || op.own.image == nil || !bytes.Equal(op.own.missing, op.own.hash) {
		return
	}
	op.own.sending, op.own.missing = true, nil
	image := op.own.image
	op.c.withService(oscarwire.FamilyBART, uploadPatience, func(ctx context.Context, v *client) error { return v.profile.upload(ctx, image) }, func(c *client, err error) { c.profile.iconSent(err) })
}

func (op *ownProfile) iconSent(err error) {
	op.own.sending = false
	op.avatarFailed(err)
	op.uploadIcon() // the avatar changed during the upload
}

// upload uploads an avatar over a connection to the BART service.
func (op *ownProfile) upload(ctx context.Context, image []byte) error {
	snac, err := op.c.ask(ctx, oscarwire.BARTUpload, oscarwire.IconUpload{Type: oscarwire.BARTIcon, Data: image}, oscarwire.BARTUploadReply)
	if err != nil {
		return err
	}
	reply, err := oscarwire.ParseIconUploadReply(snac.Body)
	if err == nil && reply.Code != oscarwire.BARTUploadOK {
		err = fmt.Errorf("the server rejected the avatar with code %d", reply.Code)
	}
	return err
}

// maxDetail is the maximum length in bytes of a text in the user's profile; servers
// accept profiles of 1,024 bytes.
const (
	maxDetail  = 400  // limit: bytes of a detail of the user's profile | it is cut
	maxProfile = 1000 // limit: bytes of the user's profile | it is cut
)

// setProfile publishes the user's profile: in the directory, and on AIM also as the
// text that others can request.
func (op *ownProfile) setProfile(p legacy.Profile) {
	self, number := oscarwire.ParseUIN(op.c.s.self)
	if !number || !op.c.families[oscarwire.FamilyICQ] {
		html := profileHTML(p)
		op.ownText = &html
		op.c.rates.submit(&packet{id: oscarwire.LocationSetInfo, body: oscarwire.LocationInfo{Profile: &html}})
		op.c.directory.listSelf(p)
		return
	}
	if args := oscarwire.MetaSetFullArgs(op.details(p)); len(args) > 0 {
		op.c.directory.meta(self, &lookup{isUpdate: true}, oscarwire.MetaSetFull, args)
	}
}

// profileHTML formats the profile text for other users. (AOL, "Location")
func profileHTML(p legacy.Profile) string {
	name := p.FullName
	if name == "" {
		name = strings.TrimSpace(p.First + " " + p.Last)
	}
	var lines []string
	for _, line := range []string{name, p.Title, p.Organization, strings.Trim(p.City+", "+p.Country, ", "), p.Homepage, p.About} {
		if line != "" {
			lines = append(lines, line)
		}
	}
	return locationHTML(strings.Join(lines, "\n"), maxProfile)
}

// details converts a profile to ICQ's form.
func (op *ownProfile) details(p legacy.Profile) oscarwire.UserDetails {
	text := func(s string) []byte {
		page := op.c.s.net.page
		return page.Encode(cut(s, maxDetail, func(s string) int { return len(page.Encode(s)) }))
	}
	d := oscarwire.UserDetails{Nick: text(p.Nick), First: text(p.First), Last: text(p.Last), City: text(p.City), State: text(p.State),
		Phone: text(p.Phone), Mobile: text(p.Mobile), Homepage: text(p.Homepage), Company: text(p.Organization),
		Position: text(p.Title), Notes: text(p.About), Street: text(p.Street), Zip: text(p.PostalCode),
		Department: text(p.Department), Country: countryNumber(p.Country)}
	if len(p.Emails) > 0 {
		d.Email = text(p.Emails[0])
	}
	if born, err := time.Parse(time.DateOnly, p.Birthday); err == nil && born.Year() > 0 {
		d.BirthYear, d.BirthMonth, d.BirthDay = uint16(born.Year()), uint8(born.Month()), uint8(born.Day())
	}
	switch p.Gender {
	case "F":
		d.Gender = 1
	case "M":
		d.Gender = 2
	}
	return d
}
