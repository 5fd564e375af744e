package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// doctor reads the lines that provider prints, and exits with 1 if something is wrong.
func TestDoctor(t *testing.T) {
	idp := oidctest.NewProvider(t)
	good := envOf(idp.Config())
	for name, c := range map[string]struct {
		env  map[string]string // instead of the good values
		args []string
		code int
		want []string
	}{
		"good":           {nil, nil, 0, []string{"ok     client: ", "0 wrong"}},
		"flags override": {map[string]string{"DISCOVERY_URL": "", "CLIENT_ID": "", "PUBLIC_URL": ""}, []string{"-discovery-url", idp.DiscoveryURL(), "-client-id", "app", "-public-url", "http://localhost:8080/api", "-prefix", "/api"}, 0, []string{"/api/auth/v2/callback"}},
		"sessions":       {map[string]string{"STORE_URL": "sqlite:///" + filepath.ToSlash(filepath.Join(t.TempDir(), "s.sqlite"))}, []string{"-sessions"}, 0, []string{"cookie"}},
		"secret":         {map[string]string{"CLIENT_SECRET": "wrong"}, nil, 1, []string{"wrong  client: "}},
		"no provider":    {map[string]string{"DISCOVERY_URL": "http://127.0.0.1:1/.well-known/openid-configuration"}, nil, 1, []string{"wrong  discovery: "}},
		"prefix":         {map[string]string{"PUBLIC_URL": "http://localhost:8080"}, []string{"-prefix", "/api"}, 1, []string{"wrong  PublicURL: ", "→ PublicURL:"}},
		"New refuses":    {map[string]string{"DISCOVERY_URL": "", "PUBLIC_URL": "http://app.example.org"}, nil, 1, []string{"wrong  configuration: Config.DiscoveryURL: empty", "wrong  configuration: Config.PublicURL: ", "2 wrong"}},
		"no such store":  {map[string]string{"STORE_URL": "oracle://x"}, []string{"-broker"}, 1, []string{"wrong  configuration: Config.StoreURL", "oracle"}},
		"no algorithm":   {nil, []string{"-broker", "-signing-algorithm", "HS256"}, 1, []string{"wrong  configuration: Config.Broker.SigningAlgorithm", "HS256"}},
	} {
		env := map[string]string{}
		for variable, value := range good {
			env[variable] = value
			if other, ok := c.env[variable]; ok {
				env[variable] = other
			}
		}
		env["STORE_URL"] = c.env["STORE_URL"]
		got := runs(t, env, "", append([]string{"doctor"}, c.args...)...)
		if got.code != c.code || got.err != "" {
			t.Errorf("%s: %d %s\n%s", name, got.code, got.err, got.out)
		}
		for _, text := range c.want {
			if !strings.Contains(got.out, text) {
				t.Errorf("%s: no %q in\n%s", name, text, got.out)
			}
		}
		for _, secret := range []string{env["CLIENT_SECRET"], env["SECRET_KEY"]} {
			if strings.Contains(got.out, secret) && secret != "wrong" {
				t.Errorf("%s: a secret in\n%s", name, got.out)
			}
		}
		asJSON := runs(t, env, "", append([]string{"doctor", "-json"}, c.args...)...)
		var findings []core.Finding
		if err := json.Unmarshal([]byte(asJSON.out), &findings); err != nil || asJSON.code != c.code || len(findings) == 0 {
			t.Errorf("%s: %v %+v", name, err, asJSON)
		}
	}
}
