package jose

import "slices"

// Named is the key set of an issuer whose tokens all name their key.
type Named Set

// Find returns the key with the kid of a token: of several, the one for the token's algorithm. If all are for other algorithms it
// returns one of those, with which [Token.Verify] refuses the token: the key is known, so fetching the set again is of no use.
func (n Named) Find(token Header) (Key, bool) {
	if !token.HasKey {
		return Key{}, false
	}
	if key, ok := Set(n).Find(token); ok {
		return key, true
	}
	isNamed := func(key Key) bool { return key.ID == token.KeyID }
	alg := canonical(token.Alg)
	if slices.ContainsFunc(n, func(key Key) bool { return isNamed(key) && key.Alg == alg }) { // two keys have this name
		return Key{}, false
	}
	i := slices.IndexFunc(n, isNamed)
	if i < 0 {
		return Key{}, false
	}
	return n[i], true
}
