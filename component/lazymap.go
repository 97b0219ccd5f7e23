package component

// lazySet sets m[key] and creates the map at first use: most users never need most of
// theirs, which saves memory.
func lazySet[K comparable, V any](m *map[K]V, key K, value V) {
	if *m == nil {
		*m = make(map[K]V)
	}
	(*m)[key] = value
}
