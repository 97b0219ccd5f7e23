package xep

import "transport/component/element"

// NewCommand is the payload of an answer to an ad-hoc command. status is
// executing, completed or canceled. (XEP-0050 §2.4)
func NewCommand(node, sessionID, status string) *element.Element {
	return element.New(NSCommands, "command").Set("node", node).Set("sessionid", sessionID).Set("status", status)
}

// Actions returns the permitted actions; the first is the default of "execute".
// (XEP-0050 §3.4)
func Actions(first string, others ...string) *element.Element {
	a := element.New(NSCommands, "actions").Set("execute", first)
	for _, name := range append([]string{first}, others...) {
		a.Add(element.New(NSCommands, name))
	}
	return a
}

// Note is a remark of type info, warn or error. (XEP-0050 §4.3)
func Note(typ, text string) *element.Element {
	return element.New(NSCommands, "note").Set("type", typ).AddText(text)
}
