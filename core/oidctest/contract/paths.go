package contract

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// mounted reports which of the routes this library answers under the paths.
func (s *site) mounted(paths core.Paths, want bool) {
	s.t.Helper()
	for _, route := range []struct{ method, path, want string }{
		{http.MethodGet, paths.Login, invalid("Missing redirect_uri")},
		{http.MethodGet, paths.Callback, refused(http.StatusBadRequest, "invalid_request", "Missing code or state", noReferrer)},
		{http.MethodPost, paths.Token, nothingUsable()},
		{http.MethodPost, paths.Device, jsonWith(http.StatusServiceUnavailable, `{"detail":"OIDC endpoint 'device_authorization_endpoint' not found in discovery."}`)},
		{http.MethodGet, paths.Logout, moved("/")},
		{http.MethodPost, paths.Logout, jsonWith(http.StatusOK, `{"logout_url":"/"}`)},
		{http.MethodGet, paths.UserInfo, noCredentials()},
		{http.MethodGet, paths.JWKS, s.jwks},
		{http.MethodPost, paths.Revoke, s.noToken},
	} {
		if route.path == "" {
			continue
		}
		got := s.send(route.method, paths.Prefix+route.path, nil)
		if want && route.want != "" {
			got.is(route.want)
		} else {
			got.hasStatus(http.StatusNotFound)
		}
	}
}

func defaultPaths(prefix string) core.Paths {
	const at = "/auth/v2/"
	return core.Paths{Prefix: prefix, Login: at + "login", Callback: at + "callback", Token: at + "token", Device: at + "device", Logout: at + "logout", UserInfo: at + "userinfo", JWKS: at + ".well-known/jwks.json", Revoke: at + "revoke"}
}

func testPaths(t *testing.T, a setup) {
	bare := []oidctest.Option{oidctest.WithoutDeviceFlow(), oidctest.WithoutEndSession()}
	open := func(t *testing.T, build func(App)) *site { return a.open(t, plan{provider: bare, build: build}) }
	renamed := core.Paths{Login: "/in", Callback: "/back", Token: "/a/b/token", Device: "/device.start", Logout: "/out", UserInfo: "/~me", JWKS: "/keys.json", Revoke: "/a/revoke"}

	t.Run("defaults on the application", func(t *testing.T) {
		s := open(t, func(app App) { mount(t, app, core.Paths{}) })
		s.mounted(defaultPaths(""), true)
		s.mounted(defaultPaths("/api"), false)
	})
	t.Run("prefix", func(t *testing.T) {
		s := open(t, func(app App) { mount(t, app, core.Paths{Prefix: "/one/two/"}) })
		s.mounted(defaultPaths("/one/two"), true)
		s.mounted(defaultPaths(""), false)
	})
	t.Run("group and prefix", func(t *testing.T) {
		s := open(t, func(app App) { mount(t, app.Group("/zero").Group("/one"), core.Paths{Prefix: "/two"}) })
		s.mounted(defaultPaths("/zero/one/two"), true)
		s.mounted(defaultPaths("/two"), false)
	})
	t.Run("renamed", func(t *testing.T) {
		s := open(t, func(app App) { mount(t, app.Group("/api"), renamed) })
		under := renamed
		under.Prefix = "/api"
		s.mounted(under, true)
		s.mounted(defaultPaths("/api"), false)
		// The callback of a login is PublicURL plus the entry, wherever the group is.
		s.get("/api/in?redirect_uri=" + url.QueryEscape(ownCallback)).is(invalid("This redirect_uri is not allowed."))
		s.get("/api/in?redirect_uri=" + url.QueryEscape(publicURL+"/back")).hasStatus(http.StatusFound)
	})
	t.Run("twice", func(t *testing.T) {
		s := open(t, func(app App) {
			mount(t, app.Group("/old"), core.Paths{})
			mount(t, app, renamed)
		})
		s.mounted(defaultPaths("/old"), true)
		s.mounted(renamed, true)
	})
	t.Run("off", func(t *testing.T) {
		s := open(t, func(app App) {
			mount(t, app, core.Paths{Login: core.Off, Callback: core.Off, Device: core.Off, Logout: core.Off, JWKS: core.Off, Revoke: core.Off})
		})
		s.mounted(core.Paths{Token: "/auth/v2/token", UserInfo: "/auth/v2/userinfo"}, true)
		off := defaultPaths("")
		off.Token, off.UserInfo = "", ""
		s.mounted(off, false)
	})
	t.Run("no token route", func(t *testing.T) {
		open(t, func(app App) {
			err := app.Group("/without").Mount(core.Paths{Token: core.Off})
			if (err != nil) != (a.withoutToken != "") || err != nil && !strings.Contains(err.Error(), a.withoutToken) {
				t.Errorf("got %v, want %q", err, a.withoutToken)
			}
		})
	})
	t.Run("bad paths mount nothing", func(t *testing.T) {
		s := open(t, func(app App) { badPaths(t, app) })
		s.mounted(defaultPaths(""), false)
		s.mounted(defaultPaths("/api"), false)
	})
}

