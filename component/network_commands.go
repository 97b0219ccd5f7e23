package component

import (
	"slices"
	"strings"

	"transport/component/body"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
)

// networkCommands returns the network's own commands and the settings of its services and
// rooms.
func (c *Component) networkCommands() []*command {
	var all []*command
	if _, ok := c.cfg.Network.(legacy.Configurer); ok {
		node := "configure"
		if !c.services { // at the gateway, which has settings of its own
			node = "server-configure"
		}
		all = append(all, &command{node: node, name: "Settings of this server", at: atService, who: members, edits: true, start: func(u *user, x *execution) { u.adhoc.askSettings(x) }})
	}
	if c.info.Features.Has(legacy.FeatureRooms) {
		all = append(all, &command{node: "configure", name: "Settings of this room", at: atRoom, who: members, start: func(u *user, x *execution) { u.adhoc.askSettings(x) }})
	}
	places := map[legacy.Place]place{legacy.AtService: atService, legacy.AtPerson: atPerson, legacy.AtRoom: atRoom, legacy.AtGateway: atGateway}
	for _, of := range c.info.Commands {
		cmd := &command{node: of.Name, name: of.Label, at: places[of.At], when: func(u *user) bool { return u.adhoc.isSignedOn() }, start: func(u *user, x *execution) { u.adhoc.askNetwork(x, of) }}
		for _, f := range of.Form {
			cmd.args = append(cmd.args, f.Var)
			cmd.argument = strings.TrimSpace(cmd.argument + " " + strings.ToUpper(f.Var))
		}
		all = append(all, cmd)
	}
	return all
}

// askNetwork asks for the arguments of a network's command and runs it.
func (ad *adhoc) askNetwork(x *execution, of legacy.Command) {
	if len(of.Form) == 0 {
		ad.doNetwork(x, of, nil)
		return
	}
	form := xep.NewForm("form", "", of.Label, "")
	for _, f := range of.Form {
		form.Add(formField(f, f.Default))
	}
	x.ask(form, true, func(u *user, x *execution, values map[string][]string) {
		args := make(map[string]string, len(of.Form))
		for _, f := range of.Form {
			value, given := fieldValue(f, values[f.Var]), len(values[f.Var]) > 0
			if !given {
				value = f.Default
			}
			if args[f.Var] = value; f.Required && value == "" {
				x.askAgain(f.Label+" is missing.", f.Var)
				return
			}
		}
		u.adhoc.doNetwork(x, of, args)
	})
}

func (ad *adhoc) doNetwork(x *execution, of legacy.Command, args map[string]string) {
	commander, ok := ad.u.login.legacySession().(legacy.Commander)
	if !ok {
		x.finish("error", ad.u.login.stateText(), nil)
		return
	}
	err := ad.u.calls.tryQuery(x.request, func(u *user, _ *stanza.Request, ev legacy.Event) {
		done := ev.(legacy.CommandDone)
		if done.Err != nil {
			x.fail(answerError(done.Err))
			return
		}
		form := xep.NewForm("result", "", of.Label, "")
		form.Add(xep.NewField("result", "text-multi", of.Label, strings.Split(done.Text, "\n")...))
		x.finish("info", done.Text, form)
	}, func(ref string) error { return commander.Do(ad.u.ctx, ref, x.peer, of.Name, args) })
	if err != nil {
		x.fail(answerError(err))
	}
}

// rawText sends a message to the network as a raw command, if the network accepts those
// and its service has no address of its own.
func (ad *adhoc) rawText(st *stanza.Inbound) bool {
	if ad.u.c.services || ad.u.login.legacySession() == nil || !slices.ContainsFunc(ad.u.c.info.Commands, func(of legacy.Command) bool { return of.Raw }) {
		return false
	}
	ad.u.outbox.sendTo(st, legacy.Peer{Service: true}, body.Clean(body.Plain(st.Element)))
	return true
}
