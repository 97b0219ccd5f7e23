package adhoc

import (
	"slices"
	"strings"

	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// Command is a command for users of type U. It runs as an ad-hoc command or by its word.
// One of Run and Start is set.
type Command[U any] struct {
	Node    string   // empty for a command that has a word only
	Aliases []string // further nodes, by which clients of other gateways request it
	Name    string
	Word    string   // by default the node, or its part behind "#"
	Args    []string // the fields that the words behind Word fill in; the last one takes the rest of the text
	// Argument is how the help text writes these words, and About its description of the
	// command, by default the name.
	Argument, About string
	// Edits is set if the form shows current values. By words, the command without
	// arguments then shows these, and "NAME VALUE" changes one field.
	Edits bool
	Who   Audience
	At    Place
	Needs legacy.Features // of the network, or else the command does not exist
	// When reports whether the command is listed now, nil for always. An unlisted command
	// runs, too, and reports its error.
	When func(U) bool
	// Run executes a command without forms and returns its result.
	Run func(U) (string, *stanza.Error)
	// Start starts an execution that asks by forms. It calls Ask, Fail or Finish, at once or
	// later.
	Start func(U, *Execution[U])
}

// Audience is a group of users.
type Audience uint8

// The users that a command is for. Commands for Admins are hidden from others; commands
// for Developers run for everybody, and are listed for Admins only.
const (
	Anyone Audience = iota
	Developers
	Strangers  // users without a registration
	Registered // users with one
	Members    // registered users, and guests on networks that permit them
	Admins
)

// Place is a kind of address that commands are sent to.
type Place uint8

// The places of commands. The gateway has those of services as well, on a network whose
// services have no addresses.
const (
	AtGateway Place = iota
	AtService
	AtRoom
	AtPerson
)

// Table has the commands of a gateway, in the order of their listing.
type Table[U any] struct {
	commands []*Command[U]
	services bool // services have addresses
}

// NewTable returns a table of those commands that the network has the features for. It
// sets the words of commands that have none.
func NewTable[U any](network legacy.Info, commands ...*Command[U]) *Table[U] {
	t := &Table[U]{services: network.Services}
	for _, cmd := range commands {
		if !network.Features.Has(cmd.Needs) {
			continue
		}
		if cmd.Word == "" {
			cmd.Word = cmd.Node[strings.IndexByte(cmd.Node, '#')+1:]
		}
		t.commands = append(t.commands, cmd)
	}
	return t
}

// isAt reports whether a command exists at an address, the zero Peer for the gateway.
func (t *Table[U]) isAt(cmd *Command[U], at legacy.Peer) bool {
	switch cmd.At {
	case AtService:
		return at.Service || at.ID == "" && !t.services
	case AtRoom:
		return at.Room
	case AtPerson:
		return at.ID != "" && !at.Room && !at.Service
	}
	return at.ID == ""
}

// command returns the command of a node at an address, nil if there is none. A node takes
// precedence over an alias.
func (t *Table[U]) command(node string, at legacy.Peer) *Command[U] {
	var also *Command[U]
	for _, cmd := range t.commands {
		switch {
		case node == "" || !t.isAt(cmd, at):
		case cmd.Node == node:
			return cmd
		case also == nil && slices.Contains(cmd.Aliases, node):
			also = cmd
		}
	}
	return also
}

// Info answers disco#info of an address about the list of commands or about one command.
// It returns nil for any other node. (XEP-0050 §2.2)
func (t *Table[U]) Info(node string, at legacy.Peer) *element.Element {
	id := element.New(xep.NSDiscoInfo, "identity").Set("category", "automation")
	q := element.New(xep.NSDiscoInfo, "query").Set("node", node).Add(id)
	feature := func(name string) { q.Add(element.New(xep.NSDiscoInfo, "feature").Set("var", name)) }
	feature(xep.NSDiscoInfo)
	feature(xep.NSCommands)
	cmd := t.command(node, at)
	switch {
	case node == xep.NSCommands:
		id.Set("type", "command-list").Set("name", "Commands")
		feature(xep.NSDiscoItems)
	case cmd != nil:
		id.Set("type", "command-node").Set("name", cmd.Name)
		feature(xep.NSDataForm)
	default:
		return nil
	}
	return q
}
