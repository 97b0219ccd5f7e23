package body

import (
	"testing"

	"transport/component/element"
	"transport/component/stanza"
)

func TestPlainText(t *testing.T) {
	tests := []struct{ name, stanza, want string }{
		{"body", "<message type='chat'><body>hi</body></message>", "hi"},
		{"empty", "<message type='chat'><body/></message>", ""},
		// RFC 6121 §5.2.3
		{"languages", "<message><body xml:lang='de'>hallo</body><body>hello</body></message>", "hello"},
		{"one language", "<message><body xml:lang='de'>hallo</body></message>", "hallo"},
		// RFC 6121 §5.2.4
		{"subject", "<message type='normal'><subject>about</subject><body>text</body></message>", "about\ntext"},
		{"subject of a chat", "<message type='chat'><subject>about</subject><body>text</body></message>", "text"},
		// XEP-0308 §4
		{"correction", "<message type='chat'><body>right</body><replace xmlns='urn:xmpp:message-correct:0' id='1'/></message>", "right"},
		// XEP-0424 §5
		{"retraction", "<message type='chat'><retract xmlns='urn:xmpp:message-retract:1' id='1'/></message>", ""},
		// XEP-0428 §2
		{"retraction with a fallback", "<message type='chat'><body>I took it back</body><retract xmlns='urn:xmpp:message-retract:1' id='1'/><fallback xmlns='urn:xmpp:fallback:0'/></message>", ""},
		// XEP-0444 §3
		{"reactions", "<message type='chat'><reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>👍</reaction><reaction>🎉</reaction></reactions></message>", ""},
		{"reactions with a fallback", "<message type='chat'><body>👍</body><reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>👍</reaction></reactions><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'/></message>", ""},
		{"reactions with words", "<message type='chat'><body>well done</body><reactions xmlns='urn:xmpp:reactions:0' id='1'><reaction>👍</reaction></reactions></message>", "well done"},
		{"no reactions", "<message type='chat'><reactions xmlns='urn:xmpp:reactions:0' id='1'/></message>", ""},
		// XEP-0461 §3
		{"reply", "<message type='chat'><body>&gt; question\nanswer</body><reply xmlns='urn:xmpp:reply:0' id='1'/><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reply:0'><body start='0' end='11'/></fallback></message>", "> question\nanswer"},
		// XEP-0066 §3
		{"file", "<message type='chat'><body>http://a.example/x</body><x xmlns='jabber:x:oob'><url>http://a.example/x</url></x></message>", "http://a.example/x"},
		{"file with words", "<message type='chat'><body>look</body><x xmlns='jabber:x:oob'><url>http://a.example/x</url></x></message>", "look\nhttp://a.example/x"},
		// XEP-0249 §2
		{"invitation", "<message><x xmlns='jabber:x:conference' jid='room@muc.example'/></message>", "(invites you to the room xmpp:room@muc.example?join)"},
		{"invitation with words", "<message><body>come</body><x xmlns='jabber:x:conference' jid='room@muc.example'/></message>", "come"},
		// XEP-0447 §3.1
		{"shared file", "<message type='chat'><file-sharing xmlns='urn:xmpp:sfs:0'><sources><url-data xmlns='http://jabber.org/protocol/url-data' target='http://a.example/y'/></sources></file-sharing></message>", "http://a.example/y"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			e, err := element.Parse(tt.stanza, stanza.NS)
			if err != nil {
				t.Fatal(err)
			}
			if got := Plain(e); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
