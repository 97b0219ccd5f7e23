package element

import "testing"

func TestSmoke(t *testing.T) {
	e, err := Parse(`<message to='a@b' xml:lang="en"><body>hi &amp; there</body><active xmlns='urn:x'/></message>`, "jabber:client")
	if err != nil {
		t.Fatal(err)
	}
	if got := e.String(); got != `<message xmlns='jabber:client' to='a@b' xml:lang='en'><body>hi &amp; there</body><active xmlns='urn:x'/></message>` {
		t.Error(got)
	}
	if e.ChildText("", "body") != "hi & there" {
		t.Error(e.ChildText("", "body"))
	}
}
