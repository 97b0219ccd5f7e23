package component

import (
	"encoding/base64"
	"strings"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
)

// fullName returns a person's name.
func fullName(p legacy.Profile) string {
	if p.FullName != "" {
		return p.FullName
	}
	if name := strings.TrimSpace(p.First + " " + p.Last); name != "" {
		return name
	}
	return p.Nick
}

// vCardTemp returns a profile as vcard-temp. (XEP-0054 §3)
func vCardTemp(p legacy.Profile, picture *avatar) *element.Element {
	card := element.New(xep.NSVCard, "vCard")
	put := func(parent *element.Element, name, value string) {
		if value != "" {
			parent.Add(element.New(xep.NSVCard, name).AddText(value))
		}
	}
	group := func(name string, pairs ...string) {
		g := element.New(xep.NSVCard, name)
		for i := 0; i < len(pairs); i += 2 {
			put(g, pairs[i], pairs[i+1])
		}
		if g.Count() > 0 {
			card.Add(g)
		}
	}
	put(card, "FN", fullName(p))
	group("N", "FAMILY", p.Last, "GIVEN", p.First)
	put(card, "NICKNAME", p.Nick)
	put(card, "BDAY", p.Birthday)
	for _, mail := range p.Emails {
		card.Add(element.New(xep.NSVCard, "EMAIL").Add(element.New(xep.NSVCard, "INTERNET")).
			Add(element.New(xep.NSVCard, "USERID").AddText(mail)))
	}
	for _, tel := range [][2]string{{"HOME", p.Phone}, {"CELL", p.Mobile}} {
		if tel[1] != "" {
			card.Add(element.New(xep.NSVCard, "TEL").Add(element.New(xep.NSVCard, tel[0])).
				Add(element.New(xep.NSVCard, "NUMBER").AddText(tel[1])))
		}
	}
	group("ADR", "STREET", p.Street, "LOCALITY", p.City, "REGION", p.State, "PCODE", p.PostalCode, "CTRY", p.Country)
	put(card, "URL", p.Homepage)
	group("ORG", "ORGNAME", p.Organization, "ORGUNIT", p.Department)
	put(card, "TITLE", p.Title)
	put(card, "DESC", p.About)
	if picture != nil {
		card.Add(element.New(xep.NSVCard, "PHOTO").
			Add(element.New(xep.NSVCard, "TYPE").AddText(picture.kind)).
			Add(element.New(xep.NSVCard, "BINVAL").AddText(base64.StdEncoding.EncodeToString(picture.image))))
	}
	return card
}

// vCard4 returns a profile as vCard 4.0. (XEP-0292 §3, RFC 6351)
func vCard4(p legacy.Profile, picture *avatar) *element.Element {
	const ns = xep.NSVCard4
	card := element.New(ns, "vcard")
	put := func(name, kind, value string) {
		if value != "" {
			card.Add(element.New(ns, name).Add(element.New(ns, kind).AddText(value)))
		}
	}
	put("kind", "text", "individual")
	put("fn", "text", fullName(p))
	if p.First != "" || p.Last != "" {
		card.Add(element.New(ns, "n").Add(element.New(ns, "surname").AddText(p.Last)).
			Add(element.New(ns, "given").AddText(p.First)))
	}
	put("nickname", "text", p.Nick)
	put("bday", "date", p.Birthday)
	for _, mail := range p.Emails {
		put("email", "text", mail)
	}
	put("tel", "text", p.Phone)
	put("tel", "text", p.Mobile)
	put("url", "uri", p.Homepage)
	if p.Street+p.City+p.State+p.PostalCode+p.Country != "" { // RFC 6350 §6.3.1 wants them all
		adr := element.New(ns, "adr").Add(element.New(ns, "pobox"), element.New(ns, "ext"))
		for _, part := range [][2]string{{"street", p.Street}, {"locality", p.City}, {"region", p.State}, {"code", p.PostalCode}, {"country", p.Country}} {
			adr.Add(element.New(ns, part[0]).AddText(part[1]))
		}
		card.Add(adr)
	}
	if p.Gender != "" {
		card.Add(element.New(ns, "gender").Add(element.New(ns, "sex").AddText(p.Gender)))
	}
	if p.Organization != "" || p.Department != "" {
		org := element.New(ns, "org").Add(element.New(ns, "text").AddText(p.Organization))
		if p.Department != "" {
			org.Add(element.New(ns, "text").AddText(p.Department))
		}
		card.Add(org)
	}
	if picture != nil {
		put("photo", "uri", "data:"+picture.kind+";base64,"+base64.StdEncoding.EncodeToString(picture.image))
	}
	put("title", "text", p.Title)
	put("note", "text", p.About)
	return card
}
