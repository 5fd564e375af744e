package oidctest

// maxEntries is the size of each table of the provider; the oldest entry is dropped first.
const maxEntries = 50_000

// bounded is a map with at most maxEntries entries. Not safe for concurrent use: the provider's lock guards it.
type bounded[T any] struct {
	entries map[string]T
	order   []string
}

func newBounded[T any]() *bounded[T] { return &bounded[T]{entries: make(map[string]T)} }

func (b *bounded[T]) put(name string, value T) {
	if _, known := b.entries[name]; !known {
		b.order = append(b.order, name)
	}
	b.entries[name] = value
	if len(b.order) > maxEntries {
		delete(b.entries, b.order[0])
		b.order = b.order[1:]
	}
}

func (b *bounded[T]) get(name string) (T, bool) {
	value, ok := b.entries[name]
	return value, ok
}
