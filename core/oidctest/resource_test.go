package oidctest_test

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"golang.org/x/oauth2"
)

const orders, stock = "https://orders.example.org", "https://stock.example.org"

// codeFor logs alice in; resources are requested at the authorization endpoint. It returns the code or the error.
func codeFor(t *testing.T, p *oidctest.Provider, resources ...string) string {
	t.Helper()
	address := asks(p)
	for _, resource := range resources {
		address += "&resource=" + resource
	}
	back, err := p.Approve(address, "alice")
	if err != nil {
		t.Fatal(err)
	}
	if fault := back.Query().Get("error"); fault != "" {
		return fault
	}
	return back.Query().Get("code")
}

// audience returns aud of an access token as text, or the error code of the token endpoint.
func audience(t *testing.T, token *oauth2.Token, err error) string {
	t.Helper()
	var refused *oauth2.RetrieveError
	if errors.As(err, &refused) {
		return refused.ErrorCode
	}
	if err != nil {
		t.Fatal(err)
	}
	text, err := base64.RawURLEncoding.DecodeString(strings.Split(token.AccessToken, ".")[1])
	if err != nil {
		t.Fatal(err)
	}
	var claims struct{ Aud any }
	if err := json.Unmarshal(text, &claims); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprint(claims.Aud)
}

// An access token is for the resources that were requested, and for nothing else (RFC 8707).
func TestResources(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithResources(orders, stock))
	client := oauthClient(p, false)
	asking := func(resource string) oauth2.AuthCodeOption { return oauth2.SetAuthURLParam("resource", resource) }
	for _, c := range []struct {
		name    string
		login   []string
		token   []oauth2.AuthCodeOption
		want    string
		refresh string
	}{
		{"none", nil, nil, oidctest.ConfidentialClient, oidctest.ConfidentialClient},
		{"one", []string{orders}, nil, orders, orders},
		{"two", []string{orders, stock}, nil, "[" + orders + " " + stock + "]", "[" + orders + " " + stock + "]"},
		{"fewer", []string{orders, stock}, []oauth2.AuthCodeOption{asking(stock)}, stock, "[" + orders + " " + stock + "]"},
		{"at the token endpoint alone", nil, []oauth2.AuthCodeOption{asking(stock)}, stock, oidctest.ConfidentialClient},
		{"another than that of the login", []string{orders}, []oauth2.AuthCodeOption{asking(stock)}, "invalid_target", ""},
		{"unknown", nil, []oauth2.AuthCodeOption{asking("https://other.example.org")}, "invalid_target", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			token, err := client.Exchange(t.Context(), codeFor(t, p, c.login...), c.token...)
			if got := audience(t, token, err); got != c.want {
				t.Fatalf("aud %s, want %s", got, c.want)
			}
			if c.refresh == "" {
				return
			}
			token.Expiry = token.Expiry.AddDate(-1, 0, 0)
			token, err = client.TokenSource(t.Context(), token).Token()
			if got := audience(t, token, err); got != c.refresh {
				t.Errorf("after a refresh: aud %s, want %s", got, c.refresh)
			}
		})
	}
	if got := codeFor(t, p, "https://other.example.org"); got != "invalid_target" {
		t.Errorf("an unknown resource at the authorization endpoint: %s", got)
	}
	plain := oidctest.NewProvider(t)
	token, err := oauthClient(plain, false).Exchange(t.Context(), codeFor(t, plain, orders))
	if got := audience(t, token, err); got != oidctest.ConfidentialClient {
		t.Errorf("a provider without resources: aud %s", got)
	}
}

// A refresh for a resource that the login does not have is refused, and the refresh token stays good.
func TestResourceOfRefresh(t *testing.T) {
	file := filepath.Join(t.TempDir(), "provider.json")
	start := func() *oidctest.Provider {
		return oidctest.NewProvider(t, oidctest.WithResources(orders, stock), oidctest.WithFile(file))
	}
	p := start()
	token, err := oauthClient(p, false).Exchange(t.Context(), codeFor(t, p, orders))
	if err != nil {
		t.Fatal(err)
	}
	refresh := func(p *oidctest.Provider, resource string) (int, string) {
		return postToken(t, p, "grant_type", "refresh_token", "refresh_token", token.RefreshToken, "resource", resource)
	}
	if status, body := refresh(p, stock); status != http.StatusBadRequest || !strings.Contains(body, "invalid_target") {
		t.Errorf("another resource: %d %s", status, body)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	q := start() // remembers what the login is for
	if status, body := refresh(q, stock); status != http.StatusBadRequest || !strings.Contains(body, "invalid_target") {
		t.Errorf("another resource after a restart: %d %s", status, body)
	}
	if status, body := refresh(q, orders); status != http.StatusOK {
		t.Errorf("the login's resource: %d %s", status, body)
	}
}

// postToken posts a form to the token endpoint as the confidential client.
func postToken(t *testing.T, p *oidctest.Provider, fields ...string) (int, string) {
	t.Helper()
	fields = append(fields, "client_id", oidctest.ConfidentialClient, "client_secret", oidctest.ClientSecret)
	status, body, _ := typed(t, p, p.URL(oidctest.Token), fields...)
	return status, body
}

// A client's access tokens may be for other services than the client.
func TestAudienceOfClient(t *testing.T) {
	p := oidctest.NewProvider(t)
	p.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, Audience: []string{orders, "account"}})
	token, err := oauthClient(p, false).Exchange(t.Context(), codeFor(t, p))
	if got := audience(t, token, err); got != "["+orders+" account]" {
		t.Errorf("aud %s", got)
	}
	if claims := claimsOf(t, token); claims["aud"] != oidctest.ConfidentialClient {
		t.Errorf("the ID token is for %v", claims["aud"])
	}
}

// With scopes of its own the provider grants these and openid, and no other.
func TestScopes(t *testing.T) {
	p := oidctest.NewProvider(t, oidctest.WithScopes("orders:read"))
	for scope, want := range map[string]string{"openid orders:read": "page", "openid email": "invalid_scope"} {
		if got := outcome(t, p.Browser(), asks(p, "scope", scope)); got != want {
			t.Errorf("%s: %s, want %s", scope, got, want)
		}
	}
	status, body, _ := typed(t, p, p.URL(oidctest.Device), "client_id", oidctest.PublicClient, "scope", "email")
	if status != http.StatusBadRequest || !strings.Contains(body, "invalid_scope") {
		t.Errorf("a device: %d %s", status, body)
	}
	if _, body, _ := typed(t, p, p.DiscoveryURL()); !strings.Contains(body, `"scopes_supported":["openid","orders:read"]`) {
		t.Errorf("discovery: %s", body)
	}
}
