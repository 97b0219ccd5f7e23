package component_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"transport/component"
	"transport/component/element"
	"transport/legacy"
	"transport/legacy/legacytest"
)

// city is a network with everything that roomy lacks: settings, lists, commands,
// reactions, formatting, and with services parts with addresses of their own.
type city struct {
	roomy
	services bool
}

func newCity(asked chan string) func(legacy.Network) legacy.Network {
	return func(n legacy.Network) legacy.Network { return city{roomy{n, asked}, false} }
}

func newCityOfServices(asked chan string) func(legacy.Network) legacy.Network {
	return func(n legacy.Network) legacy.Network { return city{roomy{n, asked}, true} }
}

var (
	_ legacy.Configurer       = city{}
	_ legacy.OccupantNamer    = city{}
	_ legacy.RoomConfigurer   = citySession{}
	_ legacy.RoomLister       = citySession{}
	_ legacy.RoomReactor      = citySession{}
	_ legacy.RoomTyper        = citySession{}
	_ legacy.ReadMarker       = citySession{}
	_ legacy.MessageRetractor = citySession{}
	_ legacy.Commander        = citySession{}
	_ legacy.Reconfigurer     = citySession{}
	_ legacy.Watcher          = citySession{}
)

func (n city) Info() legacy.Info {
	info := n.roomy.Info()
	info.Features &^= legacy.FeatureRoster | legacy.FeatureTyping
	info.Features |= legacy.FeatureNicks | legacy.FeatureRoomConfig | legacy.FeatureRoomList | legacy.FeatureRoomReactions | legacy.FeatureRoomTyping | legacy.FeatureRetraction | legacy.FeatureWatch | legacy.FeatureMarkup
	info.Services = n.services
	info.Form = append(info.Form, legacy.Field{Var: legacy.RoomsField, Label: "Rooms", Type: legacy.FieldLines})
	info.Commands = []legacy.Command{
		{Name: "whois", Label: "Who is this", At: legacy.AtPerson},
		{Name: "knock", Label: "Knock", At: legacy.AtRoom, Form: []legacy.Field{
			{Var: "text", Label: "What to say", Required: true}, {Var: "times", Label: "How often", Default: "3"}}},
		{Name: "raw", Label: "A line", At: legacy.AtService, Raw: true, Form: []legacy.Field{{Var: "line", Label: "The line", Required: true}}},
	}
	return info
}

// ParsePeer knows rooms and people of services, after a percent sign, and the services
// themselves, by their ending.
func (n city) ParsePeer(name string) (legacy.Peer, error) {
	if !n.services {
		return n.roomy.ParsePeer(name)
	}
	local, service, found := strings.Cut(name, "%")
	switch {
	case !found && strings.HasSuffix(name, ".net"):
		return legacy.Peer{ID: name, Service: true}, nil
	case !found:
		return legacy.Peer{}, legacy.Errorf(legacy.NotFound, "An address is name%%service.net.")
	}
	p, err := n.roomy.ParsePeer(local)
	p.ID += "%" + service
	return p, err
}

func (n city) OccupantName(room legacy.Peer, nick string) string {
	if _, service, found := strings.Cut(room.ID, "%"); found {
		return nick + "%" + service
	}
	return nick
}

// Validate takes the nicks of guests, whatever ParsePeer knows.
func (n city) Validate(fields map[string]string) error {
	return n.roomy.Validate(fields)
}

func (n city) Settings(p legacy.Peer) []legacy.Field {
	switch {
	case p.Room:
		return []legacy.Field{{Var: "encoding", Label: "Encoding", Type: legacy.FieldList, Default: "utf-8",
			Options: []legacy.Option{{Label: "UTF-8", Value: "utf-8"}, {Label: "Latin", Value: "latin1"}}}}
	case p.Service, p.ID == "":
		return []legacy.Field{{Var: "nick", Label: "Nick"}, {Var: "key", Label: "Key", Type: legacy.FieldSecret},
			{Var: "perform", Label: "On connecting", Type: legacy.FieldLines}, {Var: "certificate", Label: "Certificate", Type: legacy.FieldSecretLines}}
	}
	return nil
}

func (n city) ValidateSettings(_ legacy.Peer, values map[string]string) error {
	if strings.Contains(values["nick"], " ") {
		return &legacy.FieldError{Var: "nick", Text: "A nick has no spaces."}
	}
	return nil
}

func (n city) NewSession(a legacy.Account, env legacy.Env) (legacy.Session, error) {
	if len(a.Settings) > 0 {
		_ = roomySession{nil, n.asked}.say("settings %v", a.Settings)
	}
	s, err := n.roomy.NewSession(a, env)
	if err != nil {
		return nil, err
	}
	return citySession{s.(roomySession)}, nil
}

type citySession struct{ roomySession }

