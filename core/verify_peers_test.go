package core_test

import (
	"crypto/rsa"
	"encoding/base64"
	"fmt"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	peerA    = "https://a.example"
	peerB    = "https://b.example/api/"
	shared   = "py-oidc-auth"
	jwksPath = "/auth/v2/.well-known/jwks.json"
)

var otherKeys = sync.OnceValue(func() [2]*rsa.PrivateKey { return [2]*rsa.PrivateKey{mustRSA(2048), mustRSA(2048)} })

func rsaJWK(key *rsa.PrivateKey, kid string) claims {
	encode := base64.RawURLEncoding.EncodeToString
	return claims{"kty": "RSA", "use": "sig", "key_ops": []string{"verify"}, "alg": "RS256", "kid": kid, "n": encode(key.N.Bytes()), "e": encode(big.NewInt(int64(key.E)).Bytes())}
}

func keySet(keys ...claims) string { return toJSON(claims{"keys": keys}) }

// peer is a trusted service without a network: it publishes the key set of an oidctest provider at the address of a service.
type peer struct {
	*oidctest.Provider
	address string // of its key set
}

func newPeer(t testing.TB, trusted string, keys fault) *peer {
	t.Helper()
	u, err := url.Parse(trusted)
	if err != nil {
		t.Fatal(err)
	}
	p := &peer{oidctest.NewProvider(t, oidctest.WithoutNetwork(u.Scheme+"://"+u.Host), oidctest.WithAlgorithm("ES256")), strings.TrimSuffix(trusted, "/") + jwksPath}
	p.Fault(oidctest.JWKS, keys)
	return p
}

// peers sends requests to the peers, and all others to beyond.
type peers struct {
	list   []*peer
	beyond http.RoundTripper
}

func (p peers) RoundTrip(r *http.Request) (*http.Response, error) {
	for _, peer := range p.list {
		if r.URL.String() == peer.address {
			clone := r.Clone(r.Context())
			clone.URL, _ = url.Parse(peer.URL(oidctest.JWKS)) // always valid
			return peer.Client().Transport.RoundTrip(clone)
		}
	}
	return p.beyond.RoundTrip(r)
}

// peerNet is a brokerBubble with peers.
type peerNet struct {
	*brokerBubble
	peers
}

func (p *peerNet) publish(issuer string, answer fault) {
	for _, peer := range p.list {
		if peer.address == strings.TrimSuffix(issuer, "/")+jwksPath {
			peer.Fault(oidctest.JWKS, answer)
		}
	}
}

// fetches returns the number of requests to peers and to unknown addresses.
func (p *peerNet) fetches() int {
	sum := p.Hits(oidctest.Elsewhere)
	for _, peer := range p.list {
		sum += peer.Hits(oidctest.JWKS)
	}
	return sum
}

func document(text string) fault { return oidctest.Reply(http.StatusOK, "application/json", text) }

// federated runs a test with a service that trusts A and B, in a bubble.
func federated(t *testing.T, changes ...func(*core.Config)) (*peerNet, *flowService) {
	bubble, keys := newBubble(t), otherKeys()
	p := &peerNet{bubble, peers{[]*peer{
		newPeer(t, peerA, document(keySet(rsaJWK(keys[0], "a")))), newPeer(t, peerB, document(keySet(rsaJWK(keys[1], "b")))),
	}, bubble}}
	return p, p.service(changes...)
}

func (p *peerNet) service(changes ...func(*core.Config)) *flowService {
	first := func(c *core.Config) {
		importing(c)
		c.Store, c.Broker.Audience, c.Broker.TrustedIssuers = p.store, shared, []string{peerA, peerB}
	}
	return p.over(p.peers, append([]func(*core.Config){first}, changes...)...)
}

