package pypeer

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// pair is a service of ours and one with py-oidc-auth that trust each other. Both log in at one provider.
type pair struct {
	idp  *oidctest.Provider
	ours *app.App
	py   *python
	key  signer // that ours signs with, until it rotates
}

// gone is a service that the one with py-oidc-auth trusts too, and that nobody can reach.
const gone = "http://127.0.0.1:1/api"

func newPair(t *testing.T, framework, version string) *pair {
	t.Helper()
	p := &pair{idp: oidctest.NewProvider(t)}
	text := newKey(t)
	p.key = newSigner(t, text)
	p.ours = newGo(t, framework, p.idp, func(publicURL string, cfg *core.Config) {
		p.py = newPython(t, version, p.idp, publicURL, gone)
		cfg.Broker.TrustedIssuers = []string{p.py.issuer()}
		cfg.Broker.ImportKey = text
	})
	return p
}

// adapters are those that each version meets: all four in sum. The first meets rotations too.
var adapters = map[string][]string{"2604.3.0": {"gin", "fiber"}, "2606.0.0": {"echo", "chi"}}

// Both services accept each other's tokens, and refuse all others.
func TestPeers(t *testing.T) {
	for _, version := range parts.PythonServerVersions {
		for i, framework := range adapters[version] {
			t.Run(version+", "+framework, func(t *testing.T) {
				t.Parallel() // the Python side waits for a minute before it fetches keys again
				checks := compat.New(t, "py-oidc-auth", version, framework, "broker")
				p := newPair(t, framework, version)
				p.there(t, checks)
				p.here(t, checks)
				if i == 0 { // no adapter has a part in it
					p.rotateOurs(checks)
					p.rotateTheirs(checks)
				}
			})
		}
	}
}

// there are our tokens at the Python service.
func (p *pair) there(t *testing.T, checks *compat.Checks) {
	alice, bob := login(t, p.idp, issuer(p.ours), "alice"), login(t, p.idp, issuer(p.ours), "bob")
	checks.Run("the Python service takes our tokens", func(t *testing.T) {
		me := app.JSON[app.Me](t, p.py.get(t, "/me", alice.AccessToken))
		if me.Subject != "alice" || me.Username != "alice" || me.Email != "alice@example.org" || !slices.Contains(me.Roles, "admin") || !slices.Contains(me.Roles, "/staff/dev") {
			t.Errorf("it says %+v", me)
		}
		if feed := app.JSON[*app.Me](t, p.py.get(t, "/feed", alice.AccessToken)); feed == nil || feed.Subject != "alice" {
			t.Errorf("an optional guard says %+v", feed)
		}
		if info := app.JSON[core.UserInfo](t, p.py.get(t, "/auth/v2/userinfo", alice.AccessToken)); info.Username != "alice" || info.Email != "alice@example.org" {
			t.Errorf("userinfo says %+v", info)
		}
		status(t, "alice, who has the role", p.py.get(t, "/admin", alice.AccessToken), http.StatusOK)
		status(t, "bob, who has it not", p.py.get(t, "/admin", bob.AccessToken), http.StatusForbidden)
	})
	checks.Run("the Python service refuses what is not ours", func(t *testing.T) {
		stranger := newGo(t, "chi", p.idp, nil)
		for what, token := range p.wrong(t, p.key, alice) {
			status(t, what, p.py.get(t, "/me", token), http.StatusUnauthorized)
			if feed := app.JSON[*app.Me](t, p.py.get(t, "/feed", token)); feed != nil {
				t.Errorf("%s, with an optional guard: %+v", what, feed)
			}
		}
		got := p.py.get(t, "/me", login(t, p.idp, issuer(stranger), "alice").AccessToken)
		status(t, "a service that is not trusted", got, http.StatusUnauthorized)
		if !strings.Contains(got.Detail(), "Untrusted issuer") {
			t.Errorf("it says %q", got.Detail())
		}
		status(t, "our refresh token at its token route", p.py.post(t, "/auth/v2/token", url.Values{"refresh-token": {alice.RefreshToken}}), http.StatusUnauthorized)
		status(t, "our access token at its token route", p.py.post(t, "/auth/v2/token", url.Values{"refresh-token": {alice.AccessToken}}), http.StatusUnauthorized)
	})
	p.upstream(t, checks, alice, "exp", nil, "a token without exp: py-oidc-auth takes it from a service that it trusts, for ever; here it is refused")
	p.upstream(t, checks, alice, "iss", gone, "issuer of a key: py-oidc-auth takes a token that any trusted service has signed in the name of any other; here the keys of a service are good for its name alone")
}

// upstream notes what the Python service takes and should not: a good token with one claim changed, signed with our key.
func (p *pair) upstream(t *testing.T, checks *compat.Checks, good core.Token, name string, value any, lacks string) {
	t.Helper()
	switch got := p.py.get(t, "/me", p.key.sign(t, with(read(t, good.AccessToken, 1), name, value))); got.Status {
	case http.StatusOK:
		checks.Lacks(lacks)
	case http.StatusUnauthorized: // it has been mended
	default:
		t.Errorf("%s: %d %s", lacks, got.Status, got.Body)
	}
}

