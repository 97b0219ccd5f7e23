package component

import (
	"cmp"
	"slices"
	"time"

	"transport/legacy"
	"transport/registry"
)

// listEdits sends edits of contacts to the network's list. A session has a bounded
// command queue and a client may add hundreds of contacts at once, so that only a few
// edits are in flight; each answer sends the next.
type listEdits struct {
	ro *roster

	edits         map[string]*edit // pending edits, by peer
	editQueue     []string         // peers whose edits are not in flight, oldest first
	editsInFlight int              // edits sent and not answered
	editRetryAt   time.Time        // when a rate-limited edit is sent again, zero without one
}

// edit updates a contact's entry on the network's list. The operation is derived from the
// contact when the edit is sent.
type edit struct {
	reason string // text of the authorization request, if the network sends one
	tries  int    // attempts that the network has rate-limited
	sent   bool
	dirty  bool // the contact was changed since
}

const (
	maxEdits     = 16          // limit: contact list changes of a user in flight | further ones wait; one for each contact
	maxEditTries = 6           // limit: attempts of one contact list change under rate limiting | the user is notified
	editPause    = time.Second // before the second attempt, doubled before each further one
)

// edit queues an edit of a contact.
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

// editNext sends queued edits, as many as may be in flight.
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
			ct.Listed = false
			le.ro.save(ct) // onContactRemoved forgets it
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

// endEdit handles the network's answer to an edit. It returns true if the edit will be
// sent again. The caller calls editNext afterwards.
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

// retryLater schedules another attempt of a rate-limited edit.
func (le *listEdits) retryLater(peer string, e *edit, err error) bool {
	if legacy.KindOf(err) != legacy.RateLimited || e.tries >= maxEditTries {
		return false
	}
	le.editRetryAt = le.ro.u.c.clock.Now().Add(max(editPause<<e.tries, retryAfter(err)))
	e.tries++
	le.editQueue = slices.Insert(le.editQueue, 0, peer)
	return true
}

// dropEdits drops all edits after the session has ended. The next session starts with the
// edits that are still needed.
func (le *listEdits) dropEdits() {
	*le = listEdits{ro: le.ro}
	for _, ct := range le.ro.contacts {
		ct.editing = false
	}
}
