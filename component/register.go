package component

import (
	"maps"
	"strings"
	"time"

	"mellium.im/xmpp/stanza"

	"transport/component/element"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// trialTimeout is how long the network has to accept new credentials, less than
// an IQ may take.
const trialTimeout = 20 * time.Second

// trial is a registration that is being tried by really signing on.
type trial struct {
	done     func(*stanzaError) // tells the user what came of it, nil for success
	account  registry.Account
	client   string // full JID of the client that registers
	deadline time.Time
	started  bool
}

// onRegister answers in-band registration. (XEP-0077)
func (u *user) onRegister(r *request) {
	switch {
	case r.typ == "get":
		u.reply(r, u.registrationForm())
	case r.payload.Child(xep.NSRegister, "remove") != nil:
		u.onUnregister(r)
	default:
		u.onRegistration(r)
	}
}

// registrationForm is the answer to a get: the form, the plain fields beside it
// where they can hold all that is required, and what is registered already, but
// for secrets. (XEP-0077 §3.1)
func (u *user) registrationForm() *element.Element {
	info := u.c.info
	q := element.New(xep.NSRegister, "query")
	if u.isRegistered() {
		q.Add(element.New(xep.NSRegister, "registered"))
	}
	text := u.instructions()
	q.Add(element.New(xep.NSRegister, "instructions").AddText(text))

	asked := xep.NewForm("form", xep.NSRegister, u.c.cfg.Name, text)
	plain := true
	for _, f := range info.Form {
		value := u.registered(f)
		if !xep.RegisterField(f.Var) {
			plain = plain && !f.Required
		} else {
			x := element.New(xep.NSRegister, f.Var)
			if value != "" {
				x.AddText(value)
			}
			q.Add(x)
		}
		asked.Add(u.registrationField(f))
	}
	if !plain { // only the form can ask for everything (XEP-0077 §4)
		q = withoutFields(q)
	}
	return q.Add(asked)
}

// instructions are those of the registration form. Who is registered reads as whom, what
// to leave empty, and how to unregister with a client that does not offer that.
func (u *user) instructions() string {
	if !u.isRegistered() {
		return u.c.info.Instructions
	}
	text := "You are registered."
	if name := first(u.account.Fields["username"], u.account.Login); name != "" {
		text = "You are registered as " + name + "."
	}
	for _, f := range u.c.info.Form {
		if isSecret(f) && u.account.Fields[f.Var] != "" {
			text += " Leave the password empty to keep the one that is stored."
			break
		}
	}
	return text + " To unregister, if your client has no button for it, write the word unregister to " + u.c.domain + ". " + u.c.info.Instructions
}

// isRegistered reports whether the user has a registration: guests have none.
func (u *user) isRegistered() bool { return u.account != nil && !u.guest }

// registered is what is known of a field, to be filled in for the user: never a
// secret.
func (u *user) registered(f legacy.Field) string {
	if isSecret(f) {
		return ""
	}
	if u.isRegistered() {
		if v, ok := u.account.Fields[f.Var]; ok {
			return v
		}
	}
	return f.Default
}

// registrationField is a field of the form. A secret that we have need not be
// entered again.
func (u *user) registrationField(f legacy.Field) *element.Element {
	f.Required = f.Required && (!u.isRegistered() || !isSecret(f))
	return formField(f, u.registered(f))
}

// withoutFields is a registration query with nothing but its instructions.
func withoutFields(q *element.Element) *element.Element {
	left := element.New(xep.NSRegister, "query")
	for e := range q.Elements() {
		if !xep.RegisterField(e.Name) {
			left.Add(e)
		}
	}
	return left
}

// onRegistration answers a filled-in form: it checks what can be checked at
// once, and tries the rest by signing on. (XEP-0077 §3.1, XEP-0100 §4.1)
func (u *user) onRegistration(r *request) {
	given, cancelled := submitted(r.payload)
	if cancelled { // XEP-0004 §3.1
		u.reply(r, nil)
		return
	}
	u.register(given, func(why *stanzaError) {
		if why != nil {
			u.fail(r, *why)
			return
		}
		u.reply(r, nil)
	})
}

// register tries a registration, or a change of one, and calls done once it is
// known what came of it.
func (u *user) register(given map[string]string, done func(*stanzaError)) {
	if u.trial != nil {
		done(&errRegistrationBusy)
		return
	}
	fields, why := u.mergeFields(given)
	if why != nil {
		done(why)
		return
	}
	login := u.c.cfg.Network.Login(fields)
	ctx, cancel := u.storing()
	defer cancel()
	switch owner, err := u.c.cfg.Registry.AccountByLogin(ctx, u.c.domain, login); {
	case login == "": // the network has no accounts that could be taken twice
	case err == nil && owner != u.bare:
		done(&stanzaError{Type: stanza.Cancel, Condition: stanza.Conflict, Text: "Somebody else has registered this account here.", Field: "username"})
		return
	case err != nil && !isNotFound(err):
		u.log.Error().Err(err).Msg("cannot look up a registration")
		done(&errDatabase)
		return
	}
	if u.isRegistered() && u.block == nil && u.sameFields(fields) {
		done(nil)
		return
	}
	account := registry.Account{Network: u.c.domain, User: u.bare, Login: login, Fields: fields}
	if u.isRegistered() {
		account.Options = u.account.Options
		if u.account.Login == login {
			account.State = u.account.State
		}
	}
	u.trial = &trial{done: done, account: account, client: u.client, deadline: u.c.clock.Now().Add(trialTimeout)}
	u.retryAt = time.Time{}
}

// sameFields reports whether a registration is what it was: the form shows defaults for
// what was never entered, and clients send them.
func (u *user) sameFields(fields map[string]string) bool {
	for _, f := range u.c.info.Form {
		before, entered := u.account.Fields[f.Var]
		if !entered && !isSecret(f) {
			before = f.Default
		}
		if !sameAnswer(f, before, fields[f.Var]) {
			return false
		}
	}
	return true
}

// submitted reads what was filled in: the form if there is one, else the plain
// fields. (XEP-0077 §4)
func submitted(q *element.Element) (fields map[string]string, cancelled bool) {
	fields = make(map[string]string)
	if x := q.Child(xep.NSDataForm, "x"); x != nil {
		for f := range x.Children(xep.NSDataForm, "field") {
			var values []string
			for v := range f.Children(xep.NSDataForm, "value") {
				values = append(values, v.Text())
			}
			fields[f.Attr("var")] = strings.Join(values, "\n")
		}
		return fields, x.Attr("type") == "cancel"
	}
	for e := range q.Children(xep.NSRegister, "") {
		fields[e.Name] = e.Text()
	}
	return fields, false
}

// renewed is the field, if there is one, by whose change secrets must be entered
// again: what is stored would go elsewhere than where it was meant for.
func (u *user) renewed(given map[string]string) string {
	for _, f := range u.c.info.Form {
		if value, ok := given[f.Var]; ok && f.Renews && u.isRegistered() && value != u.account.Fields[f.Var] {
			return f.Label
		}
	}
	return ""
}

// mergeFields completes what was filled in by what is registered, and checks it.
// An empty secret of a registered user stays what it was. (XEP-0077 §3.3)
func (u *user) mergeFields(given map[string]string) (map[string]string, *stanzaError) {
	fields := make(map[string]string)
	renewed := u.renewed(given)
	for _, f := range u.c.info.Form {
		value, ok := given[f.Var]
		if renewed != "" && isSecret(f) && value == "" {
			return nil, &stanzaError{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: renewed + " has changed: enter this again: " + f.Label + ".", Field: f.Var}
		}
		if u.isRegistered() && (!ok || value == "" && isSecret(f)) {
			value = u.account.Fields[f.Var]
		} else if !ok {
			value = f.Default
		}
		if f.Required && value == "" {
			return nil, &stanzaError{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: f.Label + " is missing.", Field: f.Var}
		}
		if most := maxField[f.Type]; len(value) > max(most, maxLine) {
			return nil, &stanzaError{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: f.Label + " is too long.", Field: f.Var}
		}
		if value != "" {
			fields[f.Var] = value
		}
	}
	err := u.c.cfg.Network.Validate(fields)
	if err == nil {
		return fields, nil
	}
	return nil, notAcceptable(err)
}

// The longest answers to registration fields, in bytes.
const maxLine = 1024

var maxField = map[legacy.FieldType]int{legacy.FieldLines: 8 << 10, legacy.FieldSecretLines: 16 << 10}

// steerTrial brings a trial on: first the session of the old credentials must
// end, since most networks allow only one.
func (u *user) steerTrial() {
	switch t, s := u.trial, u.session; {
	case s != nil && !s.trial && !s.ending:
		u.hideAll("")
		u.endSession()
	case s == nil && !t.started:
		t.started = true
		if err := u.startSession(&t.account, true); err != nil {
			u.endTrial(err)
		}
	}
}

// commitTrial stores a registration that the network has accepted. It is false
// when that failed.
func (u *user) commitTrial() bool {
	t := u.trial
	u.trial = nil
	ctx, cancel := u.storing()
	defer cancel()
	if err := u.c.cfg.Registry.PutAccount(ctx, t.account); err != nil {
		u.log.Error().Err(err).Msg("cannot store a registration")
		t.done(&errDatabase)
		u.endSession()
		return false
	}
	u.session.trial = false
	u.account, u.guest, u.guestLeft = &t.account, false, false
	u.block = nil
	u.c.setRegistered(u.bare, true)
	if len(u.resources) == 0 {
		u.graceEnd = u.c.clock.Now().Add(linkGrace) // presence comes once the user has accepted us
	}
	u.log.Info().Msg("registered")
	t.done(nil)
	u.sweep()
	u.applicant = applicant{full: t.client}
	u.offerGateway()
	return true
}

// endTrial gives a registration up and says why. What was registered before, if
// anything, stays in force.
func (u *user) endTrial(err error) {
	t := u.trial
	u.trial = nil
	if s := u.session; s != nil && s.trial {
		u.endSession()
	}
	why := translateError(err)
	switch legacy.KindOf(err) {
	case legacy.Auth: // XEP-0100 §4.1.2
		why.Type, why.Condition = stanza.Modify, stanza.NotAcceptable
	case legacy.Internal:
		u.log.Error().Err(err).Msg("cannot try a registration")
	}
	u.log.Info().Err(err).Msg("a registration was not accepted")
	t.done(&why)
	u.sweep()
}

// onCredentialsChanged stores what the user signs on with from now on.
func (u *user) onCredentialsChanged(fields map[string]string) {
	if !u.isRegistered() {
		return
	}
	account := *u.account
	account.Fields = maps.Clone(account.Fields)
	maps.Copy(account.Fields, fields)
	ctx, cancel := u.storing()
	defer cancel()
	if err := u.c.cfg.Registry.PutAccount(ctx, account); err != nil {
		u.log.Error().Err(err).Msg("cannot store changed credentials")
		u.notify("The gateway cannot store your new password now. Enter it in your registration with this gateway, or else you cannot sign on again.")
	}
	u.account = &account // for this session's successors, whatever is stored
}
