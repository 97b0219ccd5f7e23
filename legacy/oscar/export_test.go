package oscar

import "time"

// SetOfflinePatience changes how long to wait for 04/17, until restore.
func SetOfflinePatience(d time.Duration) (restore func()) {
	before := offlinePatience
	offlinePatience = d
	return func() { offlinePatience = before }
}

// SetEnterLimit changes how long it may take to enter a room, until restore.
func SetEnterLimit(d time.Duration) (restore func()) {
	before := enterLimit
	enterLimit = d
	return func() { enterLimit = before }
}
