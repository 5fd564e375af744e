package oidctest_test

import (
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// The first login of a user at a client asks for consent; later ones do not, until a scope is new or the request wants it.
func TestConsentIsRemembered(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithConsent())
	b := p.Browser()
	if back, err := b.Deny(asks(p)); err != nil || back.Query().Get("error") != "access_denied" {
		t.Fatalf("denied: %v %v", back, err)
	}
	if _, claims := approve(t, p, b, "alice"); claims["sub"] != "alice" {
		t.Fatalf("allowed: %v", claims)
	}
	for _, c := range []struct{ want, name, value string }{
		{"code", "scope", "openid"},
		{"page", "scope", "openid email"},
		{"page", "prompt", "consent"},
		{"code", "prompt", "none"},
	} {
		if got := outcome(t, b, asks(p, c.name, c.value)); got != c.want {
			t.Errorf("%s=%s: %s, want %s", c.name, c.value, got, c.want)
		}
	}
	if got := outcome(t, b, asks(p, "scope", "openid email", "prompt", "none")); got != "consent_required" {
		t.Errorf("prompt=none: %s", got)
	}
	if back, err := b.Deny(asks(p, "scope", "openid email")); err != nil || back.Query().Get("error") != "access_denied" {
		t.Errorf("a new scope denied: %v %v", back, err)
	}
	approve(t, p, b, "alice", "scope", "openid email")
	if got := outcome(t, b, asks(p, "scope", "openid email")); got != "code" {
		t.Errorf("a new scope allowed: %s", got)
	}
	other := p.Browser()
	approve(t, p, other, "alice") // consents are the user's, not the browser's
	if back, err := p.Browser().Approve(asks(p), "bob"); err != nil || !back.Query().Has("code") {
		t.Errorf("another user: %v %v", back, err)
	}
}

// The consent page shows client, user and scopes; its form works once, and only from this provider.
func TestConsentPage(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithConsent(), oidctest.WithoutSingleSignOn(), oidctest.WithPath("/realms/x"))
	_, page, _ := typed(t, p, asks(p, "scope", "openid email"), "user", "alice")
	for _, text := range []string{"app", "alice", "openid, email", "Allow", "Deny"} {
		if !strings.Contains(page, text) {
			t.Errorf("no %q in\n%s", text, page)
		}
	}
	field := regexp.MustCompile(`name="consent" value="([^"]+)"`).FindStringSubmatch(page)
	action := regexp.MustCompile(`action="([^"]+)"`).FindStringSubmatch(page)
	if field == nil || action == nil {
		t.Fatalf("no form:\n%s", page)
	}
	at, err := url.Parse(p.Issuer())
	if err != nil {
		t.Fatal(err)
	}
	target := at.ResolveReference(&url.URL{Path: html.UnescapeString(action[1])}).String()
	if status, _, location := typed(t, p, target, "consent", field[1], "allow", "1"); status != http.StatusSeeOther || !strings.Contains(location, "code=") {
		t.Errorf("allow: %d %s", status, location)
	}
	for _, secret := range []string{field[1], "", "00"} {
		if status, _, location := typed(t, p, target, "consent", secret, "allow", "1"); status != http.StatusBadRequest || location != "" {
			t.Errorf("%q: %d %s", secret, status, location)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, target, strings.NewReader("consent="+field[1]))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "cross-site")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusForbidden {
		t.Errorf("the form of another site: %d", answer.StatusCode)
	}
}
