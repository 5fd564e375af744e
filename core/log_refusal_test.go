package core_test

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Each refused token has one line at level debug, with the reason, what was required, and the route, but no part of the token.
func TestRefusedTokenIsLogged(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth(func(c *core.Config) { c.Audience = []string{"api", "other-api"} })
	const name = "CLAIM-OF-THE-TOKEN"
	good := claims{"aud": "api", "name": name, "scope": "CLAIM-OF-THE-TOKEN:read", "groups": []string{name}}
	with := func(more claims) string {
		all := claims{}
		for _, part := range []claims{good, more} {
			for name, value := range part {
				all[name] = value
			}
		}
		return idp.token(all)
	}
	valid := with(nil)
	required := auth.Required()
	for what, c := range map[string]struct {
		guard *core.Guard
		token string
		want  []string
	}{
		"audience":     {required, with(claims{"aud": name}), []string{"reason=audience", `want_audience="[api other-api]"`}},
		"issuer":       {required, with(claims{"iss": "https://" + name}), []string{"reason=issuer", "want_issuer="}},
		"expired":      {required, with(claims{"exp": time.Now().Unix() - 600}), []string{"reason=expired"}},
		"malformed":    {required, name, []string{"reason=malformed"}},
		"signature":    {required, valid[:len(valid)-8] + "AAAAAAAA", []string{"reason=bad_signature"}},
		"scopes":       {auth.Required(core.Scopes("admin", "write")), valid, []string{"reason=insufficient", `want_scopes="[admin write]"`}},
		"role":         {auth.Required(core.Roles("admin")), valid, []string{"reason=insufficient", `want_requirement="Roles admin"`}},
		"any":          {auth.Required(core.AnyOf(core.Roles("admin"), core.Claim("a.b", "c"))), valid, []string{"reason=insufficient", `want_requirement="AnyOf (Roles admin; Claim a.b)"`}},
		"optional too": {auth.Optional(), with(claims{"aud": name}), []string{"reason=audience"}},
	} {
		idp.keepSecret(name)
		idp.keepSecret(base64.RawURLEncoding.EncodeToString([]byte(`"name":"` + name)))
		idp.keepSecret("TEXT-OF-THE-CLIENT")
		for _, part := range strings.Split(c.token, ".") {
			idp.keepSecret(part)
		}
		before := len(idp.logs.String())
		c.guard.Admit(t.Context(), core.Credentials{
			Method: "GET", Target: "/TEXT-OF-THE-CLIENT?x=TEXT-OF-THE-CLIENT", Route: "GET /orders/{id}",
			Header: http.Header{"Authorization": {"Bearer " + c.token}, "X": {"TEXT-OF-THE-CLIENT"}},
		})
		line := idp.logs.String()[before:]
		for _, want := range append(c.want, "level=DEBUG", `msg="a token was refused"`, "method=GET", `route="GET /orders/{id}"`) {
			if !strings.Contains(line, want) {
				t.Errorf("%s: %q does not say %s", what, line, want)
			}
		}
		if strings.Count(line, "\n") != 1 {
			t.Errorf("%s: %q", what, line)
		}
	}
	before := len(idp.logs.String())
	mustAdmit(t, required, valid)
	required.Admit(t.Context(), core.Credentials{})
	required.Admit(t.Context(), core.Credentials{Method: "TEXT-OF-THE-CLIENT", Header: http.Header{"Authorization": {"Bearer x"}}})
	if line := idp.logs.String()[before:]; strings.Count(line, "\n") != 1 || !strings.Contains(line, `method="" route=""`) {
		t.Errorf("a good token, none, and another method: %q", line)
	}
}

// The line names a route of this library.
func TestRefusedTokenAtOwnRoutes(t *testing.T) {
	f := newFlow(t, nil)
	f.userInfo("Bearer x.y.z")
	f.get("logout", nil, "Authorization: Bearer x.y.z")
	for _, route := range []string{"route=userinfo", "route=logout"} {
		if n := linesWith(f.traffic.logs.String(), "DEBUG", route); n != 1 {
			t.Errorf("%s: %d lines", route, n)
		}
	}
}

// At most ten lines per second, and then one with the number of dropped lines.
func TestRefusedTokensAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		guard := idp.auth().Required()
		for range 3 {
			for range 1000 {
				wantStatus(t, guard, "x.y.z", http.StatusUnauthorized)
			}
			time.Sleep(time.Second)
		}
		lines := logLines(idp.logs.String(), "DEBUG")
		if len(lines) != 32 || linesWith(idp.logs.String(), "DEBUG", "dropped=990") != 2 {
			t.Errorf("%d lines: %q", len(lines), lines)
		}
	})
}

// If level debug is disabled, nothing is formatted or counted.
func TestRefusedTokensWithoutDebug(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp, level := newIDP(t), &slog.LevelVar{}
		log := slog.New(slog.NewTextHandler(&idp.logs, &slog.HandlerOptions{Level: level}))
		guard := idp.auth(func(c *core.Config) { c.Logger = log }).Required()
		for range 1000 {
			wantStatus(t, guard, "x.y.z", http.StatusUnauthorized)
		}
		level.Set(slog.LevelDebug)
		wantStatus(t, guard, "x.y.z", http.StatusUnauthorized)
		if lines := logLines(idp.logs.String(), "DEBUG"); len(lines) != 1 || strings.Contains(lines[0], "dropped") {
			t.Errorf("%q", lines)
		}
	})
}

// A login with a redirect URI that is not allowed is logged at most once a minute, with the allowed ones.
func TestRefusedRedirectIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := flowInMemory(t, &flowMemory{}, func(c *core.Config) {
			c.PublicURL, c.RedirectURIs = "https://app.example/api", []string{"https://spa.example/back"}
		})
		f.traffic.keep("evil.example/TEXT-OF-THE-CLIENT")
		for range 50 {
			f.get("login", url.Values{"redirect_uri": {"https://evil.example/TEXT-OF-THE-CLIENT"}})
		}
		lines := logLines(f.traffic.logs.String(), "WARN")
		if len(lines) != 1 {
			t.Fatalf("%q", lines)
		}
		for _, want := range []string{"redirect_uri", "own_callback=https://app.example/api/auth/v2/callback", "redirect_uris=[https://spa.example/back]", "Config.PublicURL", "Config.RedirectURIs"} {
			if !strings.Contains(lines[0], want) {
				t.Errorf("%q does not say %s", lines[0], want)
			}
		}
		time.Sleep(time.Minute)
		f.get("login", url.Values{"redirect_uri": {"https://evil.example/"}})
		if n := linesWith(f.traffic.logs.String(), "WARN", "dropped=49"); n != 1 {
			t.Errorf("a minute later: %q", logLines(f.traffic.logs.String(), "WARN"))
		}
	})
}
