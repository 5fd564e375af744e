package provider

import (
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// lemonConfig is the configuration for a client of LemonLDAP::NG.
func lemonConfig(p *parts.LemonLDAP, client string) core.Config {
	return core.Config{
		ClientID: client, DiscoveryURL: p.Issuer + "/.well-known/openid-configuration",
		ClientSecret: map[string]string{"web": parts.LemonLDAPSecret, "odd": parts.LemonLDAPOddSecret}[client],
	}
}

// lemonClient is a journey at LemonLDAP::NG with one of its clients.
func lemonClient(t *testing.T, framework, mode, client string, shape parts.Shape) journey {
	t.Helper()
	j := journey{
		part: "LemonLDAP::NG", version: parts.LemonLDAPVersion(t), framework: framework, mode: mode,
		user: "dwho", password: "dwho", subject: "dwho", email: "dwho@badwolf.org", opaque: !shape.JWT, sameToken: true,
		config: func(t *testing.T, publicURL string) core.Config {
			return lemonConfig(parts.NewLemonLDAP(t, publicURL, shape), client)
		},
		lacks: []string{
			"device flow and revocation: LemonLDAP::NG 2.16 has neither",
			"a new refresh token with each refresh: its answer has none, the old one stays good",
		},
	}
	if mode == passthrough && shape.JWT {
		j.sees = func(t *testing.T, me app.Me) {
			if audience, _ := me.Claims["aud"].([]any); !slices.Equal(audience, []any{client, parts.API}) {
				t.Errorf("aud %v", me.Claims["aud"])
			}
			if !slices.Contains(me.Scopes, "email") || me.Claims["client_id"] != client {
				t.Errorf("scopes %v, client_id %v", me.Scopes, me.Claims["client_id"])
			}
		}
	}
	return j
}

func TestLemonLDAP(t *testing.T) {
	for name, j := range map[string]journey{
		"gin, broker, opaque":           lemonClient(t, "gin", brokered, "web", parts.Shape{}),
		"echo, broker, public":          lemonClient(t, "echo", brokered, "cli", parts.Shape{}),
		"fiber, broker, JWT":            lemonClient(t, "fiber", brokered, "web", parts.Shape{JWT: true}),
		"chi, passthrough, JWT":         lemonClient(t, "chi", passthrough, "web", parts.Shape{JWT: true}),
		"gin, passthrough, public, JWT": lemonClient(t, "gin", passthrough, "cli", parts.Shape{JWT: true}),
		"echo, passthrough, opaque":     lemonClient(t, "echo", passthrough, "web", parts.Shape{}),
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); j.run(t) })
	}
}
