package xep

// registerFields are the fields that in-band registration knows outside a form.
// (XEP-0077 §14.1)
var registerFields = map[string]bool{
	"username": true, "nick": true, "password": true, "name": true, "first": true, "last": true,
	"email": true, "address": true, "city": true, "state": true, "zip": true, "phone": true,
	"url": true, "date": true, "misc": true, "text": true, "key": true,
}

// RegisterField reports whether a registration field has an element of its own
// beside the data form.
func RegisterField(name string) bool { return registerFields[name] }
