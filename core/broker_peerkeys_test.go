package core_test

import (
	"encoding/base64"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// unsigned is a token that anybody can make.
func unsigned(kid string, payload claims) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(toJSON(claims{"alg": "RS256", "kid": kid, "typ": "JWT"}))) + "." + encode([]byte(toJSON(payload))) + "." + encode(make([]byte, 256))
}

// A flood of unknown names costs one fetch in ten seconds, of that issuer; an issuer that is not trusted costs none.
func TestBrokerFloodOfUnknownKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := otherKeys()
		p, f := federated(t)
		f.status(rsaToken(t, keys[0], "a", pythonClaims(peerA, shared)))
		time.Sleep(time.Minute)
		for name, c := range map[string]struct {
			issuer string
			most   int
		}{"trusted": {peerA, 4}, "not trusted": {"https://c.example", 0}, "nearly": {peerA + "/", 0}, "provider": {issuer, 0}, "empty": {"", 0}} {
			before := p.fetches()
			var wg sync.WaitGroup
			for i := range 100 {
				time.Sleep(300 * time.Millisecond)
				wg.Go(func() {
					if status := f.status(unsigned(fmt.Sprint("junk", i), pythonClaims(c.issuer, shared))); status != 401 {
						t.Errorf("%s: got %d", name, status)
					}
				})
			}
			wg.Wait()
			if n := p.fetches() - before; n > c.most {
				t.Errorf("%s: %d fetches", name, n)
			}
		}
	})
}

// A withdrawn key is refused once the set was renewed; a removed peer at once.
func TestBrokerPeerKeyWithdrawn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := otherKeys()
		p, f := federated(t)
		token := rsaToken(t, keys[0], "a", pythonClaims(peerA, shared))
		if f.status(token) != 200 {
			t.Fatal("refused")
		}
		p.publish(peerA, document(keySet(rsaJWK(keys[1], "a2"))))
		if status := f.status(rsaToken(t, keys[1], "a2", pythonClaims(peerA, shared))); status != 200 {
			t.Errorf("the new key: %d", status)
		}
		if status := f.status(token); status != 401 {
			t.Errorf("the withdrawn key: %d", status)
		}
		without := p.service(func(c *core.Config) { c.Broker.TrustedIssuers = []string{peerB} })
		if status := without.status(rsaToken(t, keys[1], "a2", pythonClaims(peerA, shared))); status != 401 {
			t.Errorf("a removed peer: %d", status)
		}
	})
}

// A peer that goes away: its last keys serve on for a day, and no longer.
func TestBrokerPeerStale(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := otherKeys()
		p, f := federated(t)
		week := claims{"exp": time.Now().Add(7 * 24 * time.Hour).Unix()}
		token := rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, week))
		f.status(token)
		p.publish(peerA, refuse)
		time.Sleep(23 * time.Hour)
		if status := f.status(token); status != 200 {
			t.Errorf("after 23 h: %d", status)
		}
		time.Sleep(2 * time.Hour)
		if status := f.status(token); status != 503 {
			t.Errorf("after 25 h: %d", status)
		}
	})
}
