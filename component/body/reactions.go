package body

import "slices"

// Reactions are a user's reactions to messages. The zero value is empty. It is not safe for
// concurrent use.
type Reactions struct {
	emojis map[message][]string
}

type message struct{ peer, id string }

// maxReacted limits the messages whose reactions are stored.
const maxReacted = 200 // limit: messages whose reactions by the user are stored, of chats and of rooms | all are forgotten; a repeated reaction is sent again

// Fresh returns the emojis that the user has added to a message. Removed ones are not sent as
// a line.
func (r *Reactions) Fresh(peer, id string, emojis []string) []string {
	before := r.emojis[message{peer, id}]
	return slices.DeleteFunc(slices.Clone(emojis), func(emoji string) bool { return slices.Contains(before, emoji) })
}

// Note stores the user's reactions to a message.
func (r *Reactions) Note(peer, id string, emojis []string) {
	if r.emojis == nil {
		r.emojis = make(map[message][]string)
	}
	if len(r.emojis) >= maxReacted {
		clear(r.emojis)
	}
	r.emojis[message{peer, id}] = emojis
}

// Forget discards the reactions to the messages with an ID.
func (r *Reactions) Forget(id string) {
	for m := range r.emojis {
		if m.id == id {
			delete(r.emojis, m)
		}
	}
}
