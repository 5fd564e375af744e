package contract

import (
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const weakDetail = "A stronger or more recent login is needed."

// weakChallenge is the header with which a guard demands another login (RFC 9470 section 3).
func weakChallenge(demand string) string {
	return challenge + `, error="insufficient_user_authentication", error_description="` + weakDetail + `", ` + demand
}

// weakLogin is a guard's answer to a bearer token whose login is not enough.
func weakLogin(demand string) string {
	return refused(http.StatusUnauthorized, "insufficient_user_authentication", weakDetail, weakChallenge(demand))
}

// testStepUp: bearer tokens at guards that need a strong or recent login.
func testStepUp(t *testing.T, a setup) {
	gold, recent := core.ACR("silver", "gold"), core.MaxAge(5*time.Minute)
	s := a.open(t, plan{provider: []oidctest.Option{oidctest.WithACR("bronze", "gold")}, build: func(app App) {
		standard(t, app)
		app.Get("/gold/route", who, Required(gold))
		app.Group("/gold/group", Required(gold)).Get("/x", who)
		app.Handle("/gold/handle", who, gold)
		app.Handle("/recent", who, recent)
		app.Handle("/both", who, gold, recent)
		app.HandleOptional("/optional", who, gold)
		app.HandleOptional("/strict", who, gold, core.RejectInvalid)
	}})
	now := time.Now().Unix()
	const goldValues, maxAge = `acr_values="silver gold"`, `max_age="300"`
	good := s.bearer("alice", oidctest.Claims{"acr": "gold", "auth_time": now})
	old := s.bearer("alice", oidctest.Claims{"acr": "gold", "auth_time": now - 3600})
	weak := s.bearer("alice", oidctest.Claims{"acr": "bronze", "auth_time": now})
	none := s.bearer("alice", oidctest.Claims{"acr": nil, "auth_time": nil})
	for path, given := range map[string]int{"/gold/route": 1, "/gold/group/x": 1, "/gold/handle": 2} {
		s.get(path, good).is(seen("alice", given))
		s.get(path, old).is(seen("alice", given))
		s.get(path, weak).is(weakLogin(goldValues))
		s.get(path, none).is(weakLogin(goldValues))
		s.get(path).is(noCredentials())
	}
	s.get("/recent", weak).is(seen("alice", 2))
	s.get("/recent", old).is(weakLogin(maxAge))
	s.get("/recent", none).is(weakLogin(maxAge))
	s.get("/both", good).is(seen("alice", 2))
	for _, line := range []string{old, weak, none} {
		s.get("/both", line).is(weakLogin(goldValues + ", " + maxAge))
	}
	s.get("/optional", good).is(seen("alice", 2))
	s.get("/optional", weak).is(seen("", 2))
	s.get("/strict", weak).is(weakLogin(goldValues))
	for _, claims := range []oidctest.Claims{
		{"acr": []string{"gold"}}, {"acr": 1}, {"acr": "Gold"}, {"acr": map[string]any{"gold": true}}, {"auth_time": "1"}, {"auth_time": now + 3600}, {"auth_time": -1}, {"auth_time": 1e300}, {"auth_time": true},
	} {
		for name, value := range map[string]any{"acr": "gold", "auth_time": now} {
			if _, given := claims[name]; !given {
				claims[name] = value
			}
		}
		s.get("/both", s.bearer("alice", claims)).is(weakLogin(goldValues + ", " + maxAge))
	}
	t.Run("a login", func(t *testing.T) { loginThatSteps(t, a) })
}

// loginThatSteps: a program whose token is not enough logs in with what it was told, and a refresh keeps that.
func loginThatSteps(t *testing.T, a setup) {
	s := a.open(t, plan{
		provider: []oidctest.Option{oidctest.WithACR("bronze", "gold")},
		config:   func(cfg *core.Config) { cfg.AllowAuthParams = []string{"acr_values", "max_age"} },
		build: func(app App) {
			standard(t, app)
			app.Handle("/gold", who, core.ACR("gold"), core.MaxAge(time.Hour))
		},
	})
	tokens := s.tokens(s.codeForm("alice"))
	s.get("/gold", "Authorization: Bearer "+tokens.AccessToken).is(weakLogin(`acr_values="gold", max_age="3600"`))
	start := s.get(loginQuery("redirect_uri", loopback, "acr_values", "gold", "max_age", "3600"))
	back, err := s.idp.Approve(start.location(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	tokens = s.tokens(url.Values{
		"grant_type": {"authorization_code"}, "redirect_uri": {loopback}, "code": {back.Query().Get("code")}, "code_verifier": {back.Query().Get("state")},
	})
	s.get("/gold", "Authorization: Bearer "+tokens.AccessToken).is(seen("alice", 2))
	s.get("/gold", "Authorization: Bearer "+s.tokens(refreshForm(tokens.RefreshToken)).AccessToken).is(seen("alice", 2))
}
