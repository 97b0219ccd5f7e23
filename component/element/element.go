package element

import (
	"iter"
	"slices"
	"strings"
)

// Namespaces that XML and XMPP streams reserve.
const (
	// XMLNamespace is what the prefix xml is bound to, as in xml:lang.
	XMLNamespace = "http://www.w3.org/XML/1998/namespace"
	// XMLNSNamespace is what the prefix xmlns is bound to. Nothing can be
	// written in it.
	XMLNSNamespace = "http://www.w3.org/2000/xmlns/"
	// StreamNamespace is that of <stream:stream/> and <stream:error/>.
	StreamNamespace = "http://etherx.jabber.org/streams"
)

// An Element is an XML element whose prefixes have been resolved. The zero
// Space means "in no namespace", not "in that of the parent".
//
// All methods may be called on a nil *Element, which has no name, no
// attributes and no children, so that e.Child(ns, "x").Child(ns, "y").Text()
// needs no checks on its way.
//
// An Element from a [Reader] shares a few allocations with its whole stanza: to keep a
// small part of a large stanza for long, keep its [Element.Clone].
type Element struct {
	Space, Name string
	Attrs       []Attr // without declarations of namespaces
	Nodes       []Node
}

// An Attr is an attribute. Space is empty for one without a prefix;
// xml:lang has the Space XMLNamespace.
type Attr struct{ Space, Name, Value string }

// A Node is a child element or, if Element is nil, a piece of text.
type Node struct {
	Text    string
	Element *Element
}

// New returns an empty element, to be filled by chained calls:
//
//	element.New(ns, "query").Set("node", node).Add(items...)
func New(space, name string) *Element {
	return &Element{Space: space, Name: name}
}

// Is reports whether e has that namespace and name. An empty space or name matches any.
// It is false for a nil e.
func (e *Element) Is(space, name string) bool {
	return e != nil && (name == "" || e.Name == name) && (space == "" || e.Space == space)
}

// AttrOK returns the value of the attribute without a prefix that has the name.
func (e *Element) AttrOK(name string) (string, bool) {
	return e.attr("", name)
}

// Attr is AttrOK for callers that treat a missing attribute as an empty one.
func (e *Element) Attr(name string) string {
	v, _ := e.attr("", name)
	return v
}

// Lang returns the element's own xml:lang.
func (e *Element) Lang() string {
	v, _ := e.attr(XMLNamespace, "lang")
	return v
}

func (e *Element) attr(space, name string) (string, bool) {
	if e == nil {
		return "", false
	}
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Name == name && a.Space == space {
			return a.Value, true
		}
	}
	return "", false
}

// Set gives the attribute without a prefix a value, replacing that which it
// has, and returns e.
func (e *Element) Set(name, value string) *Element {
	return e.set("", name, value)
}

// SetLang sets xml:lang, or removes it if lang is empty, and returns e.
func (e *Element) SetLang(lang string) *Element {
	if lang == "" {
		return e.unset(XMLNamespace, "lang")
	}
	return e.set(XMLNamespace, "lang", lang)
}

// Unset removes the attribute without a prefix and returns e.
func (e *Element) Unset(name string) *Element {
	return e.unset("", name)
}

func (e *Element) set(space, name, value string) *Element {
	if e == nil {
		return nil
	}
	for i := range e.Attrs {
		if a := &e.Attrs[i]; a.Name == name && a.Space == space {
			a.Value = value
			return e
		}
	}
	e.Attrs = append(e.Attrs, Attr{Space: space, Name: name, Value: value})
	return e
}

func (e *Element) unset(space, name string) *Element {
	if e != nil {
		e.Attrs = slices.DeleteFunc(e.Attrs, func(a Attr) bool {
			return a.Name == name && a.Space == space
		})
	}
	return e
}

// Add appends children, leaving out those that are nil, and returns e.
func (e *Element) Add(children ...*Element) *Element {
	if e == nil {
		return nil
	}
	for _, c := range children {
		if c != nil {
			e.Nodes = append(e.Nodes, Node{Element: c})
		}
	}
	return e
}

// AddText appends text, if there is any, and returns e.
func (e *Element) AddText(text string) *Element {
	if e != nil && text != "" {
		e.Nodes = append(e.Nodes, Node{Text: text})
	}
	return e
}

// Elements returns the children that are elements.
func (e *Element) Elements() iter.Seq[*Element] {
	return e.Children("", "")
}

// Children returns the child elements that are called that. An empty space or
// name matches any.
func (e *Element) Children(space, name string) iter.Seq[*Element] {
	return func(yield func(*Element) bool) {
		if e == nil {
			return
		}
		for _, n := range e.Nodes {
			if n.Element.Is(space, name) && !yield(n.Element) {
				return
			}
		}
	}
}

// Child returns the first child element that is called that, or nil. An empty
// space or name matches any. Children are found by name, never by position:
// servers put <error/> before the payload or after it.
func (e *Element) Child(space, name string) *Element {
	if e == nil {
		return nil
	}
	for _, n := range e.Nodes {
		if n.Element.Is(space, name) {
			return n.Element
		}
	}
	return nil
}

// First returns the first child element, or nil.
func (e *Element) First() *Element {
	return e.Child("", "")
}

// Count returns how many children are elements.
func (e *Element) Count() int {
	n := 0
	for range e.Elements() {
		n++
	}
	return n
}

// Size is about how many bytes e takes in a document.
func (e *Element) Size() int {
	n := 2*len(e.Name) + 5
	for i := range e.Attrs {
		n += len(e.Attrs[i].Name) + len(e.Attrs[i].Value) + 4
	}
	for i := range e.Nodes {
		if child := e.Nodes[i].Element; child != nil {
			n += child.Size()
		} else {
			n += len(e.Nodes[i].Text)
		}
	}
	return n
}

// Text returns the text directly in e, without that of its child elements.
func (e *Element) Text() string {
	if e == nil {
		return ""
	}
	var text string
	var more []byte
	for _, n := range e.Nodes {
		switch {
		case n.Element != nil || n.Text == "":
		case text == "" && more == nil:
			text = n.Text
		default:
			if more == nil {
				more = []byte(text)
			}
			more = append(more, n.Text...)
		}
	}
	if more != nil {
		return string(more)
	}
	return text
}

// ChildText returns the text of the first child that is called that.
func (e *Element) ChildText(space, name string) string {
	return e.Child(space, name).Text()
}

// Respace moves e and what is below it from one namespace to another, in
// place, and returns e: forwarded stanzas are in jabber:client whatever the
// stream is in (XEP-0297 §3).
func (e *Element) Respace(from, to string) *Element {
	if e == nil {
		return nil
	}
	if e.Space == from {
		e.Space = to
	}
	for c := range e.Elements() {
		c.Respace(from, to)
	}
	return e
}

// Clone returns a deep copy that shares no memory with e.
func (e *Element) Clone() *Element {
	if e == nil {
		return nil
	}
	c := &Element{Space: strings.Clone(e.Space), Name: strings.Clone(e.Name)}
	if e.Attrs != nil {
		c.Attrs = make([]Attr, len(e.Attrs))
		for i, a := range e.Attrs {
			c.Attrs[i] = Attr{strings.Clone(a.Space), strings.Clone(a.Name), strings.Clone(a.Value)}
		}
	}
	if e.Nodes != nil {
		c.Nodes = make([]Node, len(e.Nodes))
		for i, n := range e.Nodes {
			c.Nodes[i] = Node{Text: strings.Clone(n.Text), Element: n.Element.Clone()}
		}
	}
	return c
}
