package core_test

import (
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// withSessions enables browser sessions in memory.
func withSessions(change func(*core.Config)) func(*core.Config) {
	return func(c *core.Config) {
		c.Sessions, c.Store = &core.SessionConfig{}, store.NewMemory()
		if change != nil {
			change(c)
		}
	}
}

// Every relaxation, and every setting that does not fit to another, is named.
func TestDoctorReadsTheSettings(t *testing.T) {
	const httpsLine = `PublicURL: "https://app.example.org",`
	for name, c := range map[string]mistake{
		"AllowHTTP":         {config: func(c *core.Config) { c.AllowHTTP = true }, check: "relaxations", level: core.FindingNote, text: "AllowHTTP", line: "AllowHTTP: false,"},
		"AnyAudience":       {config: func(c *core.Config) { c.Audience = []string{core.AnyAudience} }, check: "relaxations", level: core.FindingNote, text: "AnyAudience", line: `Audience: []string{"app"},`},
		"IssuedToUs":        {config: func(c *core.Config) { c.Audience = []string{core.IssuedToUs} }, check: "relaxations", level: core.FindingNote, text: "IssuedToUs"},
		"RolesOfAllClients": {config: func(c *core.Config) { c.RolesOfAllClients = true }, check: "relaxations", level: core.FindingNote, text: "RolesOfAllClients", line: "RolesOfAllClients: false,"},
		"Leeway":            {config: func(c *core.Config) { c.Leeway = 3 * time.Minute }, check: "relaxations", level: core.FindingNote, text: "3m0s", line: "Leeway: 30 * time.Second,"},
		"TrustedOrigins": {config: withSessions(func(c *core.Config) { c.Sessions.TrustedOrigins = []string{"https://spa.example.org"} }),
			check: "relaxations", level: core.FindingNote, text: "TrustedOrigins has 1 "},
		"EdDSA in a federation": {config: brokered(signing("EdDSA"), func(c *core.Config) { c.Broker.Audience, c.Broker.TrustedIssuers = shared, []string{peerA} }),
			check: "signing algorithm", level: core.FindingNote, text: "a Python service that trusts it", line: `SigningAlgorithm: "RS256",`},
		"ResolveIssuer":     {config: func(c *core.Config) { c.ResolveIssuer = new(directory).resolve }, check: "tenants", level: core.FindingNote, text: "ResolveIssuer"},
		"Logger":            {config: func(c *core.Config) { c.Logger = nil }, check: "logger", level: core.FindingNote, text: "nothing is logged", line: "Logger: slog.Default(),"},
		"SecretKeys":        {config: func(c *core.Config) { c.SecretKeys = nil }, check: "secret keys", level: core.FindingNote, text: "another", line: `SecretKeys: []string{os.Getenv("SECRET_KEY")}, // the output of: openssl rand -base64 48`},
		"cookie over https": {config: withSessions(onPublic), check: "cookie", level: core.FindingOK, text: "__Host-oidc-session,"},
		"cookie over http":  {config: withSessions(nil), check: "cookie", level: core.FindingNote, text: "neither Secure", line: httpsLine},
		"cookie that http cannot set": {config: withSessions(func(c *core.Config) { c.Sessions.CookieName = "__HOST-x" }),
			check: "cookie", level: core.FindingWrong, text: "refuse the cookie __HOST-x over http", line: `CookieName: "oidc-session",`},
		"cookie with two prefixes": {config: withSessions(func(c *core.Config) { onPublic(c); c.Sessions.CookieName = "__Host-x" }),
			check: "cookie", level: core.FindingNote, text: "__Host-__Host-x", line: `CookieName: "oidc-session",`},
	} {
		list := newFlow(t, c.config).auth.Doctor(t.Context())
		if !c.has(list) {
			t.Errorf("%s: got %+v", name, list)
		}
	}
}

func TestDoctorAfterClose(t *testing.T) {
	f := newFlow(t, brokered())
	if err := f.auth.Close(); err != nil {
		t.Fatal(err)
	}
	want := mistake{check: "settings", level: core.FindingWrong, text: "Close was called"}
	if list := f.auth.Doctor(t.Context()); !want.has(list) {
		t.Errorf("got %+v", list)
	}
}

// Good configurations of every mode have no finding that is wrong.
func TestDoctorFindsNothingWrong(t *testing.T) {
	for name, config := range map[string]func(*core.Config){
		"passthrough": nil, "sessions": withSessions(nil), "broker": brokered(), "both": brokered(func(c *core.Config) { c.Sessions = &core.SessionConfig{} }),
		"public address": withSessions(onPublic), "bearer only": func(c *core.Config) { c.Audience = []string{"orders"} },
	} {
		for _, algorithm := range []string{"RS256", "ES256", "EdDSA"} {
			idp := oidctest.NewProvider(t, oidctest.WithAlgorithm(algorithm))
			register(idp)
			f := flowOver(t, idp, config)
			for range 2 { // before the first request, and when all is in use
				if wrong := found(f.auth.Doctor(t.Context()), "", core.FindingWrong); len(wrong) > 0 {
					t.Errorf("%s, %s: %+v", name, algorithm, wrong)
				}
				if err := f.auth.Ready(t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