func (s citySession) RequestRoomConfig(_ context.Context, ref string, r legacy.Peer) error {
	return s.say("config %s %s", ref, r.ID)
}
func (s citySession) SetRoomConfig(_ context.Context, ref string, r legacy.Peer, c legacy.RoomConfig) error {
	return s.say("set %s %s %+v", ref, r.ID, c)
}
func (s citySession) RequestBans(_ context.Context, ref string, r legacy.Peer) error {
	return s.say("bans %s %s", ref, r.ID)
}
func (s citySession) SetBan(_ context.Context, ref string, r legacy.Peer, mask string, banned bool) error {
	return s.say("ban %s %s %s %t", ref, r.ID, mask, banned)
}
func (s citySession) ListRooms(_ context.Context, ref string, service legacy.Peer) error {
	return s.say("list %s %q", ref, service.ID)
}
func (s citySession) React(_ context.Context, r legacy.Peer, id string, emojis []string) error {
	return s.say("react %s %s %q", r.ID, id, emojis)
}
func (s citySession) Redact(_ context.Context, ref string, r legacy.Peer, id, reason string) error {
	return s.say("redact %s %s %s %q", ref, r.ID, id, reason)
}
func (s citySession) SetRoomTyping(_ context.Context, r legacy.Peer, t legacy.Typing) error {
	return s.say("typing %s %d", r.ID, t)
}
func (s citySession) MarkRead(_ context.Context, p legacy.Peer, mark time.Time) error {
	return s.say("read %s %s", p.ID, mark.UTC().Format(time.RFC3339))
}
func (s citySession) Do(_ context.Context, ref string, at legacy.Peer, command string, args map[string]string) error {
	return s.say("do %s %q %s %v", ref, at.ID, command, args)
}
func (s citySession) Reconfigure(p legacy.Peer, values map[string]string) {
	_ = s.say("reconfigure %q %v", p.ID, values)
}
func (s citySession) Watch(_ context.Context, p legacy.Peer, on bool) error {
	return s.say("watch %s %t", p.ID, on)
}

// hear expects that the network was asked for something. An asterisk in want stands
// for a word, the first of which is returned: the ref.
func (w *world) hear(asked chan string, want string) string {
	w.t.Helper()
	w.settle()
	select {
	case got := <-asked:
		words, ref := strings.Split(want, " "), ""
		for i, word := range strings.SplitN(got, " ", len(words)) {
			switch {
			case words[i] != "*":
			case ref == "":
				ref, words[i] = word, word
			default:
				words[i] = word
			}
		}
		if strings.Join(words, " ") != got {
			w.t.Fatalf("the network was asked for %q, want %q", got, want)
		}
		return ref
	default:
		w.t.Fatalf("the network was not asked for %q", want)
		return ""
	}
}

// hearAny is what the network was asked for.
func (w *world) hearAny(asked chan string) string {
	w.t.Helper()
	w.settle()
	select {
	case got := <-asked:
		return got
	default:
		w.t.Fatal("the network was not asked for anything")
		return ""
	}
}

// nothingAsked expects that the network was not asked for anything.
func (w *world) nothingAsked(asked chan string) {
	w.t.Helper()
	w.settle()
	select {
	case got := <-asked:
		w.t.Fatalf("the network was asked for %q", got)
	default:
	}
}

// silence is an Echo on which nobody answers.
var silence = legacytest.Options{Silent: true}

// keeping is a configuration with an archive.
func keeping(c *component.Config) { c.History = component.History{Keep: 24 * 3600e9, Lines: 1000} }

// enter brings a client of a registered user, who is signed on, into the club.
func (w *world) enter(h *legacytest.Handle, asked chan string, full string, joined legacy.RoomJoined) {
	w.t.Helper()
	joined.Room = clubPeer
	if joined.Nick == "" {
		joined.Nick = "alice"
	}
	w.Send("<presence from='" + full + "' to='" + club + "/alice'>" + nsMUC + "</presence>")
	w.hear(asked, "join #club ")
	joined.Occupants = append(joined.Occupants, legacy.Occupant{Nick: joined.Nick})
	w.emit(h, joined)
	w.Take()
}

// groupchat sends a message to the club.
func (w *world) groupchat(from, id, children string) {
	w.t.Helper()
	w.Send("<message type='groupchat' from='" + from + "' to='" + club + "' id='" + id + "'>" + children + "</message>")
	w.settle()
}

// ask sends an IQ and returns the answer, and what else was sent before it.
func (w *world) ask(typ, from, to, id, payload string) (answer *element.Element, before []*element.Element) {
	w.t.Helper()
	w.Send("<iq type='" + typ + "' from='" + from + "' to='" + to + "' id='" + id + "'>" + payload + "</iq>")
	w.settle()
	for _, e := range w.Take() {
		if e.Name == "iq" && e.Attr("id") == id {
			if answer != nil {
				w.t.Fatalf("a second answer: %s", e)
			}
			answer = e
			continue
		}
		if answer == nil {
			before = append(before, e)
		}
	}
	return answer, before
}

// the values of a form's field.
func formValues(form *element.Element, name string) []string {
	var all []string
	for f := range form.Children("jabber:x:data", "field") {
		if f.Attr("var") == name {
			for v := range f.Children("jabber:x:data", "value") {
				all = append(all, v.Text())
			}
		}
	}
	return all
}

func hasFeature(info *element.Element, name string) bool {
	for f := range info.First().Children("http://jabber.org/protocol/disco#info", "feature") {
		if f.Attr("var") == name {
			return true
		}
	}
	return false
}

// everything that a city's Session can do is what a city declares.
func TestCity(t *testing.T) {
	asked := make(chan string, 1000)
	for _, s := range []setup{{network: newCity(asked)}, {network: newCityOfServices(asked)}} {
		stage(t, s, func(t *testing.T, w *world) {
			info := w.cfg.Network.Info()
			if _, ok := w.cfg.Network.(legacy.Configurer); !ok || !info.Features.Has(legacy.FeatureRoomConfig|legacy.FeatureRoomList|legacy.FeatureRoomReactions|legacy.FeatureRoomTyping|legacy.FeatureRetraction) {
				t.Error("that is no city")
			}
		})
	}
}