func badPaths(t *testing.T, app App) {
	for _, bad := range []string{"auth", "/", "/a/", "//a", "/a//b", "/:a", "/*", "/{a}", "/a?b", "/a b", "/../a", "/a%20", "/ü", "/a#b", "/(a)", "/a+"} {
		if err := app.Mount(core.Paths{UserInfo: bad}); err == nil || !strings.Contains(err.Error(), bad) {
			t.Errorf("userinfo at %q: %v", bad, err)
		}
		if err := app.Group("/api").Mount(core.Paths{Prefix: bad + "x/{y}"}); err == nil {
			t.Errorf("prefix %q is taken", bad+"x/{y}")
		}
	}
	err := app.Mount(core.Paths{Login: "/same", Logout: "/same", Token: "bad"})
	if err == nil || !strings.Contains(err.Error(), "/same") || !strings.Contains(err.Error(), "bad") {
		t.Errorf("two faults: %v", err)
	}
}

func (a setup) wrongMethod() int {
	if a.Differences.WrongMethod != 0 {
		return a.Differences.WrongMethod
	}
	return http.StatusMethodNotAllowed
}

// testMethods: a path answers only its own methods; others have no effect.
func testMethods(t *testing.T, a setup) {
	s := a.open(t, plan{})
	query, cookies := s.begin(ownCallback, "alice")
	back := callback + "?" + query.Encode()
	refresh := s.tokens(s.codeForm("alice")).RefreshToken
	form := url.Values{"refresh-token": {refresh}}.Encode()
	hits, bearer := s.idp.Hits(oidctest.Token), s.bearer("alice")
	for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, "BREW"} {
		status := a.wrongMethod()
		if method == "BREW" {
			status = 0 // a router may not know the method at all
		}
		for path, own := range map[string][]string{
			loginQuery("redirect_uri", loopback): {http.MethodGet}, back: {http.MethodGet}, token: {http.MethodPost}, device: {http.MethodPost},
			logout: {http.MethodGet, http.MethodPost}, userInfo: {http.MethodGet}, revoke: {http.MethodPost},
		} {
			if slices.Contains(own, method) || path == revoke && s.noToken == "" {
				continue
			}
			got := s.send(method, path, strings.NewReader(form), "Content-Type: application/x-www-form-urlencoded", "Cookie: "+cookies, bearer)
			switch {
			case status != 0:
				got.hasStatus(status)
			case got.status < 400:
				t.Errorf("%s: %s", method, got.text())
			}
			if got.header.Get("Location") != "" || len(got.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s does something: %s", method, got.text())
			}
		}
	}
	if got := s.idp.Hits(oidctest.Token); got != hits {
		t.Errorf("the provider was asked %d times", got-hits)
	}
	s.comeBack(query, cookies).is(tokenAnswer(noReferrer, noCookie))
	s.postRaw(token, form).is(tokenAnswer())
}
