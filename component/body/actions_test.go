package body

import (
	"testing"

	"transport/component/stanza"
)

// TestActOf: the body of an action is a fallback in several forms. (XEP-0428 §2)
func TestActOf(t *testing.T) {
	const reactions = "<reactions xmlns='urn:xmpp:reactions:0' id='m1'><reaction>👍</reaction><reaction>🎉</reaction></reactions>"
	for _, tt := range []struct {
		name, inner string
		want        Act
	}{
		{"text", "<body>hello</body>", Say},
		{"reaction", reactions, React},
		{"reaction with an empty body", reactions + "<body/>", React},
		{"reaction with a blank body", reactions + "<body> \n</body>", React},
		{"reaction with its fallback", reactions + "<body>&gt; hello\n👍</body><fallback xmlns='urn:xmpp:fallback:0' for='urn:xmpp:reactions:0'><body start='0' end='9'/></fallback>", React},
		{"reaction with a fallback for everything", reactions + "<body>👍</body><fallback xmlns='urn:xmpp:fallback:0'/>", React},
		{"reaction with its emojis as the body", reactions + "<body>👍 🎉</body>", React},
		{"reaction beside a text", reactions + "<body>and more</body>", Say},
		{"correction", "<body>hello</body><replace xmlns='urn:xmpp:message-correct:0' id='m1'/>", Correct},
		{"correction without a body", "<replace xmlns='urn:xmpp:message-correct:0' id='m1'/>", Say},
		{"retraction", "<retract xmlns='urn:xmpp:message-retract:1' id='m1'/><body>fallback</body>", Retract},
	} {
		t.Run(tt.name, func(t *testing.T) {
			e, err := stanza.Parse([]byte("<message xmlns='" + stanza.NS + "'>" + tt.inner + "</message>"))
			if err != nil {
				t.Fatal(err)
			}
			if got := ActOf(e); got != tt.want {
				t.Errorf("it is %d, want %d", got, tt.want)
			}
		})
	}
}
