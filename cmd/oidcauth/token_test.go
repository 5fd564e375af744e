package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

// token names the check that refuses a token, and never prints its signature.
func TestToken(t *testing.T) {
	idp := oidctest.NewProvider(t)
	env := envOf(idp.Config())
	for name, c := range map[string]struct {
		token string
		args  []string
		check string // "": accepted
		want  []string
	}{
		"good":        {idp.AccessToken("alice"), nil, "", []string{"sub         alice", "\naccepted\n"}},
		"expired":     {idp.AccessToken("alice", oidctest.Claims{"exp": time.Now().Add(-time.Hour).Unix()}), nil, "expiry", []string{"expired"}},
		"audience":    {idp.AccessToken("alice", oidctest.Claims{"aud": "warehouse"}), nil, "audience", []string{"warehouse", "accepted would be: app", "core.IssuedToUs"}},
		"its setting": {idp.AccessToken("alice", oidctest.Claims{"aud": "warehouse"}), []string{"-audience", core.IssuedToUs}, "", nil},
		"ID token":    {idp.IDToken("alice"), nil, "kind", []string{"send the access token"}},
		"scope":       {idp.AccessToken("alice"), []string{"-require-scope", "orders, stock"}, "requirement", []string{"orders, stock"}},
		"role":        {idp.AccessToken("bob"), []string{"-require-role", "admin"}, "requirement", []string{"Roles admin"}},
		"its role":    {idp.AccessToken("alice"), []string{"-require-role", "admin"}, "", nil},
		"opaque":      {"2YotnFZFEjr1zCsicMWpAA", nil, "form", []string{"cannot be decoded", "not a JWT"}},
		"a terminal's": {idp.AccessToken("alice", oidctest.Claims{"name": "\x1b]0;x\x07\u202e\U000e0001evil", "aud": "\x1b[2J"}), nil, "audience",
			[]string{`\u001b]0;x\u0007\u202e\udb40\udc01evil`, `\u001b[2J`}},
	} {
		code := exitWrong
		if c.check == "" {
			code = exitOK
		}
		for form, stdin := range map[string]string{"alone": c.token, "header": "authorization:  bearer " + c.token + "\n", "quoted": `"` + c.token + `"`} {
			got := runs(t, env, stdin, append([]string{"token"}, c.args...)...)
			if got.code != code || got.err != "" || (c.check != "") != strings.Contains(got.out, "✗ "+c.check) {
				t.Errorf("%s, %s: %d %s\n%s", name, form, got.code, got.err, got.out)
			}
			for _, text := range c.want {
				if !strings.Contains(got.out, text) {
					t.Errorf("%s: no %q in\n%s", name, text, got.out)
				}
			}
			checkNoSignature(t, c.token, got.out)
		}
		asJSON := runs(t, env, c.token, append([]string{"token", "-json"}, c.args...)...)
		var seen core.Inspection
		if err := json.Unmarshal([]byte(asJSON.out), &seen); err != nil || asJSON.code != code || seen.Accepted != (c.check == "") {
			t.Errorf("%s: %v %+v", name, err, asJSON)
		}
		checkNoSignature(t, c.token, asJSON.out)
	}
}

func checkNoSignature(t *testing.T, token, out string) {
	t.Helper()
	parts := strings.Split(token, ".")
	if len(parts) == 3 && strings.Contains(out, parts[2]) || len(parts) == 1 && strings.Contains(out, token) {
		t.Errorf("the signature is in\n%s", out)
	}
	if strings.ContainsAny(out, "\x1b\x07\u202e\U000e0001") {
		t.Errorf("control characters in %q", out)
	}
}

// What cannot be a token, and a configuration that New refuses, is an error of the arguments; unreachable keys refuse the token.
func TestTokenNeedsConfiguration(t *testing.T) {
	idp := oidctest.NewProvider(t)
	env := envOf(idp.Config())
	for name, c := range map[string]struct {
		env   map[string]string
		stdin string
		code  int
		err   string
	}{
		"nothing":  {env, " \n", 2, "no token"},
		"a novel":  {env, strings.Repeat("x", 65<<10), 2, "64 KiB"},
		"no env":   {nil, idp.AccessToken("alice"), 2, "Config.DiscoveryURL: empty"},
		"no keys":  {map[string]string{"DISCOVERY_URL": "http://127.0.0.1:1/.well-known/openid-configuration", "CLIENT_ID": "app"}, idp.AccessToken("alice"), 1, ""},
		"just one": {map[string]string{"DISCOVERY_URL": idp.DiscoveryURL(), "CLIENT_ID": "app"}, idp.AccessToken("alice"), 0, ""},
	} {
		if got := runs(t, c.env, c.stdin, "token"); got.code != c.code || !strings.Contains(got.err, c.err) {
			t.Errorf("%s: %+v", name, got)
		}
	}
}

// The tokens of a service in broker mode are judged by its public keys, without its store.
func TestTokenOfBroker(t *testing.T) {
	idp := oidctest.NewProvider(t)
	mux := http.NewServeMux()
	service := httptest.NewServer(mux)
	t.Cleanup(service.Close)
	cfg := idp.Config()
	cfg.PublicURL, cfg.Broker = service.URL, &core.BrokerConfig{}
	cfg.StoreURL = "sqlite:///" + filepath.ToSlash(filepath.Join(t.TempDir(), "b.sqlite"))
	auth, err := httpauth.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	if err := auth.Mount(mux, core.Paths{}); err != nil {
		t.Fatal(err)
	}
	own := idp.BrokerBearer(auth.Auth, "alice")
	args := []string{"token", "-issuer", service.URL, "-jwks-url", service.URL + "/auth/v2/.well-known/jwks.json", "-audience", service.URL}
	if got := runs(t, envOf(cfg), own, args...); got.code != exitOK {
		t.Errorf("its own: %+v", got)
	}
	if got := runs(t, envOf(cfg), idp.AccessToken("alice"), args...); got.code != exitWrong || !strings.Contains(got.out, "wrong issuer") {
		t.Errorf("the provider's: %+v", got)
	}
}
