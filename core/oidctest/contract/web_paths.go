package contract

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// testWebPaths: the routes of sessions stand where Paths says, with their methods and no others.
func testWebPaths(t *testing.T, a setup) {
	type routes struct{ session, sessions string }
	for name, test := range map[string]struct {
		mount func(App)
		at    routes
	}{
		"defaults": {func(app App) { mount(t, app, core.Paths{}) }, routes{"/auth/v2/session", "/auth/v2/sessions"}},
		"prefix":   {func(app App) { mount(t, app.Group("/zero"), core.Paths{Prefix: "/one"}) }, routes{"/zero/one/auth/v2/session", "/zero/one/auth/v2/sessions"}},
		"renamed": {func(app App) { mount(t, app.Group(group), core.Paths{Session: "/who", Sessions: "/who/all"}) },
			routes{group + "/who", group + "/who/all"}},
		"off": {func(app App) { mount(t, app, core.Paths{Session: core.Off, Sessions: core.Off}) }, routes{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := a.openWeb(t, plan{}, func(_ *web, app App) { test.mount(app) })
			for _, route := range []struct{ method, path string }{
				{http.MethodGet, test.at.session}, {http.MethodGet, test.at.sessions}, {http.MethodDelete, test.at.sessions + "?all=true"},
			} {
				if test.at.session == "" {
					s.send(route.method, "/auth/v2/session"+strings.TrimPrefix(route.path, "?all=true"), nil).hasStatus(http.StatusNotFound)
					continue
				}
				s.send(route.method, route.path, nil).is(notLoggedIn())
			}
		})
	}
	t.Run("a login names the login route", func(t *testing.T) {
		w := a.openWeb(t, plan{}, func(w *web, app App) {
			in := app.Group(group)
			mount(t, in, core.Paths{Login: "/in", Callback: "/back", Logout: "/out"})
			in.Any("/page", w.whose, Required())
		})
		w.browser().do(http.MethodGet, page, visiting...).is(moved(publicURL+"/in?return_to=%2Fapi%2Fpage", varies))
	})
	t.Run("methods", func(t *testing.T) { webMethods(t, a) })
}

// webMethods: nothing is done for a method that a route does not have.
func webMethods(t *testing.T, a setup) {
	b := a.openWeb(t, plan{}).browser()
	id := b.logIn("alice")
	for _, method := range []string{http.MethodHead, http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete} {
		for path, own := range map[string][]string{
			login: {http.MethodGet}, session: {http.MethodGet}, sessions + "?all=true": {http.MethodGet, http.MethodDelete}, logout: {http.MethodGet, http.MethodPost},
		} {
			if slices.Contains(own, method) {
				continue
			}
			got := b.do(method, path, scripted...)
			got.hasStatus(a.wrongMethod())
			if got.header.Get("Location") != "" || len(got.header.Values("Set-Cookie")) > 0 {
				t.Errorf("%s does something: %s", method, got.text())
			}
		}
	}
	b.do(http.MethodGet, page, scripted...).is(seenBy("alice", id))
}
