package provider

import (
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// fositeConfig is the configuration for a client of a provider made with fosite.
func fositeConfig(p *parts.Fosite, client string) core.Config {
	cfg := core.Config{ClientID: client, DiscoveryURL: p.Issuer + "/.well-known/openid-configuration", Audience: []string{parts.API}}
	if client == "web" {
		cfg.ClientSecret = parts.GoSecret
	}
	return cfg
}

// fositeClient is a journey at a provider made with fosite, with one of its clients.
func fositeClient(framework, mode, client string, shape parts.Shape) journey {
	j := journey{
		part: "ory/fosite", version: parts.FositeVersion, framework: framework, mode: mode,
		user: "alice", password: "x", subject: "alice", email: "alice@example.test", opaque: !shape.JWT, revocation: mode == brokered || shape.JWT,
		config: func(t *testing.T, publicURL string) core.Config {
			return fositeConfig(parts.NewFosite(t, publicURL, shape), client)
		},
		lacks: []string{"device flow: fosite 0.49 has none", "logout at the provider: fosite has no end-session endpoint, the browser goes to the application at once"},
	}
	if mode == passthrough && shape.JWT {
		j.sees = func(t *testing.T, me app.Me) {
			audience, _ := me.Claims["aud"].([]any)
			scp, _ := me.Claims["scp"].([]any)
			if !slices.Equal(audience, []any{client, parts.API}) || len(scp) == 0 || me.Claims["scope"] != nil {
				t.Errorf("not what makes fosite another one: aud %v, scp %v, scope %v", me.Claims["aud"], me.Claims["scp"], me.Claims["scope"])
			}
			if !slices.Contains(me.Scopes, "email") || !slices.Contains(me.Scopes, "offline_access") {
				t.Errorf("scopes %v", me.Scopes)
			}
		}
	}
	return j
}

func TestFosite(t *testing.T) {
	post := parts.Shape{JWT: true, Auth: "client_secret_post"}
	for name, j := range map[string]journey{
		"gin, broker, opaque":                    fositeClient("gin", brokered, "web", parts.Shape{}),
		"echo, broker, public":                   fositeClient("echo", brokered, "cli", parts.Shape{}),
		"fiber, broker, JWT, ES256":              fositeClient("fiber", brokered, "web", parts.Shape{JWT: true, Algorithm: "ES256"}),
		"chi, broker, client_secret_post":        fositeClient("chi", brokered, "web", post),
		"chi, passthrough, JWT":                  fositeClient("chi", passthrough, "web", parts.Shape{JWT: true}),
		"gin, passthrough, public, JWT, ES256":   fositeClient("gin", passthrough, "cli", parts.Shape{JWT: true, Algorithm: "ES256"}),
		"fiber, passthrough, client_secret_post": fositeClient("fiber", passthrough, "web", post),
		"echo, passthrough, opaque":              fositeClient("echo", passthrough, "web", parts.Shape{}),
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); j.run(t) })
	}
}
