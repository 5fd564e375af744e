package core_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// showingChoices answers with the names of the choices; the one of the last login has a star.
func showingChoices(c *core.Config) {
	c.OnChoose = func(_ context.Context, _ *core.Request, choices []core.Choice) *core.Response {
		var names []string
		for _, choice := range choices {
			names = append(names, choice.Name+map[bool]string{true: "*"}[choice.Last])
		}
		text, _ := json.Marshal(names)
		return &core.Response{Status: http.StatusOK, Body: text}
	}
}

// choices returns the names on the page of a login without a provider.
func (b *browser) choices() string {
	b.t.Helper()
	return body(b.do(http.MethodGet, "/auth/v2/login", navigation...))
}

// The provider of a browser's last login is offered first, and nobody is sent there without a choice.
func TestLastProviderIsFirst(t *testing.T) {
	const name = "__Host-oidc-provider"
	for what, change := range map[string]func(*core.Config){
		"a query": showingChoices,
		"a form": func(c *core.Config) {
			showingChoices(c)
			posting(c)
			c.Providers[0].ResponseMode = c.ResponseMode
		},
	} {
		t.Run(what, func(t *testing.T) {
			w, _ := newWebs(t, change)
			b := w.browser()
			if got := b.choices(); got != `["first","second"]` || len(b.jar) != 0 {
				t.Errorf("before a login: %s, %v", got, b.jar)
			}
			log := func(at *oidctest.Provider, provider string) {
				start := b.do(http.MethodGet, "/auth/v2/login?return_to=/page&provider="+provider, navigation...)
				back, err := at.Approve(start.Header.Get("Location"), "alice")
				if err != nil {
					t.Fatal(err)
				}
				if what == "a form" {
					b.post(back, nil)
				} else {
					b.do(http.MethodGet, back.RequestURI(), navigation...)
				}
			}
			log(w.others[0], second)
			if got := b.choices(); got != `["second*","first"]` || b.jar[name] != second {
				t.Errorf("after a login at the second: %s, %v", got, b.jar)
			}
			denied := b.do(http.MethodGet, "/auth/v2/login?provider=first", navigation...)
			back, err := w.idp.Deny(denied.Header.Get("Location"))
			if err != nil {
				t.Fatal(err)
			}
			b.do(http.MethodGet, back.RequestURI(), navigation...)
			if got := b.choices(); got != `["second*","first"]` {
				t.Errorf("after a login at the first that failed: %s", got)
			}
			log(w.idp, "first")
			if got := b.choices(); got != `["first*","second"]` {
				t.Errorf("after a login at the first: %s", got)
			}
			for _, value := range []string{"third", "", "second,first", "https://evil.example"} {
				b.jar[name] = value
				if got := b.choices(); got != `["first","second"]` {
					t.Errorf("a cookie %q: %s", value, got)
				}
			}
			b.jar[name] = second
			if to := b.do(http.MethodGet, "/auth/v2/login").Header.Get("Location"); !strings.HasPrefix(to, w.idp.URL(oidctest.Authorization)) {
				t.Errorf("a program is led to %s", to)
			}
		})
	}
}

// The cookie of the last provider, with sessions and without; a service with one provider sets none.
func TestLastProviderCookie(t *testing.T) {
	find := func(cookies []*http.Cookie, name string) *http.Cookie {
		at := slices.IndexFunc(cookies, func(c *http.Cookie) bool { return c.Name == name })
		if at < 0 {
			return &http.Cookie{}
		}
		return cookies[at]
	}
	w, other := newWebs(t, nil)
	b := w.browser()
	start := b.do(http.MethodGet, "/auth/v2/login?provider="+second, navigation...)
	back, err := other.Approve(start.Header.Get("Location"), "alice")
	if err != nil {
		t.Fatal(err)
	}
	answer := b.do(http.MethodGet, back.RequestURI(), navigation...)
	got := find(answer.Cookies(), "__Host-oidc-provider")
	if got.Value != second || !got.HttpOnly || !got.Secure || got.SameSite != http.SameSiteLaxMode || got.Path != "/" || got.Domain != "" || got.MaxAge != 180*86400 {
		t.Errorf("%v", got)
	}
	f, there := newFlows(t, nil)
	target, begun := f.login(url.Values{"provider": {second}, "redirect_uri": {flowOwnCallback + "/" + second}})
	if back, err = there.Approve(target.String(), "alice"); err != nil {
		t.Fatal(err)
	}
	landed := f.get("callback", back.Query(), "Cookie: "+flowCookie(t, begun))
	flowGranted(t, landed)
	plain := (&http.Response{Header: landed.Header}).Cookies()
	if got := find(plain, "oidc-provider"); got.Value != second || got.Secure {
		t.Errorf("without sessions, over http: %v", plain)
	}
	alone := newWeb(t, nil).browser()
	if alone.logIn("alice"); alone.jar["__Host-oidc-provider"] != "" {
		t.Errorf("with one provider: %v", alone.jar)
	}
}
