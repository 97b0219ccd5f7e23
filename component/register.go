package component

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"transport/component/address"
	"transport/component/element"
	"transport/component/stanza"
	"transport/component/xep"
	"transport/legacy"
	"transport/registry"
)

// registrationTimeout is the time in which the network must accept new credentials. It is
// less than requestTime.
const registrationTimeout = 20 * time.Second

// pendingRegistration is a registration that waits for the network to accept its
// credentials in a sign-on.
type pendingRegistration struct {
	done     func(*stanza.Error) // reports the result to the user, nil for success
	account  registry.Account
	client   string // full JID of the client that registers
	deadline time.Time
	started  bool
}

// onRegister answers the IQs of in-band registration. (XEP-0077)
func (ac *account) onRegister(r *stanza.Request) {
	switch {
	case r.Type == "get":
		r.Reply(ac.registrationForm())
	case r.Payload.Child(xep.NSRegister, "remove") != nil:
		ac.onUnregister(r)
	default:
		ac.onRegistration(r)
	}
}

// registrationForm returns the registration form, and the legacy fields beside it if they
// can express all required values. It is filled in with the current registration, secrets
// excepted. (XEP-0077 §3.1)
func (ac *account) registrationForm() *element.Element {
	info := ac.u.c.info
	q := element.New(xep.NSRegister, "query")
	if ac.isRegistered() {
		q.Add(element.New(xep.NSRegister, "registered"))
	}
	text := ac.instructions()
	q.Add(element.New(xep.NSRegister, "instructions").AddText(text))

	asked := xep.NewForm("form", xep.NSRegister, ac.u.c.cfg.Name, text)
	plain := true
	for _, f := range info.Form {
		value := ac.registered(f)
		if !xep.RegisterField(f.Var) {
			plain = plain && !f.Required
		} else {
			x := element.New(xep.NSRegister, f.Var)
			if value != "" {
				x.AddText(value)
			}
			q.Add(x)
		}
		asked.Add(ac.registrationField(f))
	}
	if !plain { // only the form can ask for everything (XEP-0077 §4)
		q = withoutFields(q)
	}
	return q.Add(asked)
}

// instructions returns the instructions of the registration form. A registered user also
// reads the account's name and how to unregister.
func (ac *account) instructions() string {
	if !ac.isRegistered() {
		return ac.u.c.info.Instructions
	}
	text := "You are registered."
	if name := cmp.Or(ac.row.Fields["username"], ac.row.Login); name != "" {
		text = "You are registered as " + name + "."
	}
	for _, f := range ac.u.c.info.Form {
		if isSecret(f) && ac.row.Fields[f.Var] != "" {
			text += " Leave the password empty to keep the one that is stored."
			break
		}
	}
	return text + " To unregister, if your client has no button for it, write the word unregister to " + ac.u.c.domain + ". " + ac.u.c.info.Instructions
}

// isRegistered reports whether the user has a registration. Guests have none.
func (ac *account) isRegistered() bool { return ac.row != nil && !ac.guest }

// registered returns the registered value of a field, its default if there is none, and
// never a secret.
func (ac *account) registered(f legacy.Field) string {
	if isSecret(f) {
		return ""
	}
	if ac.isRegistered() {
		if v, ok := ac.row.Fields[f.Var]; ok {
			return v
		}
	}
	return f.Default
}

// registrationField returns a field of the form. A stored secret is not required again.
func (ac *account) registrationField(f legacy.Field) *element.Element {
	f.Required = f.Required && (!ac.isRegistered() || !isSecret(f))
	return formField(f, ac.registered(f))
}

// withoutFields returns a registration query without its legacy fields.
func withoutFields(q *element.Element) *element.Element {
	left := element.New(xep.NSRegister, "query")
	for e := range q.Elements() {
		if !xep.RegisterField(e.Name) {
			left.Add(e)
		}
	}
	return left
}

// onRegistration handles a submitted form: it validates the fields and verifies the
// credentials by signing on. (XEP-0077 §3.1, XEP-0100 §4.1)
func (ac *account) onRegistration(r *stanza.Request) {
	given, cancelled := submitted(r.Payload)
	if cancelled { // XEP-0004 §3.1
		r.Reply(nil)
		return
	}
	ac.register(given, func(why *stanza.Error) {
		if why != nil {
			r.Fail(*why)
			return
		}
		r.Reply(nil)
	})
}

