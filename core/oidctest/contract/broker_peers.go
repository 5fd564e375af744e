package contract

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// internet sends requests for the public addresses of the suite's applications to where they listen, and passes on all others.
type internet struct {
	mu    sync.Mutex
	hosts map[string]string
}

func (n *internet) listens(s *site, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name+".example"] = strings.TrimPrefix(s.base, "http://")
}

func (n *internet) leaves(name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[name+".example"] = "127.0.0.1:1"
}

// RoundTrip implements [http.RoundTripper].
func (n *internet) RoundTrip(request *http.Request) (*http.Response, error) {
	n.mu.Lock()
	address, ours := n.hosts[request.URL.Host]
	n.mu.Unlock()
	if ours {
		request = request.Clone(request.Context())
		request.URL.Scheme, request.URL.Host = "http", address
	}
	return http.DefaultTransport.RoundTrip(request)
}

func issuerOf(name string) string { return "https://" + name + ".example/api" }

func memberSecret(name string) []string {
	return []string{name + ": a secret key of the contract suite"}
}

// memberAlgorithms are those of the members' own tokens; the others have the default.
var memberAlgorithms = map[string]string{"south": "ES256", "east": "EdDSA"}

// member opens an application of the federation, with its own signing keys, that trusts the others.
func (a setup) member(t *testing.T, net *internet, name, audience string, trusted ...string) *site {
	t.Helper()
	s := a.open(t, plan{config: func(cfg *core.Config) {
		cfg.PublicURL, cfg.SecretKeys = issuerOf(name), memberSecret(name)
		cfg.HTTPClient = &http.Client{Transport: net}
		cfg.Broker.Audience, cfg.Broker.SigningAlgorithm = audience, memberAlgorithms[name]
		for _, other := range trusted {
			cfg.Broker.TrustedIssuers = append(cfg.Broker.TrustedIssuers, issuerOf(other))
		}
	}})
	net.listens(s, name)
	return s
}

// testPeers: services that trust each other accept each other's access tokens at guards and userinfo, and nowhere else.
func testPeers(t *testing.T, a setup) {
	net := &internet{hosts: make(map[string]string)}
	north := a.member(t, net, "north", "all", "south")
	south := a.member(t, net, "south", "all", "north")
	tokens := north.tokens(north.codeForm("alice"))
	bearer := "Authorization: Bearer " + tokens.AccessToken

	north.alive(tokens)
	south.alive(tokens)
	south.get(userInfo, bearer).is(jsonWith(http.StatusOK, aliceInfo))
	north.get("/me", south.bearer("bob")).is(seen("bob", 2)) // and the other way
	south.refresh(tokens.RefreshToken).is(south.bookGone)
	south.post(token, exchangeOf(tokens.AccessToken)).is(south.badSubject)
	if keyOf(north, tokens.AccessToken) == keyOf(south, south.token("bob")) {
		t.Error("both have one key")
	}
	before := south.idp.Hits(oidctest.Revocation)
	south.get(logout, bearer).is(moved(south.idp.URL(oidctest.EndSession) + "?client_id=app"))
	south.alive(tokens) // only its issuer can end the session
	north.alive(tokens)
	if hits := south.idp.Hits(oidctest.Revocation) - before; hits != 0 {
		t.Errorf("%d revocations of a peer's token", hits)
	}
	if kept, err := south.store.Revoked(t.Context(), time.Time{}, time.Now()); err != nil || len(kept) != 0 {
		t.Errorf("a peer's session is said to have ended: %v %v", kept, err)
	}
	north.alive(north.tokens(refreshForm(tokens.RefreshToken)))

	t.Run("strangers", func(t *testing.T) { strangers(t, a, net, north.in(t), south.in(t)) })
}

// strangers: trust is neither mutual nor transitive, holds for one audience, and each issuer signs only for itself.
func strangers(t *testing.T, a setup, net *internet, north, south *site) {
	east := a.member(t, net, "east", "all", "south")
	south.get("/me", east.bearer("alice")).is(badToken())
	east.get("/me", south.bearer("alice")).is(seen("alice", 2))
	east.get("/me", north.bearer("alice")).is(badToken())

	// Tokens of members for another audience, or in the name of another member, are refused.
	north.get("/me", withKeys(t, a, south, "south", "south", "another").bearer("alice")).is(badToken())
	impostor := withKeys(t, a, south, "south", "north", "all")
	impostor.get("/me", impostor.bearer("alice")).is(seen("alice", 2))
	north.get("/me", impostor.bearer("alice")).is(badToken())
	a.member(t, net, "west", "all", "north").get("/me", impostor.bearer("alice")).is(badToken())
	own := withKeys(t, a, north, "north", "south", "all") // the keys of the service that is called
	north.get("/me", own.bearer("alice")).is(badToken())
}

// withKeys opens an application with the store and the keys of a member, but with another name and audience.
func withKeys(t *testing.T, a setup, member *site, owner, name, audience string) *site {
	t.Helper()
	return a.open(t, plan{beside: member, config: func(cfg *core.Config) {
		cfg.PublicURL, cfg.SecretKeys = issuerOf(name), memberSecret(owner)
		cfg.Broker.Audience, cfg.Broker.SigningAlgorithm = audience, memberAlgorithms[owner]
	}})
}

// testPeerOutage: if the keys of a peer cannot be fetched, only its tokens get a 503.
func testPeerOutage(t *testing.T, a setup) {
	net := &internet{hosts: make(map[string]string)}
	north := a.member(t, net, "north", "all", "south")
	south := a.member(t, net, "south", "all", "north")
	theirs, own := north.bearer("alice"), south.bearer("alice")
	net.leaves("north")
	south.get("/me", theirs).is(peerDown())
	south.get("/me", own).is(seen("alice", 2))
	south.get(userInfo, own).is(jsonWith(http.StatusOK, aliceInfo))
	north.get("/me", theirs).is(seen("alice", 2))
	south.get(logout, theirs).hasStatus(http.StatusFound) // a logout is never refused
}
