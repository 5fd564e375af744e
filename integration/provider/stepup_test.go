package provider

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// The pages of the tests of a step-up. stepUpLeeway is shorter than by default, so that a login is old soon.
const stepUpLeeway = 10 * time.Second

var stepUpGuards = app.Guarded{"/gold": {core.ACR("gold")}, "/now": {core.MaxAge(0)}, "/platinum": {core.ACR("platinum")}}

// withStepUp adds sessions whose claims are never refreshed in a test, and logins whose parameters the test sees.
func withStepUp(cfg *core.Config) {
	withSessions(cfg, time.Hour)
	cfg.Leeway, cfg.PushedRequests = stepUpLeeway, core.PushNever
}

// better opens a page that needs a better login, logs in, and returns what the browser shows then.
func (v *visitor) better(t *testing.T, path string) app.Page {
	t.Helper()
	back := v.agent.SignIn(t, v.at(path), v.at("/auth/v2/callback?"), v.user, v.password)
	return v.agent.Open(t, back.URL.String(), "")
}

// asked is what the provider is asked for on the way to a page; nil: the guard admits the person.
func (v *visitor) asked(t *testing.T, path string) url.Values {
	t.Helper()
	first := v.agent.Open(t, v.at(path), v.at("/auth/v2/login?"))
	if first.Status == http.StatusOK {
		return nil
	}
	login := v.agent.Open(t, first.URL.String(), "http")
	return login.URL.Query()
}

// stepsUp is a person's way to a login with the level gold, and to a new one, at a provider that has bronze beside it.
func stepsUp(t *testing.T, checks *compat.Checks, a *app.App, user, password string) {
	checks.Run("step-up: acr_values, and back to the page with a new session", func(t *testing.T) {
		v := visit(t, a, user, password)
		before := v.sessionID(t)
		if asked := v.asked(t, "/gold"); asked.Get("acr_values") != "gold" {
			t.Fatalf("the provider is asked for %v", asked)
		}
		page := v.better(t, "/gold")
		if me := app.JSON[app.Me](t, page.Answer); page.Status != http.StatusOK || me.Claims["acr"] != "gold" || page.URL.String() != v.at("/gold") {
			t.Errorf("the step-up ends at %s: %d %.300s", page.URL, page.Status, page.Body)
		}
		if v.sessionID(t) == before || v.asked(t, "/gold") != nil {
			t.Error("the session is the one before")
		}
	})
	checks.Run("step-up: max_age=0 makes the person log in once more", func(t *testing.T) {
		v := visit(t, a, user, password)
		var asked url.Values
		eventually(t, "the login is old", func() bool { asked = v.asked(t, "/now"); return asked != nil })
		if asked.Get("max_age") != "0" || asked.Get("prompt") != "login" {
			t.Errorf("the provider is asked for %v", asked)
		}
		page := v.better(t, "/now")
		me := app.JSON[app.Me](t, page.Answer)
		if at, _ := me.Claims["auth_time"].(float64); page.Status != http.StatusOK || time.Since(time.Unix(int64(at), 0)) > 2*stepUpLeeway {
			t.Errorf("the step-up ends at %s: %d %.300s", page.URL, page.Status, page.Body)
		}
	})
	checks.Run("step-up: a level that the provider does not have ends in a page", func(t *testing.T) {
		v := visit(t, a, user, password)
		page := v.better(t, "/platinum")
		if page.Status != http.StatusForbidden || !strings.Contains(page.Body, "Another login is needed") || !strings.HasPrefix(page.URL.String(), v.at("/auth/v2/callback")) {
			t.Errorf("the step-up ends at %s: %d %.300s", page.URL, page.Status, page.Body)
		}
		if !v.isIn(t) {
			t.Error("the session is gone")
		}
	})
}

// sessionID is the id of the session in the list of the sessions route.
func (v *visitor) sessionID(t *testing.T) string {
	t.Helper()
	list := app.JSON[struct {
		Sessions []struct {
			ID      string
			Current bool
		}
	}](t, v.agent.Open(t, v.at("/auth/v2/sessions"), "").Answer)
	for _, session := range list.Sessions {
		if session.Current {
			return session.ID
		}
	}
	t.Fatal("no session")
	return ""
}

// Keycloak has levels of authentication in its browser flow, and names for them.
func TestKeycloakStepUp(t *testing.T) {
	k := parts.NewKeycloak(t)
	k.AddStepUp(t, "app", [2]string{"bronze", "gold"})
	keycloakEach(t, []string{"gin", "fiber"}, func(t *testing.T, checks *compat.Checks, framework, mode string) {
		s := newKeycloakSite(t, k, framework, mode, "app", stepUpGuards, func(cfg *core.Config) {
			cfg.NoOfflineAccess, cfg.PostLogoutURIs = true, nil
			withStepUp(cfg)
		})
		stepsUp(t, checks, s.App, "alice", "alice")
		checks.Run("step-up: acr and auth_time are in access tokens", func(t *testing.T) {
			form := s.ProgramLogin(t, app.NewAgent(), "bob", "bob")
			token := app.JSON[core.Token](t, s.Post(t, "/auth/v2/token", form)).AccessToken
			claims := claimsOf(t, token)
			if claims["acr"] != "bronze" || claims["auth_time"] == nil {
				t.Errorf("acr %v, auth_time %v", claims["acr"], claims["auth_time"])
			}
			got := s.Get(t, "/gold", token)
			if challenge := got.Header.Get("WWW-Authenticate"); got.Status != http.StatusUnauthorized || !strings.HasSuffix(challenge, `acr_values="gold"`) {
				t.Errorf("GET /gold: %d %s", got.Status, challenge)
			}
		})
	})
}

// node-oidc-provider asks again for acr_values by a policy of its operator, and names auth_time only where max_age was asked for.
func TestNodeStepUp(t *testing.T) {
	for _, framework := range []string{"echo", "chi"} {
		for _, mode := range []string{passthrough, brokered} {
			t.Run(framework+", "+mode, func(t *testing.T) {
				t.Parallel()
				checks := compat.New(t, "node-oidc-provider", parts.NodeVersion, framework, mode)
				shape := parts.Shape{Sessions: true, ACR: "bronze gold"}
				a := app.Start(t, framework, stepUpGuards, func(publicURL string) core.Config {
					cfg := nodeConfig(parts.NewNodeProvider(t, publicURL, shape), "web", shape)
					if mode == brokered {
						cfg.Broker = &core.BrokerConfig{}
					}
					withStepUp(&cfg)
					return cfg
				})
				stepsUp(t, checks, a, "alice", "x")
			})
		}
	}
}
