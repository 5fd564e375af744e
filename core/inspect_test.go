package core_test

import (
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// inspected makes a service whose log, events and error answers are an error of the test: an inspection is none of a request.
func inspected(t *testing.T, idp *oidctest.Provider, change func(*core.Config)) *core.Auth {
	t.Helper()
	cfg := idp.Config()
	cfg.Logger = slog.New(slog.NewTextHandler(writerFunc(func(line []byte) (int, error) {
		if strings.Contains(string(line), "refused") {
			t.Errorf("logged: %s", line)
		}
		return len(line), nil
	}), &slog.HandlerOptions{Level: slog.LevelDebug}))
	if change != nil {
		change(&cfg)
	}
	auth, err := core.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	return auth
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(line []byte) (int, error) { return f(line) }

// An inspection names the check that refuses a token, and shows everything of the token but its signature.
func TestInspect(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.example/realm"))
	auth := inspected(t, idp, func(cfg *core.Config) {
		cfg.Observe = core.ObserveFunc(func(event core.Event) {
			if event.Kind == "verification" {
				t.Errorf("observed: %+v", event)
			}
		})
		cfg.OnError = func(context.Context, *core.Request, *core.Error) *core.Response {
			t.Error("an answer was made")
			return nil
		}
	})
	exp := time.Now().Add(-time.Hour).Unix()
	for _, c := range []struct {
		name, token, check, reason string
		passed                     int
	}{
		{"good", idp.AccessToken("alice"), "", "", 10},
		{"expired", idp.AccessToken("alice", oidctest.Claims{"exp": exp}), "expiry", "expired", 5},
		{"another service", idp.AccessToken("alice", oidctest.Claims{"aud": "warehouse"}), "audience", "wrong audience", 8},
		{"an ID token", idp.IDToken("alice"), "kind", "not an access token", 0},
		{"another issuer", idp.AccessToken("alice", oidctest.Claims{"iss": "https://idp.example.net"}), "issuer", "wrong issuer", 1},
		{"no time", idp.AccessToken("alice", oidctest.Claims{"iat": 1e300}), "not before", "not yet valid", 6},
		{"garbage", "x.y", "form", "not a well-formed signed token", 0},
		{"nothing", "", "form", "not a well-formed signed token", 0},
	} {
		seen := auth.Inspect(t.Context(), c.token)
		passed, refused := 0, ""
		for _, check := range seen.Checks {
			switch check.Verdict {
			case core.VerdictPassed:
				passed++
			case core.VerdictRefused:
				refused = check.Check
				if check.Reason != c.reason {
					t.Errorf("%s: %s because of %q", c.name, check.Check, check.Reason)
				}
			}
		}
		if seen.Accepted != (c.reason == "") || seen.Reason != c.reason || refused != c.check || passed != c.passed || len(seen.Checks) != 10 {
			t.Errorf("%s: %+v", c.name, seen)
		}
		text, err := json.Marshal(seen)
		if err != nil {
			t.Fatal(err)
		}
		if parts := strings.Split(c.token, "."); len(parts) == 3 && (strings.Contains(string(text), parts[2]) || seen.Header["kid"] == nil || seen.Claims["sub"] != "alice") {
			t.Errorf("%s: %s", c.name, text)
		}
	}
	if got, ok := auth.Inspect(t.Context(), idp.AccessToken("alice", oidctest.Claims{"exp": exp})).Checks[5].Says.(time.Time); !ok || got.Unix() != exp {
		t.Errorf("exp: %v", got)
	}
}

// While the keys cannot be fetched no check refuses the token, and nothing is said to have passed.
func TestInspectWithoutKeys(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.example/realm"))
	idp.Fault(oidctest.JWKS, oidctest.Status(500))
	seen := inspected(t, idp, nil).Inspect(t.Context(), idp.AccessToken("alice"))
	if seen.Accepted || !strings.Contains(seen.Reason, "503") {
		t.Errorf("%+v", seen)
	}
	for _, check := range seen.Checks {
		if check.Verdict != core.VerdictNotReached {
			t.Errorf("%+v", check)
		}
	}
}

// The check that refuses says what it would accept, as far as a setting decides it.
func TestInspectSaysWhatIsWanted(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.example/realm"))
	for name, c := range map[string]struct {
		cfg               func(*core.Config)
		token             string
		check, want, hint string
	}{
		"audience":     {nil, idp.AccessToken("alice", oidctest.Claims{"aud": "warehouse", "azp": nil, "client_id": nil}), "audience", "app", ""},
		"issued to us": {nil, idp.AccessToken("alice", oidctest.Claims{"aud": "warehouse"}), "audience", "app", "core.IssuedToUs"},
		"issuer":       {nil, idp.AccessToken("alice", oidctest.Claims{"iss": "https://other.example"}), "issuer", "https://idp.example/realm", ""},
		"ID token":     {nil, idp.IDToken("alice"), "kind", "", "send the access token"},
		"opaque":       {nil, "2YotnFZFEjr1zCsicMWpAA", "form", "", "not a JWT"},
		"scope":        {func(cfg *core.Config) { cfg.Require = []core.Requirement{core.Scopes("orders", "email")} }, idp.AccessToken("alice"), "requirement", "orders, email", ""},
		"role":         {func(cfg *core.Config) { cfg.Require = []core.Requirement{core.Roles("admin")} }, idp.AccessToken("bob"), "requirement", "Roles admin", ""},
	} {
		seen := inspected(t, idp, c.cfg).Inspect(t.Context(), c.token)
		for i, check := range seen.Checks {
			switch {
			case check.Check != c.check:
				if c.check == "requirement" && check.Verdict != core.VerdictPassed {
					t.Errorf("%s: %+v", name, check)
				}
			case check.Verdict != core.VerdictRefused || check.Want != c.want || !strings.Contains(check.Hint, c.hint) || check.Reason == "" || seen.Reason != check.Reason:
				t.Errorf("%s: %d %+v, %s", name, i, check, seen.Reason)
			}
		}
		if last := seen.Checks[len(seen.Checks)-1].Check; c.cfg != nil && last != "requirement" {
			t.Errorf("%s: the last check is %s", name, last)
		}
	}
	seen := inspected(t, idp, func(cfg *core.Config) { cfg.Require = []core.Requirement{core.Roles("admin")} }).Inspect(t.Context(), idp.AccessToken("alice"))
	if !seen.Accepted || len(seen.Checks) != 11 {
		t.Errorf("%+v", seen)
	}
}
