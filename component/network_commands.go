package component

import (
	"strings"

	"transport/component/adhoc"
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
		if !c.info.Services { // at the gateway, which has settings of its own
			node = "server-configure"
		}
		all = append(all, &command{Node: node, Name: "Settings of this server", At: adhoc.AtService, Who: adhoc.Members, Edits: true, Start: func(u *user, x *execution) { u.commands.askSettings(x) }})
	}
	if c.info.Features.Has(legacy.FeatureRooms) {
		all = append(all, &command{Node: "configure", Name: "Settings of this room", At: adhoc.AtRoom, Who: adhoc.Members, Start: func(u *user, x *execution) { u.commands.askSettings(x) }})
	}
	places := map[legacy.Place]adhoc.Place{legacy.AtService: adhoc.AtService, legacy.AtPerson: adhoc.AtPerson, legacy.AtRoom: adhoc.AtRoom, legacy.AtGateway: adhoc.AtGateway}
	for _, of := range c.info.Commands {
		cmd := &command{Node: of.Name, Name: of.Label, At: places[of.At], When: func(u *user) bool { return u.commands.isSignedOn() }, Start: func(u *user, x *execution) { u.commands.askNetwork(x, of) }}
		for _, f := range of.Form {
			cmd.Args = append(cmd.Args, f.Var)
			cmd.Argument = strings.TrimSpace(cmd.Argument + " " + strings.ToUpper(f.Var))
		}
		all = append(all, cmd)
	}
	return all
}

// askNetwork asks for the arguments of a network's command and runs it.
func (cm *commands) askNetwork(x *execution, of legacy.Command) {
	if len(of.Form) == 0 {
		cm.doNetwork(x, of, nil)
		return
	}
	form := xep.NewForm("form", "", of.Label, "")
	for _, f := range of.Form {
		form.Add(formField(f, f.Default))
	}
	x.Ask(form, true, func(values xep.Answers) {
		args := make(map[string]string, len(of.Form))
		for _, f := range of.Form {
			value, given := fieldValue(f, values[f.Var]), len(values[f.Var]) > 0
			if !given {
				value = f.Default
			}
			if args[f.Var] = value; f.Required && value == "" {
				x.AskAgain(f.Label+" is missing.", f.Var)
				return
			}
		}
		cm.doNetwork(x, of, args)
	})
}

func (cm *commands) doNetwork(x *execution, of legacy.Command, args map[string]string) {
	commander, ok := cm.u.login.legacySession().(legacy.Commander)
	if !ok {
		x.Finish("error", cm.u.login.stateText(), nil)
		return
	}
	err := cm.u.calls.tryQuery(x.Request, func(u *user, _ *stanza.Request, ev legacy.Event) {
		done := ev.(legacy.CommandDone)
		if done.Err != nil {
			x.Fail(answerError(done.Err))
			return
		}
		form := xep.NewForm("result", "", of.Label, "")
		form.Add(xep.NewField("result", "text-multi", of.Label, strings.Split(done.Text, "\n")...))
		x.Finish("info", done.Text, form)
	}, func(ref string) error { return commander.Do(cm.u.ctx, ref, x.Peer, of.Name, args) })
	if err != nil {
		x.Fail(answerError(err))
	}
}
