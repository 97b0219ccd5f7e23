package config

import (
	"maps"
	"slices"

	"transport/legacy"
	"transport/legacy/irc"
	"transport/legacy/oscar"
)

// drivers are all adapters, by their name in network.driver.
var drivers = map[string]driver{
	"irc":   newDriver(irc.DefaultOptions(), irc.New),
	"oscar": newDriver(oscar.DefaultOptions(), oscar.New),
}

// driver is an adapter.
type driver struct {
	// options returns a pointer to the adapter's options, filled with its defaults.
	// [network.options] is decoded into it.
	options func() any
	// open returns a network with such options. An error about one option is a
	// *legacy.FieldError; several are joined by errors.Join.
	open func(options any) (legacy.Network, error)
}

// newDriver returns a driver with an adapter's constructor.
func newDriver[O any](defaults O, open func(O) (legacy.Network, error)) driver {
	return driver{
		options: func() any { o := defaults; return &o },
		open:    func(o any) (legacy.Network, error) { return open(*o.(*O)) },
	}
}

// driverNames returns the sorted names of drivers.
func driverNames(of map[string]driver) []string {
	return slices.Sorted(maps.Keys(of))
}
