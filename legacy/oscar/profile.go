package oscar

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // what the protocol names pictures by
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
	return s.enqueue(func(c *client) { c.setAvatar(image) })
}

// SetProfile implements legacy.ProfileSetter.
func (s *session) SetProfile(_ context.Context, p legacy.Profile) error {
	return s.enqueue(func(c *client) { c.setProfile(p) })
}

// ownIcon is the user's picture.
type ownIcon struct {
	image   []byte // as servers take it, nil until the core has told one
	hash    []byte
	missing []byte // the hash of the one that the server wants
	sending bool
	wanted  int // counts what the core has told, since the last one counts
}

// iconName is the name of the list's item that names the picture: its BART type.
const iconName = "1"

// tellIcon tells the user that others do not see the picture.
func (c *client) tellIcon(err error) {
	if err != nil {
		c.s.env.Log.Warn().Err(err).Msg("the user's picture is not shown")
		c.emit(legacy.Notice{Text: "Your picture is not shown on " + c.s.net.name() + ": the server or the gateway cannot take it."})
	}
}

// setAvatar makes an icon of a picture, on a goroutine of its own since that takes
// time, one at a time on the whole network since it takes memory.
func (c *client) setAvatar(picture []byte) {
	if !c.families[oscarwire.FamilyFeedbag] || !c.families[oscarwire.FamilyBART] {
		c.tellIcon(errors.New("the server has no pictures"))
		return
	}
	c.own.wanted++
	if len(picture) == 0 {
		c.own.image, c.own.hash = nil, oscarwire.BARTNone
		c.nameIcon()
		return
	}
	side, wanted := iconSideICQ, c.own.wanted
	if c.s.net.aim {
		side = iconSideAIM
	}
	c.background.Go(func() {
		c.s.net.drawing.Lock()
		var icon []byte
		err := c.life.Err()
		if err == nil {
			icon, err = makeIcon(picture, side)
		}
		c.s.net.drawing.Unlock()
		select {
		case c.s.queue <- func(c *client) { c.iconMade(wanted, icon, err) }:
		case <-c.life.Done():
		}
	})
}

func (c *client) iconMade(wanted int, icon []byte, err error) {
	if err != nil || wanted != c.own.wanted {
		c.tellIcon(err)
		return
	}
	sum := md5.Sum(icon) //nolint:gosec // see above
	c.own.image, c.own.hash = icon, sum[:]
	c.nameIcon()
	c.uploadIcon() // it may be known already that the server lacks it
}

// nameIcon writes the picture's hash into the list. The server asks for the
// picture if it does not have it. (AOL, "BART"; as libpurple does it)
func (c *client) nameIcon() {
	if len(c.edits) >= maxEdits {
		c.tellIcon(errors.New("too many changes of the list are waiting"))
		return
	}
	c.edit(legacy.Peer{}, func() {
		hash := c.own.hash
		value := append([]byte{0, byte(len(hash))}, hash...) // flags, length
		op := oscarwire.FeedbagInsert
		item := oscarwire.FeedbagItem{Name: iconName, Class: oscarwire.FeedbagIcon}
		for _, k := range c.list.known {
			if i := c.list.items[k]; i.Class == oscarwire.FeedbagIcon && i.Name == iconName {
				op, item = oscarwire.FeedbagUpdate, i.Clone()
				break
			}
		}
		now, _ := item.TLVs.Get(oscarwire.TagFeedbagIconHash)
		none := op == oscarwire.FeedbagInsert && bytes.Equal(hash, oscarwire.BARTNone)
		if none || len(now) > 1 && bytes.Equal(now[1:], value[1:]) { // whatever the flags
			c.editDone()
			return
		}
		if op == oscarwire.FeedbagInsert {
			item.ItemID = c.list.freeItem(nil)
		}
		item.TLVs = item.TLVs.Set(oscarwire.TagFeedbagIconHash, value)
		c.change(op, item, func(st oscarwire.FeedbagStatus, err error) {
			if err == nil {
				err = c.s.net.listError(st)
			}
			c.tellIcon(err)
			c.editDone()
		})
	})
}

// onBARTReply handles 01/21: the server says what it thinks of a picture of ours.
func (c *client) onBARTReply(body []byte) error {
	items, err := oscarwire.ParseBARTItems(body)
	for _, i := range items {
		if i.Type == oscarwire.BARTIcon && i.Flags&oscarwire.BARTFlagUnknown != 0 {
			c.own.missing = bytes.Clone(i.Data)
			c.uploadIcon()
		}
	}
	return err
}

const uploadPatience = 30 * time.Second

// uploadIcon gives the server the picture, if it is the one that it lacks.
func (c *client) uploadIcon() {
	if c.own.sending || c.own.image == nil || !bytes.Equal(c.own.missing, c.own.hash) {
		return
	}
	c.own.sending, c.own.missing = true, nil
	image := c.own.image
	c.visit(oscarwire.FamilyBART, uploadPatience, func(ctx context.Context, v *client) error { return v.upload(ctx, image) }, (*client).iconSent)
}

func (c *client) iconSent(err error) {
	c.own.sending = false
	c.tellIcon(err)
	c.uploadIcon() // another one meanwhile
}

// upload stores a picture, over a connection to the service for that.
func (c *client) upload(ctx context.Context, image []byte) error {
	snac, err := c.ask(ctx, oscarwire.BARTUpload, oscarwire.IconUpload{Type: oscarwire.BARTIcon, Data: image}, oscarwire.BARTUploadReply)
	if err != nil {
		return err
	}
	reply, err := oscarwire.ParseIconUploadReply(snac.Body)
	if err == nil && reply.Code != oscarwire.BARTUploadOK {
		err = fmt.Errorf("the server refuses the picture with code %d", reply.Code)
	}
	return err
}

// maxDetail is the longest of the texts about the user, in bytes; servers take
// profiles of 1,024.
const (
	maxDetail  = 400
	maxProfile = 1000
)

// setProfile tells who the user is: ICQ in its directory, AIM by the text that
// others can ask for.
func (c *client) setProfile(p legacy.Profile) {
	self, number := oscarwire.ParseUIN(c.s.self)
	if !number || !c.families[oscarwire.FamilyICQ] {
		html := profileHTML(p)
		c.ownText = &html
		c.submit(&packet{id: oscarwire.LocationSetInfo, body: oscarwire.LocationInfo{Profile: &html}})
		c.listSelf(p)
		return
	}
	if args := oscarwire.MetaSetFullArgs(c.details(p)); len(args) > 0 {
		c.meta(self, &lookup{told: true}, oscarwire.MetaSetFull, args)
	}
}

// profileHTML is what others read of the user. (AOL, "Location")
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
	// What must be escaped takes up to six times its size; cut whole runes.
	runes := []rune(strings.Join(lines, "\n"))
	for {
		html := oscarwire.TextToHTML(string(runes))
		if len(html) <= maxProfile {
			return html
		}
		runes = runes[:len(runes)*9/10]
	}
}

// details are a profile as ICQ has it.
func (c *client) details(p legacy.Profile) oscarwire.UserDetails {
	text := func(s string) []byte {
		b := c.s.net.page.Encode(s)
		return b[:min(len(b), maxDetail)]
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
