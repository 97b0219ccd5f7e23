package component

// lazySet is m[key] = value, for a map that is made only when something is put into it:
// most users need few of theirs.
func lazySet[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}
