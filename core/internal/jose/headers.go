package jose

import (
	"hash/maphash"
	"strings"
	"sync/atomic"
)

// Headers remembers headers of verified tokens: an issuer's tokens have the same one for as long as it signs with the same key. Only
// verified tokens may be added, so that nobody else can fill it. Safe for concurrent use; a nil Headers knows none.
type Headers struct {
	seed  maphash.Seed
	known [knownHeaders]atomic.Pointer[knownHeader] // by the hash of their text
}

// knownHeaders is how many places there are, each for one header.
const knownHeaders = 256

type knownHeader struct {
	encoded string
	Header
}

// NewHeaders returns an empty Headers.
func NewHeaders() *Headers { return &Headers{seed: maphash.MakeSeed()} }

func (h *Headers) place(encoded string) *atomic.Pointer[knownHeader] {
	return &h.known[maphash.String(h.seed, encoded)%knownHeaders]
}

// find returns the header with exactly this text, nil if it is not known.
func (h *Headers) find(encoded string) *knownHeader {
	if h == nil {
		return nil
	}
	if known := h.place(encoded).Load(); known != nil && known.encoded == encoded {
		return known
	}
	return nil
}

// Add remembers the header of a verified token.
func (h *Headers) Add(t *Token) {
	encoded, _, _ := strings.Cut(t.raw, ".")
	place := h.place(encoded)
	if known := place.Load(); known != nil && known.encoded == encoded {
		return
	}
	place.Store(&knownHeader{encoded: strings.Clone(encoded), Header: Header{ // copies, because the texts are parts of the whole token
		Alg: strings.Clone(t.Alg), KeyID: strings.Clone(t.KeyID), HasKey: t.HasKey, Typ: strings.Clone(t.Typ),
	}})
}
