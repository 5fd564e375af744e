package jose_test

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// A key is found by its name alone, so that a token with another algorithm is refused by its signature.
func TestNamedFind(t *testing.T) {
	a, es, b := jose.Key{ID: "a", Alg: "RS256"}, jose.Key{ID: "a", Alg: "ES256"}, jose.Key{ID: "b", Alg: "EdDSA"}
	named := func(alg, kid string) jose.Header { return jose.Header{Alg: alg, HasKey: kid != "", KeyID: kid} }
	for name, c := range map[string]struct {
		set   jose.Named
		token jose.Header
		want  jose.Key
		ok    bool
	}{
		"by kid":                     {jose.Named{a, b}, named("RS256", "a"), a, true},
		"the one that fits":          {jose.Named{a, es, b}, named("ES256", "a"), es, true},
		"of another algorithm":       {jose.Named{a, b}, named("RS256", "b"), b, true},
		"none that fits":             {jose.Named{a, es}, named("EdDSA", "a"), a, true},
		"unknown":                    {jose.Named{a, es, b}, named("RS256", "c"), jose.Key{}, false},
		"without kid":                {jose.Named{a}, named("RS256", ""), jose.Key{}, false},
		"two that fit":               {jose.Named{a, a}, named("RS256", "a"), jose.Key{}, false},
		"two that fit, by an alias":  {jose.Named{b, b}, named("Ed25519", "b"), jose.Key{}, false},
		"an alias of the algorithm":  {jose.Named{a, b}, named("Ed25519", "b"), b, true},
		"two that fit, and another":  {jose.Named{es, a, a}, named("RS256", "a"), jose.Key{}, false},
		"the other beside two equal": {jose.Named{es, a, a}, named("ES256", "a"), es, true},
	} {
		if got, ok := c.set.Find(c.token); ok != c.ok || got != c.want {
			t.Errorf("%s: %v, %t", name, got, ok)
		}
	}
}
