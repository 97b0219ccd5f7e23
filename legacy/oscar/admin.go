package oscar

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

var _ legacy.Commander = (*session)(nil)

// The network-specific commands. (AOL, "Admin")
const (
	commandPassword = "change-password"
	commandEmail    = "change-email"
	commandConfirm  = "confirm-account"
	commandFind     = "find-email"
)

const adminLimit = 20 * time.Second // for one command

// commands returns the network-specific commands for users.
func (n *network) commands() []legacy.Command {
	name := n.name()
	return []legacy.Command{
		{Name: commandPassword, Label: "Change my password on " + name, Form: []legacy.Field{
			{Var: "password", Label: "New password", Type: legacy.FieldSecret, Required: true},
			{Var: "again", Label: "New password again", Type: legacy.FieldSecret, Required: true},
		}},
		{Name: commandEmail, Label: "Change the e-mail address of my account on " + name, Form: []legacy.Field{
			{Var: "email", Label: "E-mail address", Required: true},
		}},
		{Name: commandConfirm, Label: "Confirm my account on " + name},
		{Name: commandFind, Label: "Find somebody on " + name + " by e-mail address", Form: []legacy.Field{
			{Var: "email", Label: "E-mail address", Required: true},
		}},
	}
}

// Do implements legacy.Commander.
func (s *session) Do(_ context.Context, ref string, _ legacy.Peer, command string, args map[string]string) error {
	return s.enqueue(func(c *client) {
		done := func(text string, err error) { c.emit(legacy.CommandDone{Ref: ref, Text: text, Err: err}) }
		switch command {
		case commandPassword:
			c.changePassword(args["password"], args["again"], done)
		case commandEmail:
			mail := strings.TrimSpace(args["email"])
			c.changeAccount(oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagAdminEmail, mail)}, func(_ *client, err error) {
				done(c.s.net.name()+" has accepted the e-mail address "+mail+".", err)
			})
		case commandConfirm:
			c.confirmAccount(done)
		case commandFind:
			c.findByCommand(strings.TrimSpace(args["email"]), done)
		default:
			done("", legacy.Errorf(legacy.Unsupported, "There is no such command."))
		}
	})
}

// changePassword changes the account's password on the network and emits
// CredentialsChanged, so that the core stores it.
func (c *client) changePassword(password, again string, done func(string, error)) {
	switch {
	case password != again:
		done("", &legacy.FieldError{Var: "again", Text: "The two passwords differ. Nothing was changed."})
		return
	case password == "" || len(password) > maxPassword:
		done("", &legacy.FieldError{Var: "password", Text: "The password is empty or too long for this network. Nothing was changed."})
		return
	}
	change := oscarwire.TLVs{oscarwire.TLVText(oscarwire.TagAdminNewPassword, password), oscarwire.TLVText(oscarwire.TagAdminOldPassword, c.s.password)}
	c.changeAccount(change, func(c *client, err error) {
		if err == nil {
			c.s.password = password
			c.emit(legacy.CredentialsChanged{Fields: map[string]string{"password": password}})
		}
		done("Your password on "+c.s.net.name()+" is changed. The gateway uses the new password.", err)
	})
}

// changeAccount requests a change of the account. (07/04)
func (c *client) changeAccount(change oscarwire.TLVs, then func(*client, error)) {
	c.withService(oscarwire.FamilyAdmin, adminLimit, func(ctx context.Context, v *client) error {
		snac, err := v.ask(ctx, oscarwire.AdminChange, change, oscarwire.AdminChangeReply)
		if err != nil {
			return err
		}
		answer, err := oscarwire.ParseAdminAnswer(snac.Body)
		if err != nil {
			return v.s.net.garbled(err)
		}
		return answer.Err()
	}, func(c *client, err error) { then(c, c.s.net.adminError(err)) })
}

// confirmAccount requests the confirmation of the account. (07/06)
func (c *client) confirmAccount(done func(string, error)) {
	status := oscarwire.ConfirmCannot
	c.withService(oscarwire.FamilyAdmin, adminLimit, func(ctx context.Context, v *client) error {
		snac, err := v.ask(ctx, oscarwire.AdminConfirm, nil, oscarwire.AdminConfirmReply)
		if err != nil {
			return err
		}
		m, err := oscarwire.ParseAdminConfirmation(snac.Body)
		if status = m.Status; err != nil {
			return v.s.net.garbled(err)
		}
		return nil
	}, func(c *client, err error) {
		text := ""
		switch {
		case err != nil:
		case status == oscarwire.ConfirmMailed:
			text = "Your account is confirmed, or you will get an e-mail with instructions at the address of your account."
		case status == oscarwire.ConfirmAlready:
			text = "Your account is already confirmed."
		default:
			err = legacy.Errorf(legacy.Forbidden, "%s cannot confirm your account now. Check that the account has an e-mail address.", c.s.net.name())
		}
		done(text, c.s.net.adminError(err))
	})
}

// adminError converts the error of an account change to one for the user.
func (n *network) adminError(err error) error {
	var code oscarwire.AdminCode
	if !errors.As(err, &code) {
		if err != nil && !errors.As(err, new(*legacy.Error)) {
			return n.lost(err)
		}
		return err
	}
	is := func(text string) error { return legacy.Wrap(legacy.Forbidden, code, text+" Nothing was changed.") }
	switch code {
	case oscarwire.AdminWrongPassword, oscarwire.AdminWrongOldPassword, oscarwire.AdminOldPasswordLength:
		return is(n.name() + " rejected the old password that is stored at the gateway.")
	case oscarwire.AdminBadPassword, oscarwire.AdminPasswordLength:
		return &legacy.FieldError{Var: "password", Text: n.name() + " does not accept this password: it is too short, too long, or contains invalid characters. Nothing was changed."}
	case oscarwire.AdminBadEmail, oscarwire.AdminEmailLength, oscarwire.AdminBadEmailHost, oscarwire.AdminBadEmailName:
		return &legacy.FieldError{Var: "email", Text: n.name() + " does not accept this e-mail address. Nothing was changed."}
	case oscarwire.AdminPending:
		return is("An earlier change is still pending.")
	case oscarwire.AdminNoEmail:
		return is("The account has no e-mail address.")
	}
	return is(n.name() + " cannot do that now.")
}

// findByCommand looks up a user by e-mail address for a command.
func (c *client) findByCommand(email string, done func(string, error)) {
	c.directory.search(map[string]string{"email": email}, func(found legacy.SearchFinished) {
		if len(found.Results) == 0 && (found.Err == nil || legacy.KindOf(found.Err) == legacy.NotFound) {
			done("Nobody has this e-mail address.", nil)
			return
		}
		var b strings.Builder
		for _, r := range found.Results {
			fmt.Fprintf(&b, "%s %s\n", r.Peer.ID, strings.TrimSpace(r.Profile.Nick+" "+r.Profile.First+" "+r.Profile.Last))
		}
		done(strings.TrimSpace(b.String()), found.Err)
	})
}
