package component

import (
	"strconv"
	"testing"
)

// The avatars of a user's contacts have a limit together.
func TestAvatarsTogether(t *testing.T) {
	contacts := make(map[string]*contact)
	a := avatars{ro: &roster{contacts: contacts}}
	n := 0
	for ; a.fits(maxAvatar); n++ {
		contacts[strconv.Itoa(n)] = &contact{avatar: &avatar{image: make([]byte, maxAvatar), size: maxAvatar}}
	}
	if n != maxAvatars/maxAvatar {
		t.Errorf("%d avatars fit", n)
	}
	again := contacts["0"]
	delete(contacts, "0")
	fits := a.fits(maxAvatar)
	contacts["0"] = again
	if !fits || a.fits(maxAvatar) {
		t.Error("a removed contact's avatar still counts")
	}
	a.dropAvatars()
	if !a.fits(maxAvatars) || contacts["1"].avatar.image != nil || contacts["1"].avatar.size != maxAvatar {
		t.Error("dropped avatars still count")
	}
}
