package component

import (
	"errors"
	"time"

	"transport/component/stanza"
	"transport/legacy"
	"transport/registry"
)

// userText is what a user is told of an error.
func userText(err error) string { return stanza.Translate(err).Text }

// retryAfter is how long the network wants us to wait, 0 if it did not say.
func retryAfter(err error) time.Duration {
	var e *legacy.Error
	if errors.As(err, &e) {
		return e.RetryAfter
	}
	return 0
}

// orTemporary is err, or that the session has ended.
func orTemporary(err error) error {
	if err == nil {
		return legacy.Errorf(legacy.Offline, "You were signed off before the network confirmed the message. It may not have arrived.")
	}
	return err
}

func isNotFound(err error) bool { return errors.Is(err, registry.ErrNotFound) }

// lazySet is m[key] = value, for a map that is made only when something is put into it:
// most users need few of theirs.
func lazySet[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}
