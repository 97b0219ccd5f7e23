package oscar

import "time"

// SetOfflinePatience changes how long to wait for 04/17, until restore.
func SetOfflinePatience(d time.Duration) (restore func()) {
	before := offlinePatience
	offlinePatience = d
	return func() { offlinePatience = before }
}

// MakeIcon makes an icon of a picture.
var MakeIcon = makeIcon