// Keys belong to their issuer, whatever a token claims.
func TestBrokerPeerKeysAreBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := otherKeys()
		_, f := federated(t)
		own := kidOf(sharedKey())
		month := claims{"exp": time.Now().Add(30 * 24 * time.Hour).Unix()}
		for name, c := range map[string]struct {
			token  string
			status int
		}{
			"A":                  {rsaToken(t, keys[0], "a", pythonClaims(peerA, shared)), 200},
			"B, with its slash":  {rsaToken(t, keys[1], "b", pythonClaims(peerB, shared)), 200},
			"device of A":        {rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, month)), 200},
			"slash more":         {rsaToken(t, keys[0], "a", pythonClaims(peerA+"/", shared)), 401},
			"slash less":         {rsaToken(t, keys[1], "b", pythonClaims(strings.TrimSuffix(peerB, "/"), shared)), 401},
			"A signs B":          {rsaToken(t, keys[0], "a", pythonClaims(peerB, shared)), 401},
			"A signs as b":       {rsaToken(t, keys[0], "b", pythonClaims(peerB, shared)), 401},
			"A signs us":         {rsaToken(t, keys[0], "a", pythonClaims(bubbleIssuer, shared)), 401},
			"A signs as our kid": {rsaToken(t, keys[0], own, pythonClaims(bubbleIssuer, shared)), 401},
			"we sign A":          {rsaToken(t, sharedKey(), own, pythonClaims(peerA, shared)), 401},
			"A signs the IdP":    {rsaToken(t, keys[0], "a", pythonClaims(issuer, shared)), 401},
			"nobody":             {rsaToken(t, keys[0], "a", pythonClaims("https://c.example", shared)), 401},
			"another audience":   {rsaToken(t, keys[0], "a", pythonClaims(peerA, "other")), 401},
			"audience as a list": {rsaToken(t, keys[0], "a", pythonClaims(peerA, "", claims{"aud": []string{"x", shared}})), 200},
			"no audience":        {rsaToken(t, keys[0], "a", pythonClaims(peerA, "", claims{"aud": nil})), 401},
			"no exp":             {rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, claims{"exp": nil})), 401},
			"no sub":             {rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, claims{"sub": nil})), 401},
			"expired":            {rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, claims{"exp": time.Now().Unix() - 60})), 401},
			"bound to a key":     {rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, claims{"cnf": claims{"jkt": "x"}})), 401},
			"an ID token":        {rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, claims{"nonce": "x"})), 401},
			"typ Refresh":        {rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, claims{"typ": "Refresh"})), 401},
			"logout type":        {rsaSigned(t, keys[0], claims{"alg": "RS256", "kid": "a", "typ": "logout+jwt"}, pythonClaims(peerA, shared)), 401},
			"without kid":        {rsaSigned(t, keys[0], claims{"alg": "RS256", "typ": "JWT"}, pythonClaims(peerA, shared)), 401},
			"alg RS512":          {rsaSigned(t, keys[0], claims{"alg": "RS512", "kid": "a"}, pythonClaims(peerA, shared)), 401},
			"alg none":           {rsaSigned(t, keys[0], claims{"alg": "none", "kid": "a"}, pythonClaims(peerA, shared)), 401},
			"issuer null":        {rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, claims{"iss": 7})), 401},
		} {
			if status := f.status(c.token); status != c.status {
				t.Errorf("%s: got %d, want %d", name, status, c.status)
			}
		}
	})
}

// Tokens of peers pass guards and userinfo, and nothing else: they are not accepted as subject or refresh token, and a logout
// with one ends nothing here.
func TestBrokerPeerTokensElsewhere(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		keys := otherKeys()
		p, f := federated(t)
		mine := f.begun()
		_, payload := unpack(t, mine.AccessToken)
		token := rsaToken(t, keys[0], "a", pythonClaims(peerA, shared, claims{"sid": payload["sid"]}))
		calls := p.Hits(oidctest.Token) + p.Hits(oidctest.UserInfo)
		flowRefused(t, "exchange", f.exchange(token, nil), 400, "invalid_grant", "Invalid token")
		flowRefused(t, "refresh", f.refresh(token), 401, "invalid_grant", sessionGone)
		if answer := f.get("userinfo", nil, "Authorization: Bearer "+token); answer.Status != 200 {
			t.Errorf("userinfo: %d %s", answer.Status, answer.Body)
		}
		f.leave(token)
		if f.status(token) != 200 || f.status(mine.AccessToken) != 200 {
			t.Error("a peer's logout ended something here")
		}
		if after := p.Hits(oidctest.Token) + p.Hits(oidctest.UserInfo); after != calls {
			t.Errorf("%d calls of the provider", after-calls)
		}
	})
}

