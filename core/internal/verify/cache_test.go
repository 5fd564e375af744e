package verify

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fresh"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// If the clock is set back, a cached token is not yet valid again.
func TestCachedTokenBegins(t *testing.T) {
	signer, err := jose.NewSigner("k", "EdDSA")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jose.MarshalSet(signer)
	if err != nil {
		t.Fatal(err)
	}
	set, err := jose.ParseSet(document, "RS256")
	if err != nil {
		t.Fatal(err)
	}
	source := fresh.New(fresh.Policy{Renew: time.Hour, Stale: time.Hour, Pause: time.Second, Timeout: time.Second},
		func(context.Context) (jose.Set, error) { return set, nil }, nil)
	t.Cleanup(source.Close)
	keys := keyset.New(source, time.Second)
	if err := keys.Ready(t.Context()); err != nil {
		t.Fatal(err)
	}
	now, rules := time.Unix(time.Now().Unix(), 0), claims.Rules{}
	c := newCache(8)
	token := &Token{}
	payload := fmt.Sprintf(`{"iss":"i","sub":"s","iat":%d,"exp":%d}`, now.Add(-time.Minute).Unix(), now.Add(time.Hour).Unix())
	object, err := strictjson.Parse(payload)
	if err != nil {
		t.Fatal(err)
	}
	if err := token.Read(object, "i", now, &rules); err != nil {
		t.Fatal(err)
	}
	token.Raw = "a.b.c"
	token.proof = keys.Prove(jose.Header{Alg: "EdDSA", KeyID: "k", HasKey: true}, set[0])
	c.keep(token)
	for ago, found := range map[time.Duration]bool{0: true, 59 * time.Second: true, 61 * time.Second: false} {
		if got := c.find("a.b.c", now.Add(-ago)); (got != nil) != found {
			t.Errorf("%v before: found %v", ago, got != nil)
		}
	}
}
