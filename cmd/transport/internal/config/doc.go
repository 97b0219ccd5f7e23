// Package config reads the configuration file of the program, transport.toml, and the
// table of adapters that its network.driver chooses from.
//
// Load is all that a command needs. It parses the file (config.go), binds its values to
// structs (bind.go), finds the line of each key (locate.go) and checks what the values
// mean (resolve.go, secret.go, files.go). Every mistake becomes a problem with the place
// in the file and what to write instead (problem.go); a secret never appears in one.
//
// The commands of the program use the same words for mistakes on the command line:
// Quote, DidYouMean, NotOneOf.
package config
