package contract

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// testAuthorization writes the header line by line, in ways that client libraries do not.
func testAuthorization(t *testing.T, a setup) {
	s := a.open(t, plan{build: func(app App) {
		mount(t, app.Group(group), core.Paths{})
		app.Get("/required", who, Required())
		app.HandleOptional("/optional", who)
	}})
	alice, bob := s.bearer("alice"), s.bearer("bob")
	lower := strings.Replace(alice, "Authorization", "authorization", 1)
	upper := strings.Replace(bob, "Authorization", "AUTHORIZATION", 1)
	for name, lines := range map[string][]string{
		"two users":      {alice, bob},
		"the same twice": {alice, alice},
		"two spellings":  {lower, upper},
		"good and bad":   {alice, "Authorization: Bearer x"},
		"bad and good":   {"Authorization: Basic YTpi", alice},
		"good and empty": {alice, "Authorization:"},
		"apart":          {alice, "X-Between: 1", bob},
	} {
		t.Run(name, func(t *testing.T) {
			s := s.in(t)
			s.raw(append([]string{"GET /required HTTP/1.1"}, lines...)...).is(manyHeaders())
			s.raw(append([]string{"GET " + userInfo + " HTTP/1.1"}, lines...)...).is(manyHeaders())
			s.raw(append([]string{"GET /optional HTTP/1.1"}, lines...)...).is(seen("", 2))
		})
	}
	for name, line := range map[string]string{
		"lower case name": lower,
		"no space":        strings.Replace(alice, ": ", ":", 1),
		"spaces":          strings.Replace(alice, ": ", ":   ", 1) + "  ",
		"tabs":            strings.Replace(alice, ": ", ":\t", 1) + "\t",
	} {
		t.Run(name, func(t *testing.T) { s.in(t).raw("GET /required HTTP/1.1", line).is(seen("alice", 1)) })
	}
	t.Run("8 KB token", func(t *testing.T) {
		s := s.in(t)
		line := s.bearer("alice", oidctest.Claims{"name": strings.Repeat("x", 6<<10)})
		if len(line) < 8<<10 {
			t.Fatalf("%d bytes", len(line))
		}
		s.get("/required", line).is(seen("alice", 1))
		s.get(userInfo, line).hasStatus(http.StatusOK)
		s.get(logout, line).hasStatus(http.StatusFound)
	})
}

// testOtherPlaces: a token counts only in the header Authorization.
func testOtherPlaces(t *testing.T, a setup) {
	s := a.open(t, plan{})
	raw := s.token("alice")
	query := "?" + url.Values{"access_token": {raw}, "token": {raw}, "authorization": {"Bearer " + raw}}.Encode()
	for _, path := range []string{"/me", userInfo} {
		s.get(path + query).is(noCredentials())
		s.get(path, "Cookie: access_token="+raw+"; Authorization=Bearer "+raw).is(noCredentials())
		s.get(path, "Proxy-Authorization: Bearer "+raw, "X-Authorization: Bearer "+raw, "X-Forwarded-Access-Token: "+raw).is(noCredentials())
		s.send(http.MethodGet, path, strings.NewReader("access_token="+raw), "Content-Type: application/x-www-form-urlencoded").is(noCredentials())
	}
	s.get(logout + query).hasStatus(http.StatusFound)
	if hits := s.idp.Hits(oidctest.Revocation); hits != 0 {
		t.Errorf("%d revocations of a token that was no bearer", hits)
	}
	// The headers about the host are ignored: public addresses come from the configuration.
	s.get(loginQuery("redirect_uri", "https://evil.example/auth/v2/callback"), "X-Forwarded-Host: evil.example", "X-Forwarded-Proto: https",
		"Forwarded: host=evil.example;proto=https").is(invalid("This redirect_uri is not allowed."))
}
