package component

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/legacy/files"
)

const (
	findTime  = 30 * time.Second // to find the service
	maxItems  = 30               // limit: items of a server that are asked for an upload service | the rest is not asked
	maxLink   = 2000             // limit: bytes of an upload's address | the upload fails: the user gets a notice
	maxHeader = 4 << 10          // limit: bytes of one header of an upload | it is left out
)

// slotHeaders are the HTTP headers that a slot may set. (XEP-0363 §5)
var slotHeaders = []string{"Authorization", "Cookie", "Expires"}

// upload uploads a file to the service of the user's own server and returns its URL. It
// is legacy.Env.StoreFile of a gateway without file storage. A session's goroutine calls
// it. (XEP-0363)
func (c *Component) upload(ctx context.Context, server string, f legacy.File, r io.Reader) (string, error) {
	service, limit, err := c.findUpload(ctx, server)
	switch {
	case err != nil:
		return "", err
	case limit > 0 && f.Size > limit:
		return "", legacy.Errorf(legacy.TooLong, "Your XMPP server does not accept files larger than %d bytes.", limit)
	}
	name := files.SafeName(f.Name)
	kind, _ := files.TypeOf(name)
	reply, err := c.queryServer(ctx, service, element.New(xep.NSUpload, "request").
		Set("filename", name).Set("size", strconv.FormatInt(f.Size, 10)).Set("content-type", kind))
	if err != nil {
		return "", err
	}
	if reply.Attr("type") == "error" {
		return "", slotRefused(reply)
	}
	put, link := readSlot(reply)
	if link == "" {
		return "", legacy.Errorf(legacy.Temporary, "Your XMPP server offered an invalid upload address.")
	}
	put.Type, put.Size, put.Dial = kind, f.Size, c.cfg.Dial
	// The gateway's own server may have a private address. Other servers must not make
	// the gateway connect to private addresses.
	_, parent, _ := strings.Cut(c.domain, ".")
	put.Public = server != parent
	if err := files.Put(ctx, put, r); err != nil {
		return "", err
	}
	return link, nil
}

// findUpload returns the upload service of a server and its size limit in bytes, 0 if it
// announces none. (XEP-0363 §4)
func (c *Component) findUpload(ctx context.Context, server string) (service string, limit int64, err error) {
	ctx, cancel := context.WithTimeout(ctx, findTime)
	defer cancel()
	reply, err := c.queryServer(ctx, server, element.New(xep.NSDiscoItems, "query"))
	if err != nil {
		return "", 0, err
	}
	places := []string{server}
	if query := reply.Child(xep.NSDiscoItems, "query"); query != nil {
		for item := range query.Children(xep.NSDiscoItems, "item") {
			if jid := item.Attr("jid"); jid != "" && jid != c.domain && item.Attr("node") == "" && len(places) < maxItems {
				places = append(places, jid)
			}
		}
	}
	for _, place := range places {
		reply, err := c.queryServer(ctx, place, element.New(xep.NSDiscoInfo, "query"))
		if ctx.Err() != nil {
			break
		}
		if err != nil || reply.Attr("type") == "error" {
			continue
		}
		if limit, ok := takesUploads(reply.Child(xep.NSDiscoInfo, "query")); ok {
			return place, limit, nil
		}
	}
	return "", 0, legacy.Errorf(legacy.Unsupported, "Neither this gateway nor your XMPP server keeps files. Ask for a link instead.")
}

// takesUploads reports whether a disco#info result is that of an upload service, and its
// size limit.
func takesUploads(info *element.Element) (limit int64, ok bool) {
	if info == nil {
		return 0, false
	}
	for f := range info.Children(xep.NSDiscoInfo, "feature") {
		ok = ok || f.Attr("var") == xep.NSUpload
	}
	for form := range info.Children(xep.NSDataForm, "x") {
		values := xep.Values(form)
		if of := values["FORM_TYPE"]; len(of) == 0 || of[0] != xep.NSUpload {
			continue
		}
		for _, v := range values["max-file-size"] {
			if n, err := strconv.ParseInt(v, 10, 64); err == nil && n > 0 {
				limit = n
			}
		}
	}
	return limit, ok
}

// slotRefused translates an error of the upload service for the user. (XEP-0363 §5)
func slotRefused(reply *element.Element) error {
	e := reply.Child(stanza.NS, "error")
	switch {
	case e == nil:
	case e.Child(xep.NSUpload, "file-too-large") != nil:
		return legacy.Errorf(legacy.TooLong, "Your XMPP server does not accept files of that size.")
	case e.Child(xep.NSStanzaErrors, "resource-constraint") != nil:
		return legacy.Errorf(legacy.RateLimited, "Your XMPP server does not accept more files at the moment.")
	}
	return legacy.Errorf(legacy.Forbidden, "Your XMPP server does not accept files from this gateway. Ask for a link instead.")
}

// readSlot reads an upload slot. link is "" if the slot is invalid. (XEP-0363 §5)
func readSlot(reply *element.Element) (put files.Upload, link string) {
	slot := reply.Child(xep.NSUpload, "slot")
	if slot == nil {
		return put, ""
	}
	p, g := slot.Child(xep.NSUpload, "put"), slot.Child(xep.NSUpload, "get")
	if p == nil || g == nil || !isLink(p.Attr("url")) || !isLink(g.Attr("url")) {
		return put, ""
	}
	put.URL, put.Header = p.Attr("url"), make(http.Header)
	for h := range p.Children(xep.NSUpload, "header") {
		for _, name := range slotHeaders {
			value := strings.NewReplacer("\r", "", "\n", "").Replace(h.Text()) // (XEP-0363 §5)
			if strings.EqualFold(h.Attr("name"), name) && len(value) <= maxHeader {
				put.Header.Set(name, value)
			}
		}
	}
	return put, g.Attr("url")
}

// isLink reports whether a text is an HTTP URL.
func isLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && len(text) <= maxLink && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}
