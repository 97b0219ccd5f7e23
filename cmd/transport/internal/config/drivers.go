package config

import (
	"maps"
	"slices"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/oscar"
)

// drivers are all adapters, by the name that network.driver has.
var drivers = map[string]driver{
	"irc":   newDriver(irc.DefaultOptions(), irc.New),
	"oscar": newDriver(oscar.DefaultOptions(), oscar.New),
}

// driver is what the program knows of an adapter.
type driver struct {
	// options makes the adapter's options struct, filled with its defaults, for
	// [network.options] to be decoded into.
	options func() any
	// open makes a network of such options. An error that is about one option is
	// a *legacy.FieldError; several are joined by errors.Join.
	open func(options any) (legacy.Network, error)
}

// newDriver makes a driver of an adapter's constructor.
func newDriver[O any](defaults O, open func(O) (legacy.Network, error)) driver {
	return driver{
		options: func() any { o := defaults; return &o },
		open:    func(o any) (legacy.Network, error) { return open(*o.(*O)) },
	}
}

// driverNames are the names of drivers in order.
func driverNames(of map[string]driver) []string {
	return slices.Sorted(maps.Keys(of))
}
