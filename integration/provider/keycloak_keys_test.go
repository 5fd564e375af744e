package provider

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// keycloakRotated is an application that has given out a token before the keys change.
type keycloakRotated struct {
	*keycloakSite
	checks *compat.Checks
	old    core.Token
}

// accepts says whether a token of the provider's is good here: at the guards, in broker mode for the exchange, for which it has
// to name this client in aud.
func (r *keycloakRotated) accepts(t *testing.T, token any) bool {
	t.Helper()
	access, _ := token.(string)
	if r.mode == passthrough {
		return r.Get(t, "/me", access).Status == http.StatusOK
	}
	form := url.Values{"grant_type": {"urn:ietf:params:oauth:grant-type:token-exchange"}, "subject_token": {access}}
	return r.Post(t, "/auth/v2/token", form).Status == http.StatusOK
}

// Keys change while tokens are in use. An unknown key is fetched when a token names it, at the earliest ten seconds after the last fetch.
// Tokens of a withdrawn key are refused from the next fetch on.
func TestKeycloakKeys(t *testing.T) {
	k := parts.NewKeycloak(t)
	var sites []*keycloakRotated
	for _, c := range [][2]string{{"gin", passthrough}, {"echo", passthrough}, {"fiber", brokered}, {"chi", brokered}} {
		r := &keycloakRotated{newKeycloakSite(t, k, c[0], c[1], "app", nil, nil), compat.New(t, "Keycloak", parts.KeycloakVersion, c[0], c[1]), core.Token{}}
		r.old = r.token(t, "alice")
		sites = append(sites, r)
	}
	first := k.Password(t, "other-for-app", "alice", "openid")["access_token"]
	k.AddKey(t, "second", 200)
	second := k.Password(t, "other-for-app", "alice", "openid")["access_token"]
	if headerOf(t, first)["kid"] == headerOf(t, second)["kid"] {
		t.Fatal("Keycloak signs with the old key")
	}
	for _, r := range sites {
		r.checks.Run("a new signing key", func(t *testing.T) {
			eventually(t, "a token of the new key", func() bool { return r.accepts(t, second) })
			r.status(t, "logged in now", "/me", r.token(t, "alice").AccessToken, http.StatusOK)
			r.status(t, "logged in before", "/me", r.old.AccessToken, http.StatusOK)
			if !r.accepts(t, first) {
				t.Error("a token of the old key, which is still published, is refused")
			}
		})
	}
	k.AddKey(t, "third", 300)
	k.DropKey(t, "rs256")
	third := k.Password(t, "other-for-app", "alice", "openid")["access_token"]
	for _, r := range sites {
		r.checks.Run("a signing key that is withdrawn", func(t *testing.T) {
			eventually(t, "a token of the newest key", func() bool { return r.accepts(t, third) })
			if r.accepts(t, first) || !r.accepts(t, second) {
				t.Error("a token of the withdrawn key is accepted, or one of a published key is not")
			}
			if r.mode == brokered { // own tokens do not hang on the provider's keys
				r.status(t, "logged in before", "/me", r.old.AccessToken, http.StatusOK)
			}
			r.status(t, "refreshed", "/me", r.Refresh(t, r.old.RefreshToken).AccessToken, http.StatusOK)
			r.status(t, "logged in now", "/me", r.token(t, "alice").AccessToken, http.StatusOK)
		})
	}
}
