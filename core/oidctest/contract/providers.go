package contract

import (
	"html"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// second is the name of the second provider. It has the algorithm, the key id, the users and the client of the first.
const (
	second         = "partner"
	secondCallback = callback + "/" + second
)

// newSecond starts the second provider, and adds it to a plan.
func newSecond(t *testing.T, p *plan, options ...oidctest.Option) *oidctest.Provider {
	t.Helper()
	keyID := oidctest.WithKeyID("same")
	p.provider = append(p.provider, keyID)
	other := newProvider(t, append(options, keyID))
	other.AddClient(oidctest.Client{
		ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret,
		RedirectURIs: []string{publicURL + "/auth/v2/callback/" + second}, PostLogoutURIs: []string{publicURL + "/auth/v2/logout"},
	})
	config := p.config
	p.config = func(cfg *core.Config) {
		entry := other.Entry(second)
		entry.Label = `Partner "A" & <b>`
		cfg.Name, cfg.Providers = "main", []core.Provider{entry}
		if config != nil {
			config(cfg)
		}
	}
	return other
}

// own is the subject that guards see for a person of the second provider.
func (m *mode) own(subject string) string {
	if m.issues {
		return second + "|" + subject
	}
	return subject
}

// testProviders: programs at a service of two providers. Each login, token, refresh and logout is at its own.
func testProviders(t *testing.T, a setup) {
	p := plan{}
	other := newSecond(t, &p)
	s := a.open(t, p)
	s.get("/me", s.bearer("alice")).is(seen("alice", 2))
	s.get("/me", "Authorization: Bearer "+s.access(s, other.AccessToken("alice"))).is(seen(s.own("alice"), 2))
	for _, forged := range []string{
		other.AccessToken("alice", oidctest.Claims{"iss": s.idp.Issuer()}), s.idp.AccessToken("alice", oidctest.Claims{"iss": other.Issuer()}),
		other.AccessToken("alice", oidctest.Claims{"iss": other.Issuer() + "/"}),
	} {
		s.get("/me", "Authorization: Bearer "+forged).is(badToken())
	}

	start := s.get(loginQuery("redirect_uri", loopback, "provider", second))
	back, err := other.Approve(start.location(), "alice")
	if err != nil {
		t.Fatal(err)
	}
	got := s.tokens(url.Values{
		"grant_type": {"authorization_code"}, "redirect_uri": {loopback}, "code": {back.Query().Get("code")}, "code_verifier": {back.Query().Get("state")},
	})
	calls := s.idp.Hits(oidctest.Token)
	next := s.tokens(refreshForm(got.RefreshToken))
	s.get("/me", "Authorization: Bearer "+next.AccessToken).is(seen(s.own("alice"), 2))
	if s.idp.Hits(oidctest.Token) != calls {
		t.Error("the first provider got a refresh token of the second")
	}
	out := s.get(logout, "Authorization: Bearer "+next.AccessToken)
	if !strings.HasPrefix(out.location(), other.URL(oidctest.EndSession)) || s.idp.Hits(oidctest.Revocation) != 0 {
		t.Errorf("the logout leads to %s", out.text())
	}
	unknown := invalid("There is no provider of this name.")
	s.get(loginQuery("redirect_uri", loopback, "provider", "third")).is(unknown)
	s.post(device, url.Values{"provider": {"third"}}).is(unknown)
	s.post(device, url.Values{"provider": {second}}).hasStatus(http.StatusOK)
	if other.Hits(oidctest.Device) != 1 || s.idp.Hits(oidctest.Device) != 0 {
		t.Error("the device login began at the wrong provider")
	}

	s.idp.Fault(oidctest.Discovery, oidctest.Refused()) // one that is down touches no other
	s.get(loginQuery("redirect_uri", loopback, "provider", second)).hasStatus(http.StatusFound)
	s.get(secondCallback).hasStatus(http.StatusBadRequest)
	s.get(callback + "/third").hasStatus(http.StatusNotFound)
	for _, method := range []string{http.MethodPost, http.MethodDelete} {
		s.send(method, secondCallback, nil).hasStatus(a.wrongMethod())
	}
}

// testWebProviders: a person chooses, logs in at that provider, and leaves it.
func testWebProviders(t *testing.T, a setup) {
	p := plan{}
	other := newSecond(t, &p)
	w := a.openWeb(t, p)
	b := w.browser()
	const there = page + "?a=b"
	chooser := b.do(http.MethodGet, loginQuery("return_to", there), visiting...)
	chooser.isPage(http.StatusOK, "Log in")
	if strings.Contains(chooser.body, "<b>") || len(b.jar) != 0 || strings.Count(chooser.body, "<a ") != 2 || !strings.Contains(chooser.body, `<ul role="list"><li>`) {
		t.Errorf("the page to choose: %s", chooser.text())
	}
	_, link, _ := strings.Cut(chooser.body[strings.Index(chooser.body, "<li>")+4:], `<li><a class="button" href="`)
	link, _, _ = strings.Cut(link, `"`)
	start := b.do(http.MethodGet, strings.TrimPrefix(html.UnescapeString(link), origin), linked...)
	back, err := other.Approve(start.location(), "alice")
	if err != nil || back.Path != secondCallback {
		t.Fatalf("the link %s leads to %s: %v", link, start.text(), err)
	}
	const last = "__Host-oidc-provider=" + second
	b.do(http.MethodGet, back.RequestURI(), linked...).is(landed(there, "Set-Cookie: "+last+"; Path=/; Max-Age=15552000; HttpOnly; Secure; SameSite=Lax"))
	again := w.browser().do(http.MethodGet, loginQuery(), append(visiting, "Cookie: "+last)...).body
	if first, main := strings.Index(again, "provider="+second), strings.Index(again, "provider=main"); first < 0 || main < first {
		t.Errorf("the provider of the last login is not the first: %s", again)
	}
	seen := b.do(http.MethodGet, page, scripted...)
	seen.is(seenBy(second+"|alice", sessionIn(seen)))
	if !strings.HasPrefix(b.do(http.MethodPost, logout, submitted...).location(), other.URL(oidctest.EndSession)) {
		t.Error("the logout leads to the wrong provider")
	}
	b.do(http.MethodGet, page, scripted...).is(notLoggedIn())
	if w.idp.Hits(oidctest.Token)+w.idp.Hits(oidctest.Revocation) != 0 {
		t.Error("the first provider was asked about a person of the second")
	}
	// A program, and a script, get no page.
	for _, headers := range [][]string{nil, scripted} {
		if got := w.browser().do(http.MethodGet, loginQuery(), headers...); !strings.HasPrefix(got.location(), w.idp.URL(oidctest.Authorization)) {
			t.Errorf("no page was asked for: %s", got.text())
		}
	}
	w.mixUp(other)
}

// mixUp: the code of one provider at the callback of the other, or with its iss, is refused and sent to neither.
func (w *web) mixUp(other *oidctest.Provider) {
	w.t.Helper()
	calls := w.idp.Hits(oidctest.Token) + other.Hits(oidctest.Token)
	for _, test := range []struct {
		name, path, iss string
		at              *oidctest.Provider
	}{
		{"main", secondCallback, w.idp.Issuer(), w.idp}, {"main", secondCallback, other.Issuer(), w.idp}, {"main", callback, other.Issuer(), w.idp},
		{second, callback, other.Issuer(), other}, {second, callback, w.idp.Issuer(), other}, {second, secondCallback, w.idp.Issuer(), other},
	} {
		b := w.browser()
		start := b.do(http.MethodGet, loginQuery("provider", test.name), visiting...)
		back, err := test.at.Approve(start.location(), "alice")
		if err != nil {
			w.t.Fatal(err)
		}
		query := back.Query()
		query.Set("iss", test.iss)
		b.do(http.MethodGet, test.path+"?"+query.Encode(), linked...).hasStatus(http.StatusBadRequest)
		if b.session() != "" {
			w.t.Error("somebody is logged in")
		}
	}
	if w.idp.Hits(oidctest.Token)+other.Hits(oidctest.Token) != calls {
		w.t.Error("a code was sent to a provider")
	}
}
