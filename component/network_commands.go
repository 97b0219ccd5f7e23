package component

import (
	"slices"
	"strings"

	"transport/component/xep"
	"transport/legacy"
)

// networkCommands are the commands of the network's own, and the settings of its
// services and rooms.
func (c *Component) networkCommands() []*command {
	var all []*command
	if _, ok := c.cfg.Network.(legacy.Configurer); ok {
		node := "configure"
		if !c.services { // at the gateway, which has settings of its own
			node = "server-configure"
		}
		all = append(all, &command{node: node, name: "Settings of this server", at: atService, who: members, edits: true, ask: (*user).askSettings})
	}
	if c.info.Features.Has(legacy.FeatureRooms) {
		all = append(all, &command{node: "configure", name: "Settings of this room", at: atRoom, who: members, ask: (*user).askSettings})
	}
	places := map[legacy.Place]place{legacy.AtService: atService, legacy.AtPerson: atPerson, legacy.AtRoom: atRoom, legacy.AtGateway: atGateway}
	for _, of := range c.info.Commands {
		cmd := &command{node: of.Name, name: of.Label, at: places[of.At], when: (*user).isSignedOn, ask: func(u *user, x *execution) { u.askNetwork(x, of) }}
		for _, f := range of.Form {
			cmd.args = append(cmd.args, f.Var)
			cmd.argument = strings.TrimSpace(cmd.argument + " " + strings.ToUpper(f.Var))
		}
		all = append(all, cmd)
	}
	return all
}

// askNetwork asks for what a command of the network's needs, and has it carried out.
func (u *user) askNetwork(x *execution, of legacy.Command) {
	if len(of.Form) == 0 {
		u.doNetwork(x, of, nil)
		return
	}
	form := xep.NewForm("form", "", of.Label, "")
	for _, f := range of.Form {
		form.Add(formField(f, f.Default))
	}
	u.questions(x, form, true, func(u *user, x *execution, values map[string][]string) {
		args := make(map[string]string, len(of.Form))
		for _, f := range of.Form {
			value, given := fieldValue(f, values[f.Var]), len(values[f.Var]) > 0
			if !given {
				value = f.Default
			}
			if args[f.Var] = value; f.Required && value == "" {
				u.showAgain(x, f.Label+" is missing.", f.Var)
				return
			}
		}
		u.doNetwork(x, of, args)
	})
}

func (u *user) doNetwork(x *execution, of legacy.Command, args map[string]string) {
	commander, ok := u.legacySession().(legacy.Commander)
	if !ok {
		u.complete(x, "error", u.stateText(), nil)
		return
	}
	err := u.lookUp(x.request, func(u *user, _ *request, ev legacy.Event) {
		done := ev.(legacy.CommandDone)
		if done.Err != nil {
			u.refuse(x, answerError(done.Err))
			return
		}
		form := xep.NewForm("result", "", of.Label, "")
		form.Add(xep.NewField("result", "text-multi", of.Label, strings.Split(done.Text, "\n")...))
		u.complete(x, "info", done.Text, form)
	}, func(ref string) error { return commander.Do(u.ctx, ref, x.peer, of.Name, args) })
	if err != nil {
		u.refuse(x, answerError(err))
	}
}

// rawText sends what was written to the gateway itself, if the network takes whatever
// is written to its service and that has no address of its own.
func (u *user) rawText(st *inbound) bool {
	if u.c.services || u.legacySession() == nil || !slices.ContainsFunc(u.c.info.Commands, func(of legacy.Command) bool { return of.Raw }) {
		return false
	}
	u.sendTo(st, legacy.Peer{Service: true}, cleanText(plainText(st.Element)))
	return true
}
