// Package legacytest tests both sides of the contract in package legacy.
//
// [Echo] is a network in memory. It is the worked example of an adapter: read
// echo.go for the Network and session.go for the Session; hub.go plays the servers
// that a real adapter would reach over a connection. The core is tested and
// benchmarked with it: a test scripts each account's far end with a [Handle] and
// waits for the core's commands.
//
//	echo := legacytest.NewEcho(legacytest.Options{})
//	... // a component with echo as its network; alice registers as "alice"
//	h := echo.Session("alice")
//	legacytest.Expect[legacytest.SignOn](t, h)
//	h.Emit(legacy.MessageReceived{From: legacy.Peer{ID: "bob"}, Text: "hello"})
//	m := legacytest.Expect[legacytest.Send](t, h)
//
// [Conformance] is the suite that each adapter must pass, Echo included.
package legacytest
