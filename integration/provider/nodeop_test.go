package provider

import (
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// nodeConfig is the configuration for a client of node-oidc-provider.
func nodeConfig(p *parts.NodeProvider, client string, shape parts.Shape) core.Config {
	cfg := core.Config{ClientID: client, DiscoveryURL: p.Issuer + "/.well-known/openid-configuration"}
	if client != "cli" {
		cfg.ClientSecret = parts.NodeSecret(client)
	}
	if shape.JWT {
		cfg.Audience = []string{parts.API}
	}
	return cfg
}

// nodeClient is a journey at node-oidc-provider with one of its clients.
func nodeClient(framework, mode, client string, shape parts.Shape) journey {
	j := journey{
		part: "node-oidc-provider", version: parts.NodeVersion, framework: framework, mode: mode,
		user: "alice", password: "x", subject: "alice", email: "alice@example.test", opaque: !shape.JWT, noUserInfo: shape.JWT, revocation: mode == brokered,
		config: func(t *testing.T, publicURL string) core.Config {
			return nodeConfig(parts.NewNodeProvider(t, publicURL, shape), client, shape)
		},
		device: func(t *testing.T, agent *app.Agent, start core.DeviceStart) {
			if start.Interval != 5 {
				t.Errorf("the provider names no interval, so it is 5 s and not %d", start.Interval)
			}
			agent.SignIn(t, *start.VerificationURIComplete, "", "alice", "x")
		},
		lacks: []string{"userinfo with JWT access tokens: they name the API as audience, and the provider takes none of those"},
	}
	if shape.JWT {
		j.sees = func(t *testing.T, me app.Me) {
			if !slices.Contains(me.Roles, "admins") || !slices.Contains(me.Roles, "staff") { // the access token's groups
				t.Errorf("roles %v", me.Roles)
			}
		}
	}
	return j
}

func TestNodeProvider(t *testing.T) {
	opaque, jwt := parts.Shape{}, parts.Shape{JWT: true}
	post := parts.Shape{Auth: "client_secret_post"}
	for name, j := range map[string]journey{
		"gin, broker, opaque":             nodeClient("gin", brokered, "web", opaque),
		"echo, broker, JWT":               nodeClient("echo", brokered, "web", jwt),
		"fiber, broker, public":           nodeClient("fiber", brokered, "cli", opaque),
		"chi, broker, client_secret_post": nodeClient("chi", brokered, "web", post),
		"chi, broker, ES256":              nodeClient("chi", brokered, "web-es256", opaque),
		"gin, broker, EdDSA":              nodeClient("gin", brokered, "web-eddsa", opaque),
		"gin, passthrough, opaque":        nodeClient("gin", passthrough, "web", opaque),
		"echo, passthrough, JWT":          nodeClient("echo", passthrough, "web", jwt),
		"fiber, passthrough, public, JWT": nodeClient("fiber", passthrough, "cli", jwt),
		// Registered for client_secret_post, where both are offered and core takes the header: that is good here, too.
		"gin, passthrough, post, JWT":   nodeClient("gin", passthrough, "web-post", jwt),
		"chi, passthrough, ES256, JWT":  nodeClient("chi", passthrough, "web-es256", jwt),
		"echo, passthrough, EdDSA, JWT": nodeClient("echo", passthrough, "web-eddsa", jwt),
	} {
		t.Run(name, func(t *testing.T) { t.Parallel(); j.run(t) })
	}
}