// register creates or changes a registration and calls done with the result.
func (ac *account) register(given map[string]string, done func(*stanza.Error)) {
	if ac.u.login.registering() {
		done(&stanza.ErrRegistrationBusy)
		return
	}
	if !ac.isRegistered() && ac.u.c.cfg.Memory.short(memoryNewcomers) {
		done(&errMemory)
		return
	}
	fields, why := ac.mergeFields(given)
	if why != nil {
		done(why)
		return
	}
	if why = ac.u.c.mayRegister(ac.u.bare); why != nil {
		done(why)
		return
	}
	login := ac.u.c.cfg.Network.Login(fields)
	ctx, cancel := ac.u.storing()
	defer cancel()
	switch owner, err := ac.u.c.cfg.Registry.AccountByLogin(ctx, ac.u.c.domain, login); {
	case login == "": // the network has no accounts that could be taken twice
	case err == nil && owner != ac.u.bare:
		done(&stanza.Error{Type: stanza.Cancel, Condition: stanza.Conflict, Text: "Somebody else has registered this account here.", Field: "username"})
		return
	case err != nil && !isNotFound(err):
		ac.u.log.Error().Err(err).Msg("cannot look up a registration")
		done(&stanza.ErrDatabase)
		return
	}
	if ac.isRegistered() && ac.fault == nil && ac.u.login.signOnError() == nil && ac.sameFields(fields) {
		done(nil)
		return
	}
	if err := ac.u.c.attempts.refuse(ac.u.bare); err != nil && login != "" { // a sign-on would fail
		why := stanza.Translate(err)
		done(&why)
		return
	}
	account := registry.Account{Network: ac.u.c.domain, User: ac.u.bare, Login: login, Fields: fields}
	if ac.isRegistered() {
		account.Options, account.State = ac.row.Options, []byte{} // of another account nothing is kept
		if ac.row.Login == login {
			account.State = ac.row.State
		}
	}
	ac.u.login.beginRegistration(&pendingRegistration{done: done, account: account, client: ac.u.clients.sender(), deadline: ac.u.c.clock.Now().Add(registrationTimeout)})
}

// sameFields reports whether submitted fields equal the registration. A field that was
// never entered equals its default, since clients submit the defaults that the form
// shows.
func (ac *account) sameFields(fields map[string]string) bool {
	for _, f := range ac.u.c.info.Form {
		before, entered := ac.row.Fields[f.Var]
		if !entered && !isSecret(f) {
			before = f.Default
		}
		if !sameAnswer(f, before, fields[f.Var]) {
			return false
		}
	}
	return true
}

// submitted reads the submitted fields: from the data form if there is one, else from the
// legacy fields. (XEP-0077 §4)
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

// renewed returns the label of a changed field that requires the secrets to be entered
// again, since they would be sent to another server than they were entered for.
func (ac *account) renewed(given map[string]string) string {
	for _, f := range ac.u.c.info.Form {
		if value, ok := given[f.Var]; ok && f.Renews && ac.isRegistered() && value != ac.row.Fields[f.Var] {
			return f.Label
		}
	}
	return ""
}

// mergeFields completes submitted fields with the registered ones and validates them. An
// empty secret keeps its stored value. (XEP-0077 §3.3)
func (ac *account) mergeFields(given map[string]string) (map[string]string, *stanza.Error) {
	fields := make(map[string]string)
	renewed := ac.renewed(given)
	for _, f := range ac.u.c.info.Form {
		value, ok := given[f.Var]
		if renewed != "" && isSecret(f) && value == "" {
			return nil, &stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: renewed + " has changed. Enter this again: " + f.Label + ".", Field: f.Var}
		}
		if ac.isRegistered() && (!ok || value == "" && isSecret(f)) {
			value = ac.row.Fields[f.Var]
		} else if !ok {
			value = f.Default
		}
		if f.Required && value == "" {
			return nil, &stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: f.Label + " is missing.", Field: f.Var}
		}
		if most := maxField[f.Type]; len(value) > max(most, maxLine) {
			return nil, &stanza.Error{Type: stanza.Modify, Condition: stanza.NotAcceptable, Text: f.Label + " is too long.", Field: f.Var}
		}
		if value != "" {
			fields[f.Var] = value
		}
	}
	err := ac.u.c.cfg.Network.Validate(fields)
	if err == nil {
		return fields, nil
	}
	return nil, notAcceptable(err)
}