// here are the Python service's tokens at ours.
func (p *pair) here(t *testing.T, checks *compat.Checks) {
	alice, bob := login(t, p.idp, p.py.issuer(), "alice"), login(t, p.idp, p.py.issuer(), "bob")
	checks.Run("ours takes the Python service's tokens", func(t *testing.T) {
		me := p.ours.Me(t, alice.AccessToken)
		if me.Subject != "alice" || me.Username != "alice" || me.Email != "alice@example.org" || !slices.Contains(me.Roles, "admin") || me.Claims["iss"] != p.py.issuer() {
			t.Errorf("it says %+v", me)
		}
		if feed := app.JSON[*app.Me](t, p.ours.Get(t, "/feed", alice.AccessToken)); feed == nil || feed.Subject != "alice" {
			t.Errorf("an optional guard says %+v", feed)
		}
		if info := app.JSON[core.UserInfo](t, p.ours.Get(t, "/auth/v2/userinfo", alice.AccessToken)); info.Username != "alice" || info.Email != "alice@example.org" {
			t.Errorf("userinfo says %+v", info)
		}
		status(t, "alice, who has the role", p.ours.Get(t, "/admin", alice.AccessToken), http.StatusOK)
		status(t, "bob, who has it not", p.ours.Get(t, "/admin", bob.AccessToken), http.StatusForbidden)
		status(t, "a scope, which the token has none of", p.ours.Get(t, "/scoped", alice.AccessToken), http.StatusForbidden)
	})
	checks.Run("ours refuses what is not the Python service's", func(t *testing.T) {
		key := newSigner(t, p.py.key(t))
		if kid := read(t, alice.AccessToken, 0)["kid"]; kid != key.kid {
			t.Fatalf("kid is %v, and the store's key is %s", kid, key.kid)
		}
		wrong := p.wrong(t, key, alice)
		delete(wrong, "a refresh token") // there is none, see below
		wrong["without an end"] = key.sign(t, with(read(t, alice.AccessToken, 1), "exp", nil))
		wrong["in the name of ours"] = key.sign(t, with(read(t, alice.AccessToken, 1), "iss", issuer(p.ours)))
		wrong["a service that is not trusted"] = login(t, p.idp, newPython(t, p.py.version, p.idp).issuer(), "alice").AccessToken
		for what, token := range wrong {
			status(t, what, p.ours.Get(t, "/me", token), http.StatusUnauthorized)
			if feed := app.JSON[*app.Me](t, p.ours.Get(t, "/feed", token)); feed != nil {
				t.Errorf("%s, with an optional guard: %+v", what, feed)
			}
		}
		status(t, "its token at our token route", p.ours.Post(t, "/auth/v2/token", url.Values{"refresh-token": {alice.RefreshToken}}), http.StatusUnauthorized)
		exchange := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {alice.AccessToken}}
		if got := p.ours.Post(t, "/auth/v2/token", exchange); got.Status != http.StatusBadRequest && got.Status != http.StatusUnauthorized {
			t.Errorf("its token in an exchange: %d %s", got.Status, got.Body)
		}
	})
	if alice.RefreshToken == alice.AccessToken {
		checks.Lacks("refresh tokens of its own: py-oidc-auth gives the access token out as refresh token, so what refreshes there is a bearer token as well, here too")
	} else {
		t.Error("py-oidc-auth has refresh tokens of its own now")
	}
	checks.Lacks("scopes: tokens of py-oidc-auth in broker mode have no scope, and its guards do not ask for one")
}

// wrong are tokens that a service must not take for those of another, made from one that it takes, with the other's key.
func (p *pair) wrong(t *testing.T, key signer, good core.Token) map[string]string {
	t.Helper()
	past := float64(time.Now().Add(-2 * time.Minute).Unix()) // more than our leeway
	claims := func() map[string]any { return read(t, good.AccessToken, 1) }
	stranger := newSigner(t, newKey(t))
	stranger.kid = key.kid
	return map[string]string{
		"expired":                 key.sign(t, with(with(claims(), "exp", past), "iat", past-60)),
		"for another audience":    key.sign(t, with(claims(), "aud", "another")),
		"without an audience":     key.sign(t, with(claims(), "aud", nil)),
		"in a stranger's name":    key.sign(t, with(claims(), "iss", "https://stranger.example.org/api")),
		"changed":                 changed(t, good.AccessToken, func(c map[string]any) { c["roles"] = []string{"root"} }),
		"signed by somebody else": stranger.sign(t, claims()),
		"a refresh token":         good.RefreshToken,
		"the provider's ID token": p.idp.Sign("JWT", oidctest.Claims{"iss": p.idp.Issuer(), "sub": "alice", "aud": oidctest.ConfidentialClient,
			"iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix()}),
		"the provider's access token": p.idp.AccessToken("alice"),
		"no token":                    "x",
	}
}

// with sets a claim, or takes it out.
func with(claims map[string]any, name string, value any) map[string]any {
	if value == nil {
		delete(claims, name)
	} else {
		claims[name] = value
	}
	return claims
}
