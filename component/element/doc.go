// Package element holds XML elements as they travel on an XMPP stream: a
// strict, bounded [Reader] that turns the bytes of a stream into one [Element]
// per stanza, and append-style writing that no value can break.
//
// It knows the part of XML that XMPP allows and nothing else (RFC 6120 §11.1):
// no comments, processing instructions, document types or entities beyond the
// five predefined ones. Package component calls it on the goroutine that owns a
// stream: a Reader is for one goroutine, and so is an Element as long as
// somebody changes it.
//
//	r := element.NewReader(conn, "jabber:component:accept", element.Limits{})
//	for {
//		e, err := r.Next()
//		var over *element.LimitError
//		switch {
//		case errors.As(err, &over):
//			refuse(over.Stanza) // the stream goes on
//		case err != nil:
//			return err
//		default:
//			handle(e)
//		}
//	}
//
// # Where it differs from encoding/xml
//
// What the Reader accepts, encoding/xml accepts too, with the same tree, save
// that the Reader
//   - normalises white space in attribute values: a literal tab, line feed or
//     carriage return is a space (XML 1.0 §3.3.3), where encoding/xml keeps it,
//   - joins neighbouring texts and CDATA sections to one text,
//   - leaves the declarations of namespaces out of the attributes,
//   - has an element that is called xmlns in its namespace, which encoding/xml
//     forgets.
//
// It refuses much that encoding/xml takes: comments, processing instructions,
// document types, duplicate attributes, undeclared prefixes, names such as
// ":a" or "a:1", the reserved namespaces bound to other prefixes, and missing
// white space between attributes.
package element
