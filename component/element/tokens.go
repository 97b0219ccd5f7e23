package element

import (
	"encoding/xml"
	"errors"
	"io"
	"strings"
)

// Parse reads a document that is one element, with white space around it at
// most. space is the default namespace around it.
func Parse(doc, space string) (*Element, error) {
	l := Limits{Stanza: len(doc) + 1}
	r := NewReader(strings.NewReader(doc), space, l)
	e, err := r.Next()
	if err == nil {
		if _, end := r.Next(); end != io.ErrUnexpectedEOF || r.start != r.end {
			return nil, errors.New("element: more than one element")
		}
	}
	return e, err
}

// Reader returns e as tokens, for code that is written against encoding/xml or
// mellium.im/xmlstream. Names carry their namespaces and nothing is declared,
// save xmlns="" on an element that is in no namespace within one that is in
// one, which no encoder would guess. The tokens end with io.EOF.
func (e *Element) Reader() xml.TokenReader {
	return &tokenReader{next: e}
}

type tokenReader struct {
	next *Element // to be opened
	open []place
}

type place struct {
	e *Element
	i int // the next of its nodes
}

// Token implements xml.TokenReader.
func (r *tokenReader) Token() (xml.Token, error) {
	if r.next != nil {
		return r.start(), nil
	}
	if len(r.open) == 0 {
		return nil, io.EOF
	}
	p := &r.open[len(r.open)-1]
	if p.i == len(p.e.Nodes) {
		r.open = r.open[:len(r.open)-1]
		return xml.EndElement{Name: p.e.xmlName()}, nil
	}
	n := p.e.Nodes[p.i]
	p.i++
	if n.Element != nil {
		r.next = n.Element
		return r.start(), nil
	}
	return xml.CharData(n.Text), nil
}

func (r *tokenReader) start() xml.Token {
	e := r.next
	r.next = nil
	t := xml.StartElement{Name: e.xmlName()}
	if n := len(r.open); n > 0 && e.Space == "" && r.open[n-1].e.Space != "" {
		t.Attr = append(t.Attr, xml.Attr{Name: xml.Name{Local: "xmlns"}})
	}
	for _, a := range e.Attrs {
		t.Attr = append(t.Attr, xml.Attr{Name: xml.Name{Space: a.Space, Local: a.Name}, Value: a.Value})
	}
	r.open = append(r.open, place{e: e})
	return t
}

func (e *Element) xmlName() xml.Name {
	return xml.Name{Space: e.Space, Local: e.Name}
}

// FromTokens reads one element from tokens, such as those of a mellium
// payload's TokenReader, up to its end. Text, comments and the like before it
// are passed over.
//
// An element whose name has no namespace is in that which an encoder would put
// it in: that of an attribute xmlns if it has one, else that of its parent.
func FromTokens(r xml.TokenReader) (*Element, error) {
	var root *Element
	var open []*Element
	for {
		t, err := r.Token()
		switch t := t.(type) {
		case xml.StartElement:
			var parent *Element
			if len(open) > 0 {
				parent = open[len(open)-1]
			}
			e := fromStart(t, parent)
			parent.Add(e)
			if root == nil {
				root = e
			}
			open = append(open, e)
		case xml.CharData:
			if len(open) > 0 {
				open[len(open)-1].joinText(string(t))
			}
		case xml.EndElement:
			if len(open) == 0 {
				return nil, errors.New("element: tokens begin with an end tag")
			}
			if open = open[:len(open)-1]; len(open) == 0 {
				return root, nil
			}
		}
		if err != nil {
			if err == io.EOF && root != nil {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
	}
}

// joinText adds text to the last node if that is text too.
func (e *Element) joinText(text string) {
	if n := len(e.Nodes); n > 0 && e.Nodes[n-1].Element == nil {
		e.Nodes[n-1].Text += text
		return
	}
	e.AddText(text)
}

func fromStart(t xml.StartElement, parent *Element) *Element {
	e := New(t.Name.Space, t.Name.Local)
	if e.Space == "" && parent != nil {
		e.Space = parent.Space
	}
	for _, a := range t.Attr {
		space, name := a.Name.Space, a.Name.Local
		if prefix, local, ok := strings.Cut(name, ":"); ok && space == "" {
			space, name = prefix, local // a raw name
		}
		switch {
		case space == "" && name == "xmlns":
			if t.Name.Space == "" {
				e.Space = a.Value
			}
			continue
		case space == "xmlns" || space == XMLNSNamespace:
			continue
		case space == "xml":
			space = XMLNamespace
		}
		e.Attrs = append(e.Attrs, Attr{Space: space, Name: name, Value: a.Value})
	}
	return e
}

// Unmarshal stores e in the value that v points to, as encoding/xml does. It is
// for payloads that are rare.
func Unmarshal(e *Element, v any) error {
	if e == nil {
		return errors.New("element: unmarshal of no element")
	}
	return xml.NewTokenDecoder(e.Reader()).Decode(v)
}
