package component

import (
	"slices"
	"strings"
	"sync"

	"transport/component/element"
	"transport/component/xep"
)

// capsCache maps the hashes of entity capabilities to features. A verified hash stands
// for the same features in all clients. Any goroutine may use it. (XEP-0115 §5.4)
type capsCache struct {
	mu    sync.Mutex
	known map[string]map[string]bool // hash to features
}

// maxCaps is the most hashes that are cached.
const maxCaps = 1024 // limit: hashes of clients' capabilities | the cache starts anew; clients are asked again

func (a *capsCache) get(ver string) (features map[string]bool, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	features, ok = a.known[ver]
	return features, ok
}

// drop empties the cache. Clients are asked again when they come online.
func (a *capsCache) drop() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.known = nil
}

func (a *capsCache) set(ver string, features map[string]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) >= maxCaps {
		a.known = make(map[string]map[string]bool)
	}
	a.known[ver] = features
}

// queryCaps queries a client's capabilities if its presence has a hash that is not
// cached.
func (cl *clients) queryCaps(full string, presence *element.Element) {
	r, ok := cl.resources[full]
	if !ok {
		return
	}
	x := presence.Child(xep.NSCaps, "c")
	if x == nil || x.Attr("hash") != "sha-1" || x.Attr("ver") == "" || len(x.Attr("ver")) > 64 {
		return
	}
	ver := strings.Clone(x.Attr("ver")) // it outlives the stanza
	if features, known := cl.u.c.capsCache.get(ver); known {
		if r.features == nil || r.queriedVer != ver {
			r.features, r.queriedVer, r.awaiting = features, ver, false
			cl.resources[full] = r
			cl.onCapsKnown(full)
		}
		return
	}
	if r.queriedVer == ver {
		return
	}
	r.queriedVer, r.awaiting = ver, true
	cl.resources[full] = r
	q := element.New(xep.NSDiscoInfo, "query").Set("node", x.Attr("node")+"#"+ver)
	cl.u.calls.sendIQ("get", full, q, func(reply *element.Element) {
		r, online := cl.resources[full]
		if online && r.queriedVer != ver { // the client has changed meanwhile
			return
		}
		r.awaiting = false
		if reply != nil {
			features, verified := readFeatures(reply)
			if r.features = features; verified == ver { // else the result is valid for this client only
				cl.u.c.capsCache.set(ver, features)
			}
		}
		if online {
			cl.resources[full] = r
			cl.onCapsKnown(full)
		}
	})
}

// onCapsKnown is called once a client's capabilities are known.
func (cl *clients) onCapsKnown(full string) {
	if cl.resources[full].features[xep.NSAvatarNotify] {
		cl.u.roster.pushAvatars(full)
	}
	cl.u.poke() // offers may wait for the capabilities
}

// usedFeatures are the features of clients that make a difference to the gateway. Others
// are not stored: an answer can be large.
var usedFeatures = []string{xep.NSAvatarNotify, xep.NSChatStates, xep.NSRosterX}

// readFeatures returns the used features of a disco#info result and its hash.
func readFeatures(reply *element.Element) (features map[string]bool, ver string) {
	features = make(map[string]bool)
	q := reply.Child(xep.NSDiscoInfo, "query")
	if q == nil {
		return features, ""
	}
	for f := range q.Children(xep.NSDiscoInfo, "feature") {
		if i := slices.Index(usedFeatures, f.Attr("var")); i >= 0 {
			features[usedFeatures[i]] = true
		}
	}
	return features, xep.CapsVer(q)
}

// clientsWith returns the full JIDs of the user's clients that support a feature.
func (cl *clients) clientsWith(feature string) []string {
	var full []string
	for jid, r := range cl.resources {
		if r.features[feature] {
			full = append(full, jid)
		}
	}
	if _, online := cl.resources[cl.applicant.full]; !online && cl.applicant.features[feature] {
		full = append(full, cl.applicant.full)
	}
	return full
}

// applicant is the client that has registered. It does not send the gateway presence
// before the gateway is in the roster, but contacts are suggested to it at once.
type applicant struct {
	full            string
	asked, awaiting bool
	features        map[string]bool // what it can do, nil if unknown
}

// queryApplicantCaps queries the capabilities of the client that has registered, once.
// Without an answer in time it counts as having none. (XEP-0030 §3.1)
func (cl *clients) queryApplicantCaps() {
	a := &cl.applicant
	if _, online := cl.resources[a.full]; online || a.full == "" || a.asked {
		return
	}
	a.asked, a.awaiting = true, true
	cl.u.calls.sendIQ("get", a.full, element.New(xep.NSDiscoInfo, "query"), func(reply *element.Element) {
		a.awaiting = false
		if reply != nil {
			a.features, _ = readFeatures(reply)
		}
		cl.u.poke()
	})
}

// cacher is a network with caches that it can do without.
type cacher interface{ DropCaches() }

// dropCaches drops the caches of the network and of all users. A busy actor keeps its own
// until the next sample.
func (c *Component) dropCaches() {
	if n, ok := c.cfg.Network.(cacher); ok {
		n.DropCaches()
	}
	c.capsCache.drop()
	for _, bare := range c.withActor() {
		c.order(bare, func(u *user) {
			u.roster.dropAvatars()
			u.rooms.DropCaches()
		})
	}
}
