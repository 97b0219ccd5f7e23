package component

import (
	"cmp"
	"slices"
	"time"

	"transport/legacy"
	"transport/registry"
)

// listEdits brings changes of contacts into the network's list. A session takes only so
// many commands at once, and a client may add hundreds of contacts in a moment: a few
// changes are under way at a time, and each answer brings on the next.
type listEdits struct {
	ro *roster

	edits         map[string]*edit // that are not done, by peer
	editQueue     []string         // peers of those that are not under way, in their order
	editsInFlight int              // how many are under way
	editRetryAt   time.Time        // when the network is asked again, zero unless it has refused one for their number
}

// edit brings one contact's entry on the network's list up to date: what is to be done
// follows from the contact when it is sent.
type edit struct {
	reason string // for the contact to read, if they are asked for their consent
	tries  int    // that the network has refused for their number
	sent   bool
	dirty  bool // the contact was changed since
}

const (
	maxEdits     = 16          // under way
	maxEditTries = 6           // of one that the network refuses for their number
	editPause    = time.Second // before the second of them, and twice as long before each other
)

// edit has the network's list follow a contact.
func (le *listEdits) edit(peer, reason string) {
	switch e := le.edits[peer]; {
	case e == nil:
		lazySet(&le.edits, peer, &edit{reason: reason})
		le.editQueue = append(le.editQueue, peer)
	case e.sent:
		e.dirty, e.reason = true, reason
	default:
		e.reason = cmp.Or(reason, e.reason)
	}
	le.editNext()
}

// editNext sends what may be sent.
func (le *listEdits) editNext() {
	for len(le.editQueue) > 0 && le.editsInFlight < maxEdits && le.editRetryAt.IsZero() {
		editor, ok := le.ro.u.login.legacySession().(legacy.RosterEditor)
		if !ok {
			return
		}
		peer := le.editQueue[0]
		le.editQueue = le.editQueue[1:]
		le.sendEdit(editor, peer, le.edits[peer])
	}
}

func (le *listEdits) sendEdit(editor legacy.RosterEditor, peer string, e *edit) {
	ct := le.ro.contacts[peer]
	if ct == nil {
		delete(le.edits, peer)
		return
	}
	removed := ct.Subscription.Has(registry.Removed)
	var err error
	if removed {
		err = editor.RemoveContact(le.ro.u.ctx, legacy.Peer{ID: peer})
	} else {
		err = editor.AddContact(le.ro.u.ctx, legacy.Contact{Peer: legacy.Peer{ID: peer}, Name: ct.Name, Groups: ct.Groups}, e.reason)
	}
	switch {
	case err == nil:
		e.sent = true
		if le.editsInFlight++; removed {
			le.ro.forget(ct)
		}
	case le.retryLater(peer, e, err):
	case removed: // it is tried again at the next sign-on
		delete(le.edits, peer)
		le.ro.u.log.Warn().Err(err).Str("peer", peer).Msg("cannot remove a contact")
	default:
		delete(le.edits, peer)
		le.ro.onContactFailed(legacy.Peer{ID: peer}, err)
	}
}

// endEdit notes that the network has answered the edit of a contact. It is true if the
// edit is sent again. editNext is to be called afterwards.
func (le *listEdits) endEdit(peer string, err error) bool {
	e := le.edits[peer]
	if e == nil || !e.sent {
		return false
	}
	e.sent = false
	le.editsInFlight--
	if le.retryLater(peer, e, err) {
		return true
	}
	if delete(le.edits, peer); e.dirty {
		lazySet(&le.edits, peer, &edit{reason: e.reason})
		le.editQueue = append(le.editQueue, peer)
	}
	return false
}

// retryLater has an edit sent again later that the network has refused for their number.
func (le *listEdits) retryLater(peer string, e *edit, err error) bool {
	if legacy.KindOf(err) != legacy.RateLimited || e.tries >= maxEditTries {
		return false
	}
	le.editRetryAt = le.ro.u.c.clock.Now().Add(max(editPause<<e.tries, retryAfter(err)))
	e.tries++
	le.editQueue = slices.Insert(le.editQueue, 0, peer)
	return true
}

// dropEdits forgets all edits: the next session begins with those that are left to be
// made.
func (le *listEdits) dropEdits() { *le = listEdits{ro: le.ro} }
