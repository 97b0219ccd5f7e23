package oscarmock

import (
	"strings"

	"transport/legacy/oscar/oscarwire"
)

// maxPassword is the maximum length of a new password in bytes.
const maxPassword = 16

// serveAdmin handles a SNAC on a connection of family 07: account administration. (AOL,
// "Admin")
func (s *session) serveAdmin(snac oscarwire.SNAC) error {
	a := s.account
	switch snac.ID {
	case oscarwire.AdminChange:
		l, err := oscarwire.ParseTLVs(snac.Body)
		if err != nil {
			return err
		}
		answer := oscarwire.AdminAnswer{Permissions: 3}
		tag, code := s.changeAccount(l)
		if tag == 0 {
			s.fail(snac, oscarwire.CodeNotSupported)
			return nil
		}
		answer.TLVs = oscarwire.TLVs{oscarwire.TLVBytes(tag, nil)}
		if code != 0 {
			answer.TLVs = append(answer.TLVs, oscarwire.TLV16(oscarwire.TagAdminError, uint16(code)))
		}
		s.send(oscarwire.AdminChangeReply, snac.RequestID, answer)
	case oscarwire.AdminConfirm:
		status := oscarwire.ConfirmMailed
		switch {
		case a.Email == "":
			status = oscarwire.ConfirmCannot
		case a.confirmed:
			status = oscarwire.ConfirmAlready
		}
		a.confirmed = a.confirmed || status == oscarwire.ConfirmMailed
		s.send(oscarwire.AdminConfirmReply, snac.RequestID, oscarwire.AdminConfirmation{Status: status})
	default:
		s.serveCommon(snac)
	}
	return nil
}

// changeAccount makes the change in 07/04. tag is that of the changed value, 0 for an
// unknown one; code is the reason of a refusal, 0 on success.
func (s *session) changeAccount(l oscarwire.TLVs) (tag uint16, code oscarwire.AdminCode) {
	a := s.account
	if mail, ok := l.String(oscarwire.TagAdminEmail); ok {
		if !strings.Contains(mail, "@") {
			return oscarwire.TagAdminEmail, oscarwire.AdminBadEmail
		}
		a.Email = mail
		return oscarwire.TagAdminEmail, 0
	}
	password, ok := l.String(oscarwire.TagAdminNewPassword)
	if !ok {
		return 0, 0
	}
	tag = oscarwire.TagAdminNewPassword
	old, _ := l.String(oscarwire.TagAdminOldPassword)
	switch {
	case old != a.Password:
		return tag, oscarwire.AdminWrongPassword
	case password == "" || len(password) > maxPassword:
		return tag, oscarwire.AdminPasswordLength
	}
	a.Password = password
	return tag, 0
}
