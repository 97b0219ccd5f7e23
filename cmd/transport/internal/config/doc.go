// Package config reads the configuration file of the program, transport.toml, and the
// table of adapters that its network.driver chooses from.
//
// Commands call Load. It parses the file (config.go), binds its values to structs
// (bind.go), finds the line of each key (locate.go) and validates the values
// (resolve.go, secret.go, files.go). Every mistake becomes a problem with its place in
// the file and a correction (problem.go). A problem never contains a secret.
//
// The commands use the same helpers for mistakes on the command line: Quote,
// DidYouMean, NotOneOf.
package config
