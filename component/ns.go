package component

// Namespaces of the stream itself; those of extensions are in package xep.
const (
	nsComponent    = "jabber:component:accept" // XEP-0114 §3
	nsStanzaErrors = "urn:ietf:params:xml:ns:xmpp-stanzas"

	// nsStanza is the namespace in which stanzas are built: that of the stream,
	// so that writing declares none.
	nsStanza = nsComponent
)
