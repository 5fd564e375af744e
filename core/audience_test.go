package core_test

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A guard checks both what a token is for and what it allows, and neither stands in for the other.
func TestAudienceAndScopeAreBothChecked(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	auth, err := core.New(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	guard := auth.Required(core.Scopes("write"))
	elsewhere := oidctest.Claims{"aud": "other", "azp": "other", "client_id": "other", "scope": "write"}
	for name, c := range map[string]struct {
		claims oidctest.Claims
		status int
	}{
		"both":         {oidctest.Claims{"scope": "read write"}, 200},
		"no scope":     {oidctest.Claims{"scope": "read"}, 403},
		"no audience":  {elsewhere, 401},
		"part of word": {oidctest.Claims{"scope": "writer"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, guard, idp.AccessToken("alice", c.claims), c.status)
		})
	}
}
