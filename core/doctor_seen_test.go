package core_test

import (
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// Mistakes that only requests show are found after one such request.
func TestDoctorReportsRequests(t *testing.T) {
	const keys = `SecretKeys: []string{os.Getenv("SECRET_KEY")}, // the output of: openssl rand -base64 48`
	other := func(c *core.Config) { c.SecretKeys = []string{"another secret of at least thirty-two bytes"} }
	db := store.NewMemory()
	for name, c := range map[string]struct {
		ask func(*flowService)
		mistake
	}{
		"a guard on the root": {func(f *flowService) {
			f.auth.Required().Admit(t.Context(), core.Credentials{Method: http.MethodGet, Target: "/auth/v2/login"})
		}, mistake{check: "requests", level: core.FindingWrong, text: "nobody can log in"}},
		"preflight": {func(f *flowService) {
			f.auth.Required().Admit(t.Context(), core.Credentials{Method: http.MethodOptions, Target: "/orders", Header: http.Header{"Access-Control-Request-Method": {"GET"}}})
		}, mistake{check: "requests", level: core.FindingWrong, text: "preflight"}},
		"a login of a replica": {func(f *flowService) {
			query, cookie := flowOver(t, f.idp, other).browser("alice")
			f.get("callback", query, cookie)
		}, mistake{check: "secret keys", level: core.FindingWrong, text: "another instance", line: keys}},
		"a session of a replica": {func(f *flowService) {
			cookie := f.idp.Session(flowOver(t, f.idp, withSessions(func(c *core.Config) { c.Store = db; other(c) })).auth, "alice")
			f.auth.Required().Admit(t.Context(), core.Credentials{Method: http.MethodGet, Target: "/", Header: http.Header{"Cookie": {cookie.Name + "=" + cookie.Value}}})
		}, mistake{config: withSessions(func(c *core.Config) { c.Store = db }), check: "secret keys", level: core.FindingWrong, text: "another instance", line: keys}},
		"another redirect URI": {func(f *flowService) { f.get("login", url.Values{"redirect_uri": {"https://spa.example.org/"}}) },
			mistake{check: "requests", level: core.FindingNote, text: "redirect URI", line: `RedirectURIs: []string{core.Loopback, "https://client.example.org/callback"},`}},
	} {
		t.Run(name, func(t *testing.T) {
			f := flowOver(t, oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256")), c.config)
			if list := f.auth.Doctor(t.Context()); c.has(list) {
				t.Errorf("before the request: %+v", list)
			}
			c.ask(f)
			if list := f.auth.Doctor(t.Context()); !c.has(list) {
				t.Errorf("got %+v", list)
			}
		})
	}
}
