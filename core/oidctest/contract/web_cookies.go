package contract

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// testWebCookies: what is not the whole cookie of a living session of this service is nobody, and harms nobody.
func testWebCookies(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	b := w.browser()
	id := b.logIn("alice")
	good := b.session()
	t.Run("bad", func(t *testing.T) { badCookies(w.in(t), good) })
	t.Run("twice", func(t *testing.T) { cookieTwice(w.in(t), good, id) })
	t.Run("other credentials", func(t *testing.T) { otherCredentials(w.in(t), good) })
	t.Run("other deployments", func(t *testing.T) { otherDeployments(t, a, w, good) })
	b.do(http.MethodGet, page, scripted...).is(seenBy("alice", id)) // nobody ends a session by guessing
}

// with is a browser that has this cookie.
func (w *web) with(value string) *browser {
	b := w.browser()
	b.jar[cookieName] = value
	return b
}

// refuses compares what a guard makes of a cookie of no session.
func (w *web) refuses(value string) {
	w.t.Helper()
	w.with(value).do(http.MethodGet, page, scripted...).is(sessionOver())
	w.with(value).do(http.MethodGet, page, visiting...).is(sentToLogin(page))
	w.with(value).do(http.MethodGet, open, scripted...).is(seenGuest())
	w.with(value).do(http.MethodGet, group+"/strict", scripted...).is(sessionOver())
}

func badCookies(w *web, good string) {
	flip := func(at int) string {
		text := []byte(good)
		if text[at] = 'A'; good[at] == 'A' {
			text[at] = 'B'
		}
		return string(text)
	}
	for _, bad := range []string{
		"x", "undefined", "null", "-", strings.Repeat("A", 64), strings.Repeat("A", 8<<10), good + good, good + "A", good + "=", good + ".", "A" + good, good[:63], good[:22], good[22:], good[:21],
		flip(0), flip(10), flip(20), flip(30), flip(62), strings.ToLower(good), strings.ToUpper(good), url.QueryEscape(good) + "%20", good[:20] + "%41" + good[21:], "\"", "../" + good, good[:32] + " " + good[32:],
	} {
		w.refuses(bad)
	}
	for _, none := range []string{"", " "} {
		w.with(none).do(http.MethodGet, page, scripted...).is(notLoggedIn())
	}
	for _, name := range []string{"__host-oidc-session-c040d537", "oidc-session-c040d537", "__Host-oidc-session", "__Secure-oidc-session-c040d537", cookieName + "-logins", "x" + cookieName} {
		b := w.browser()
		b.jar[name] = good
		b.do(http.MethodGet, page, scripted...).is(notLoggedIn())
	}
	w.get(page, "X-Cookie: "+cookieName+"="+good).is(notLoggedIn())
	w.get(page + "?" + cookieName + "=" + good).is(notLoggedIn())
}

// cookieTwice: another host or path of the same site may have set one of two cookies, so none counts.
func cookieTwice(w *web, good, id string) {
	pair, other := cookieName+"="+good, cookieName+"="+strings.Repeat("A", 64)
	for _, lines := range [][]string{
		{pair + "; " + pair}, {pair + "; " + other}, {other + "; " + pair}, {"a=b; " + pair + "; c=d; " + other + "; e=f"}, {pair, other}, {other, pair}, {pair, pair}, {pair + ";" + cookieName + "="},
	} {
		request := []string{"GET " + page + " HTTP/1.1"}
		for _, line := range lines {
			request = append(request, "Cookie: "+line)
		}
		w.raw(request...).is(notLoggedIn())
		w.raw(slices.Concat(request, visiting)...).is(sentToLogin(page))
	}
	for _, line := range []string{pair, "a=b; " + pair + "; c=d", ";" + pair, pair + ";", "a;" + pair, "=;" + pair, "a=\"b;c\"; " + pair, "x" + pair + "; " + pair} {
		w.raw("GET "+page+" HTTP/1.1", "Cookie: "+line).is(seenBy("alice", id))
	}
	w.raw("GET "+page+" HTTP/1.1", "Cookie: a=b", "Cookie: "+pair).is(seenBy("alice", id))
}

// otherCredentials: a cookie is no token, and no token is a cookie.
func otherCredentials(w *web, good string) {
	tokens := w.tokens(w.codeForm("alice"))
	for _, raw := range []string{tokens.AccessToken, tokens.RefreshToken, w.idp.AccessToken("alice")} {
		w.refuses(raw)
	}
	w.refresh(good).is(w.bookGone)
	w.get(page, "Authorization: Bearer "+good).is(badToken())
	w.post(token, exchangeOf(good)).is(w.badSubject)
	if w.noToken != "" {
		w.post(revoke, url.Values{"token": {good}}).hasStatus(http.StatusOK)
	}
	w.alive(tokens) // nor is it ended by being tried
	w.with(good).do(http.MethodGet, page, scripted...).hasStatus(http.StatusOK)
}

// otherDeployments: a cookie counts at the service that gave it.
func otherDeployments(t *testing.T, a setup, w *web, good string) {
	const secret = "b3Ro-ZXIgc2VjcmV0-a2V5cyBv-ZiBhbm90aGVy-IGRlcGxveW1lbnQ"
	a.openWeb(t, plan{config: func(cfg *core.Config) { cfg.SecretKeys = []string{secret} }}).refuses(good)
	a.openWeb(t, plan{}).refuses(good)
	if w.jwks == "" { // with a broker, its signing keys would not open
		a.openWeb(t, plan{beside: w.site, config: func(cfg *core.Config) { cfg.SecretKeys = []string{secret} }}).refuses(good)
	}
	a.openWeb(t, plan{beside: w.site, config: func(cfg *core.Config) { cfg.SecretKeys = []string{secret, cfg.SecretKeys[0]} }}).with(good).do(http.MethodGet, page, scripted...).hasStatus(http.StatusOK)
	elsewhere := a.openWeb(t, plan{beside: w.site, config: func(cfg *core.Config) {
		cfg.PublicURL, cfg.Sessions.CookieName = "https://other.example.org", "oidc-session-c040d537"
	}})
	elsewhere.with(good).do(http.MethodGet, page, scripted...).hasStatus(http.StatusUnauthorized)
}
