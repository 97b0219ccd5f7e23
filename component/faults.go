package component

import (
	"strconv"
	"strings"
)

// fault is a fault of a server software that an upgrade removes.
type fault struct {
	from, before int // versions, as year*100+month
	text         string
}

// ejabberdFaults are the faults of ejabberd's mod_privilege that users of a gateway notice.
var ejabberdFaults = []fault{
	{0, 2310, "it does not write rosters for the gateway, or closes the connection"},
	{2406, 2501, "it drops the queries of the gateway that need no privilege"},
	{0, 2508, "it can lose the answers to upload requests of the gateway"},
}

// ejabberdRemedy is the remedy for all of them.
const ejabberdRemedy = "upgrade ejabberd to 25.08 or later"

// PrivilegeFaults returns the known faults of a server software that grants privileges,
// and their remedy; "" if there are none. (XEP-0092 §2)
func PrivilegeFaults(software, version string) (faults, remedy string) {
	year, rest, _ := strings.Cut(version, ".")
	month, _, _ := strings.Cut(strings.NewReplacer("-", ".", "+", ".").Replace(rest), ".")
	y, err1 := strconv.Atoi(year)
	m, err2 := strconv.Atoi(month)
	if !strings.EqualFold(software, "ejabberd") || err1 != nil || err2 != nil {
		return "", ""
	}
	var all []string
	for _, f := range ejabberdFaults {
		if v := 100*y + m; v >= f.from && v < f.before {
			all = append(all, f.text)
		}
	}
	if all == nil {
		return "", ""
	}
	return strings.Join(all, "; "), ejabberdRemedy
}
