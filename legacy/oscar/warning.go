package oscar

import (
	"fmt"

	"transport/legacy"
	"transport/legacy/oscar/oscarwire"
)

// warningLevel is the user's own warning level, in tenths of a percent.
type warningLevel struct {
	level uint16
	known bool
}

// onSelfInfo handles 01/0F: the server's description of the user.
func (c *client) onSelfInfo(body []byte) error {
	users, err := oscarwire.ParseUserInfos(body)
	if len(users) > 0 && (!c.profile.warning.known || users[0].Warning < c.profile.warning.level) { // a rise comes with 01/10
		c.profile.warning = warningLevel{users[0].Warning, true}
	}
	return err
}

// onWarned handles 01/10: somebody has warned the user, or the warning level has fallen. A
// high level limits how fast the user may send, and whom their messages reach.
func (c *client) onWarned(body []byte) error {
	m, err := oscarwire.ParseWarned(body)
	if err != nil {
		return err
	}
	before := c.profile.warning.level
	c.profile.warning = warningLevel{m.Level, true}
	by, level := "Somebody", percent(m.Level)
	if m.From != nil && oscarwire.NormalizeScreenName(m.From.Name) != "" {
		by = c.s.net.page.Decode([]byte(m.From.Name))
	}
	switch {
	case m.From != nil || m.Level > before:
		c.emit(legacy.Notice{Text: fmt.Sprintf("%s has warned you on %s. Your warning level is now %s. The higher it is, the slower you may send messages. It falls with time.",
			by, c.s.net.name(), level)})
	case m.Level == 0 && before > 0:
		c.emit(legacy.Notice{Text: "Your warning level on " + c.s.net.name() + " is back to 0 %."})
	}
	return nil
}

// percent formats a warning level.
func percent(level uint16) string {
	if level%10 == 0 {
		return fmt.Sprintf("%d %%", level/10)
	}
	return fmt.Sprintf("%d.%d %%", level/10, level%10)
}