// A broken peer affects only its own tokens, in bounded time, and recovers.
func TestBrokerBrokenPeer(t *testing.T) {
	keys := otherKeys()
	large, err := jose.NewSigner("a", "ES384")
	if err != nil {
		t.Fatal(err)
	}
	unusual, err := jose.MarshalSet(large)
	if err != nil {
		t.Fatal(err)
	}
	ec := claims{"kty": "EC", "crv": "P-256", "kid": "a", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}
	for name, c := range map[string]struct {
		answer fault
		good   bool
	}{
		"P-384 alone":     {document(string(unusual)), false},
		"EC keys beside":  {document(keySet(ec, rsaJWK(keys[0], "a"))), true},
		"bad n beside":    {document(keySet(claims{"kty": "RSA", "kid": "a", "n": "!", "e": "AQAB"}, rsaJWK(keys[0], "a"))), true},
		"a weak key":      {document(keySet(claims{"kty": "RSA", "kid": "a", "n": base64.RawURLEncoding.EncodeToString(keys[0].N.Bytes()[:128]), "e": "AQAB"})), false},
		"no kid":          {document(keySet(rsaJWK(keys[0], ""))), false},
		"a symmetric key": {document(keySet(claims{"kty": "oct", "kid": "a", "k": "AAAA"})), false},
		"RS512":           {document(keySet(claims{"kty": "RSA", "kid": "a", "alg": "RS512", "n": rsaJWK(keys[0], "")["n"], "e": "AQAB"})), false},
		"a list":          {document(`[1]`), false},
		"HTML":            {says(200, "text/html", "<html>"), false},
		"nothing":         {says(200, "application/json", ""), false},
		"no keys":         {document(`{"keys":[]}`), false},
		"2 MB":            {document(`{"x":"` + strings.Repeat("x", 2<<20) + `"}`), false},
		"302":             {says(302, "application/json", keySet(rsaJWK(keys[0], "a"))), false},
		"404":             {says(404, "application/json", `{}`), false},
		"500":             {says(500, "application/json", `{}`), false},
		"refused":         {refuse, false},
		"hang":            {hang, false},
		"drip":            {faults["drip"], false},
		"minimal":         {document(keySet(claims{"kty": "RSA", "kid": "a", "n": rsaJWK(keys[0], "")["n"], "e": "AQAB"})), true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, f := federated(t)
				p.publish(peerA, c.answer)
				token := rsaToken(t, keys[0], "a", pythonClaims(peerA, shared))
				begun := time.Now()
				status := f.status(token)
				if c.good != (status == 200) || !c.good && status != 503 {
					t.Errorf("got %d", status)
				}
				if took := time.Since(begun); took > 25*time.Second {
					t.Errorf("it took %s", took)
				}
				begun = time.Now()
				done := make(chan int, 1)
				go func() { done <- f.status(token) }() // a request waits for A
				if f.status(rsaToken(t, keys[1], "b", pythonClaims(peerB, shared))) != 200 || f.status(f.begun().AccessToken) != 200 || f.get("jwks", nil).Status != 200 {
					t.Error("others suffer")
				}
				if took := time.Since(begun); took > time.Second {
					t.Errorf("others waited for %s", took)
				}
				if err := f.auth.Ready(t.Context()); err != nil {
					t.Errorf("Ready is about a peer: %v", err)
				}
				<-done
				p.publish(peerA, document(keySet(rsaJWK(keys[0], "a"))))
				time.Sleep(11 * time.Second)
				if status := f.status(token); status != 200 {
					t.Errorf("after recovery: %d", status)
				}
			})
		})
	}
}

// unsigned returns a token with a signature of zeros.
func unsigned(kid string, payload claims) string {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(toJSON(claims{"alg": "RS256", "kid": kid, "typ": "JWT"}))) + "." + encode([]byte(toJSON(payload))) + "." + encode(make([]byte, 256))
}

// A flood of unknown kids causes one fetch of that issuer in ten seconds; an issuer that is not trusted causes none.
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

// A withdrawn key is refused after the next fetch, a removed peer at once.
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

// While a peer is down, its cached keys are used for a day.
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
