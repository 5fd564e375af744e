package provider

import (
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// keycloakConfig is the configuration for a client of a realm. Users have roles at the client app, so that full scope puts
// that one into aud of the tokens of every other client.
func keycloakConfig(k *parts.Keycloak, client string) core.Config {
	cfg := core.Config{ClientID: client, DiscoveryURL: k.Issuer + "/.well-known/openid-configuration"}
	if client != parts.KeycloakPublic {
		cfg.ClientSecret = parts.KeycloakSecret(client)
	}
	if client != "app" {
		cfg.Audience = []string{core.IssuedToUs}
	}
	return cfg
}

// keycloakClient is alice's journey at a realm with one of its clients.
func keycloakClient(t *testing.T, k *parts.Keycloak, framework, mode, client string) journey {
	t.Helper()
	return journey{
		part: "Keycloak", version: parts.KeycloakVersion, framework: framework, mode: mode,
		user: "alice", password: "alice", subject: k.User(t, "alice"), revocation: true,
		config: func(*testing.T, string) core.Config { return keycloakConfig(k, client) },
		device: func(t *testing.T, agent *app.Agent, start core.DeviceStart) {
			agent.SignIn(t, *start.VerificationURIComplete, "", "alice", "alice")
		},
		lacks: []string{
			"refresh_expires_in: 0 for a refresh token without end, and for none",
			"device flow: the discovery document names its endpoint for clients that may not use it",
			"offline_access: the token endpoint refuses a user without the role with not_allowed, which no specification has",
		},
	}
}

// keycloakSite is an application with what its provider gave it.
type keycloakSite struct {
	*app.App
	mode     string
	provider *grants
}

// newKeycloakSite starts an application for one client of a realm, with guarded handlers.
func newKeycloakSite(t *testing.T, k *parts.Keycloak, framework, mode, client string, guarded app.Guarded, change func(*core.Config)) *keycloakSite {
	t.Helper()
	s := &keycloakSite{mode: mode, provider: &grants{}}
	s.App = app.Start(t, framework, guarded, func(publicURL string) core.Config {
		cfg := keycloakConfig(k, client)
		cfg.HTTPClient = &http.Client{Transport: s.provider}
		cfg.PostLogoutURIs = []string{publicURL + "/bye"}
		if mode == brokered {
			cfg.Broker, cfg.Store = &core.BrokerConfig{}, store.NewMemory()
		}
		if change != nil {
			change(&cfg)
		}
		return cfg
	})
	return s
}

// token logs a user in.
func (s *keycloakSite) token(t *testing.T, user string) core.Token {
	t.Helper()
	return app.JSON[core.Token](t, s.Login(t, app.NewAgent(), user, user))
}

// signIn logs a user in as a program does, without asking for offline access.
func (s *keycloakSite) signIn(t *testing.T, agent *app.Agent, user string) core.Token {
	t.Helper()
	callback := s.URL + app.Prefix + "/auth/v2/callback"
	back := agent.SignIn(t, s.URL+app.Prefix+"/auth/v2/login?redirect_uri="+callback, callback, user, user)
	return app.JSON[core.Token](t, agent.Open(t, back.URL.String(), "").Answer)
}

// status asks a guarded handler.
func (s *keycloakSite) status(t *testing.T, what, path, bearer string, want int) {
	t.Helper()
	if got := s.Get(t, path, bearer); got.Status != want {
		t.Errorf("%s: GET %s: status %d, want %d: %s", what, path, got.Status, want, got.Body)
	}
}

// refused expects a refusal of a request for tokens, with a code.
func (s *keycloakSite) refused(t *testing.T, what, field, value string, status int, code string) {
	t.Helper()
	got := s.Post(t, "/auth/v2/token", map[string][]string{field: {value}})
	if got.Status != status || errorCode(got) != code {
		t.Errorf("%s: %d %s, want %d %s", what, got.Status, got.Body, status, code)
	}
}

func TestKeycloak(t *testing.T) {
	k := parts.SharedKeycloak(t)
	for _, framework := range app.Frameworks {
		for _, mode := range []string{passthrough, brokered} {
			for _, client := range []string{"app", parts.KeycloakPublic} {
				t.Run(framework+", "+mode+", "+client, keycloakClient(t, k, framework, mode, client).run)
			}
		}
	}
}

// A client signs with what its attributes say; the journey is the same.
func TestKeycloakAlgorithms(t *testing.T) {
	k := parts.SharedKeycloak(t)
	for _, c := range []struct {
		algorithm, client string
		frameworks        []string
	}{
		{"ES256", "app-es256", []string{"gin", "chi"}},
		{"EdDSA", "app-eddsa", []string{"echo", "fiber"}},
	} {
		answer := k.Password(t, c.client, "alice", "openid")
		for _, name := range []string{"access_token", "id_token"} {
			if got := headerOf(t, answer[name])["alg"]; got != c.algorithm {
				t.Fatalf("%s: the %s is signed with %v", c.client, name, got)
			}
		}
		for _, framework := range c.frameworks {
			for _, mode := range []string{passthrough, brokered} {
				j := keycloakClient(t, k, framework, mode, c.client)
				t.Run(c.algorithm+", "+framework+", "+mode, j.run)
			}
		}
	}
}