// maxLine is the longest value of a registration field, in bytes.
const maxLine = 1024 // limit: bytes of a field of a form | not-acceptable

var maxField = map[legacy.FieldType]int{legacy.FieldLines: 8 << 10, legacy.FieldSecretLines: 16 << 10} // limit: bytes of a field of several lines: by its type | not-acceptable

// advanceRegistration starts the session of a pending registration, once the session with
// the old credentials has ended: most networks permit only one.
func (lg *login) advanceRegistration() {
	switch t, s := lg.pending, lg.session; {
	case s != nil && !s.registers && !s.ending:
		lg.u.roster.hideAll("")
		lg.endSession()
	case s == nil && !t.started:
		t.started = true
		if err := lg.startSession(&t.account, true); err != nil {
			lg.abortRegistration(err)
		}
	}
}

// commitRegistration stores a registration that the network has accepted. It returns
// false if that failed.
func (lg *login) commitRegistration() bool {
	t := lg.pending
	lg.pending = nil
	ctx, cancel := lg.u.storing()
	defer cancel()
	if err := lg.u.c.cfg.Registry.PutAccount(ctx, t.account); err != nil {
		lg.u.log.Error().Err(err).Msg("cannot store a registration")
		t.done(&stanza.ErrDatabase)
		lg.endSession()
		return false
	}
	lg.session.registers = false
	lg.u.account.take(&t.account)
	lg.signOnErr = nil
	lg.u.c.setRegistered(lg.u.bare, true)
	if !lg.u.clients.busy() {
		lg.graceEnd = lg.u.c.clock.Now().Add(linkGrace) // presence comes once the user has accepted us
	}
	lg.u.log.Info().Msg("registered")
	t.done(nil)
	lg.u.calls.sweep()
	lg.u.clients.setApplicant(t.client)
	lg.u.roster.offerGateway()
	return true
}

// abortRegistration rejects the pending registration with an error. An earlier
// registration stays valid.
func (lg *login) abortRegistration(err error) {
	t := lg.pending
	lg.pending = nil
	if s := lg.session; s != nil && s.registers {
		lg.endSession()
	}
	why := stanza.Translate(err)
	switch legacy.KindOf(err) {
	case legacy.Auth: // XEP-0100 §4.1.2
		why.Type, why.Condition = stanza.Modify, stanza.NotAcceptable
	case legacy.Internal:
		lg.u.log.Error().Err(err).Msg("cannot verify a registration")
	}
	lg.u.log.Info().Err(err).Msg("registration rejected")
	t.done(&why)
	lg.u.calls.sweep()
}

// onCredentialsChanged stores credentials that were changed on the network.
func (lg *login) onCredentialsChanged(fields map[string]string) {
	if !lg.u.account.isRegistered() {
		return
	}
	account := lg.u.account.stored()
	account.Fields = maps.Clone(account.Fields)
	maps.Copy(account.Fields, fields)
	ctx, cancel := lg.u.storing()
	defer cancel()
	if err := lg.u.c.cfg.Registry.PutAccount(ctx, account); err != nil {
		lg.u.log.Error().Err(err).Msg("cannot store changed credentials")
		lg.u.notify("The gateway cannot store your new password now. Enter it in your registration with this gateway, or else you cannot sign on again.")
	}
	lg.u.account.take(&account) // for this session's successors, whatever is stored
}

// Anybody can run a server with any number of users.
const maxStrangers = 1000 // limit: registered users of one XMPP server that the policy does not name | `resource-constraint`

// mayRegister returns the error of a new user for whom there is no place, nil if there is one.
func (c *Component) mayRegister(user string) *stanza.Error {
	jid, err := address.Parse(user)
	if err != nil || c.isRegistered(user) {
		return nil
	}
	if p := c.policy.Load(); listed(p.Admins, jid) || listed(slices.DeleteFunc(slices.Clone(p.Allow), func(entry string) bool { return entry == everybody }), jid) {
		return nil
	}
	if c.registeredAt(jid.Domain) < maxStrangers {
		return nil
	}
	return &stanza.Error{Type: stanza.Wait, Condition: stanza.ResourceConstraint,
		Text: "Too many users of " + jid.Domain + " have registered with this gateway. Its administrator can admit more."}
}
