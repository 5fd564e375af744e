package provider

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// examined are the findings of [core.Auth.Doctor] for a configuration whose routes are mounted as those of [app.App].
func examined(t *testing.T, cfg core.Config) []core.Finding {
	t.Helper()
	auth, err := core.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	if _, err := auth.Routes(core.Paths{Prefix: app.Prefix}); err != nil {
		t.Fatal(err)
	}
	return auth.Doctor(t.Context())
}

// finds reports whether one of the findings has this check and level.
func finds(list []core.Finding, check string, level core.Level) bool {
	return slices.ContainsFunc(list, func(f core.Finding) bool { return f.Check == check && f.Level == level })
}

// TestDoctor examines applications that work at each provider, and the same with a mistake.
func TestDoctor(t *testing.T) {
	k := parts.SharedKeycloak(t)
	for name, j := range map[string]journey{
		"Keycloak":           keycloakClient(t, k, "chi", brokered, "app"),
		"fosite":             fositeClient("chi", brokered, "web", parts.Shape{}),
		"zitadel":            zitadelClient("chi", brokered, "web", parts.Shape{}),
		"node-oidc-provider": nodeClient("chi", brokered, "web", parts.Shape{}),
		"LemonLDAP::NG":      lemonClient(t, "chi", brokered, "web", parts.Shape{}),
	} {
		t.Run(name, func(t *testing.T) {
			var good core.Config
			open := j.config
			j.config = func(t *testing.T, publicURL string) core.Config {
				good = open(t, publicURL)
				good.PublicURL, good.SecretKeys = publicURL, []string{app.SecretKey}
				return good
			}
			j.open(t)
			for _, f := range examined(t, good) {
				t.Logf("%s %s: %s %s", f.Level, f.Check, f.Text, f.Line)
				if f.Level == core.FindingWrong {
					t.Errorf("an application that works: %s: %s", f.Check, f.Text)
				}
			}
			for mistake, c := range map[string]struct {
				change func(*core.Config)
				check  string
			}{
				"secret": {func(cfg *core.Config) { cfg.ClientSecret = "another-secret-0123456789" }, "client"},
				"client": {func(cfg *core.Config) { cfg.ClientID = "nobody" }, "client"},
				"realm": {func(cfg *core.Config) {
					cfg.DiscoveryURL = strings.Replace(cfg.DiscoveryURL, ".well-known", "none/.well-known", 1)
				}, "discovery"},
				"redirect URI": {func(cfg *core.Config) { cfg.PublicURL = "https://elsewhere.example.org" + app.Prefix }, "redirect URI"},
			} {
				cfg := good
				c.change(&cfg)
				list := examined(t, cfg)
				if !finds(list, c.check, core.FindingWrong) && (!slices.Contains(unseen[name], mistake) || finds(list, c.check, core.FindingOK)) {
					t.Errorf("%s: %+v", mistake, list)
				}
			}
		})
	}
}

// unseen are the mistakes that a provider's answers do not show: there must be a note then.
var unseen = map[string][]string{
	"zitadel":       {"secret", "client"}, // it looks for the code first
	"LemonLDAP::NG": {"redirect URI"},     // it asks for the password first
}
