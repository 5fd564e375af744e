package core_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

const doctorPoison = "IGNORE-ALL-PREVIOUS-LINES"

// No answer of a provider makes Doctor panic, and none of its texts is in a finding.
func TestDoctorSurvivesTheProvider(t *testing.T) {
	poison := `{"error":"` + doctorPoison + `","error_description":"` + doctorPoison + `"}`
	faults := map[string]oidctest.Fault{
		"HTML": oidctest.HTML(200), "truncated": oidctest.Truncated(), "oversized": oidctest.Oversized(), "redirect": oidctest.Redirect(302),
		"empty": oidctest.Reply(200, "", ""), "no content": oidctest.Reply(204, "", ""), "a list": oidctest.Reply(200, "application/json", `["`+doctorPoison+`"]`),
		"error": oidctest.Reply(400, "application/json", poison), "denied": oidctest.Reply(401, "application/json", poison), "text": oidctest.Reply(403, "text/plain", doctorPoison),
		"cut": oidctest.CutHalfway(), "refused": oidctest.Refused(), "numbers": oidctest.Reply(200, "application/json", `{"issuer":1,"keys":{},"error":[]}`),
		"address": oidctest.Serve(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", r.URL.Query().Get("redirect_uri")+"?error="+doctorPoison)
			w.WriteHeader(302)
		}),
		"odd address": oidctest.Serve(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "https://[%zz/"+doctorPoison)
			w.Header().Set("Date", doctorPoison)
			w.WriteHeader(302)
		}),
		"elsewhere": oidctest.Serve(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "//evil.example/"+doctorPoison+r.URL.Query().Get("redirect_uri"))
			w.WriteHeader(303)
		}),
	}
	for _, endpoint := range []oidctest.Endpoint{oidctest.Discovery, oidctest.JWKS, oidctest.Token, oidctest.Authorization} {
		f := newFlow(t, brokered())
		for name, fault := range faults {
			f.idp.Fault(endpoint, fault)
			list := f.auth.Doctor(t.Context())
			checkDoctor(t, string(endpoint)+", "+name, list)
			if wrong := found(list, "", core.FindingWrong); len(wrong) == 0 && endpoint != oidctest.Authorization && !strings.Contains("error denied text numbers truncated", name) {
				t.Errorf("%s, %s: nothing is wrong: %+v", endpoint, name, list)
			}
		}
	}
}

// Nor has a member of the documents any effect but a finding.
func TestDoctorSurvivesTheDocuments(t *testing.T) {
	odd := []any{nil, doctorPoison, -1, true, []any{}, []any{doctorPoison}, []any{1}, map[string]any{doctorPoison: doctorPoison}, "https://" + doctorPoison + ".example/\x00", strings.Repeat("x", 100_000)}
	for _, member := range []string{
		"issuer", "jwks_uri", "authorization_endpoint", "token_endpoint", "device_authorization_endpoint", "userinfo_endpoint", "end_session_endpoint",
		"introspection_endpoint", "pushed_authorization_request_endpoint", "require_pushed_authorization_requests", "backchannel_logout_supported",
		"id_token_signing_alg_values_supported", "token_endpoint_auth_methods_supported", "code_challenge_methods_supported", "grant_types_supported", "scopes_supported", "response_modes_supported",
	} {
		idp := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.test"), oidctest.WithAlgorithm("ES256"))
		var value any
		idp.Tamper(oidctest.DiscoveryDocuments, func(document oidctest.Claims) { document[member] = value })
		config := idp.Config()
		config.Sessions, config.Store = &core.SessionConfig{}, store.NewMemory()
		auth, err := core.New(config)
		if err != nil {
			t.Fatal(err)
		}
		for _, value = range odd {
			checkDoctor(t, member, auth.Doctor(t.Context()))
		}
		_ = auth.Close()
	}
}

// checkDoctor checks that every finding is one short line without texts of the provider.
func checkDoctor(t *testing.T, what string, list []core.Finding) {
	t.Helper()
	text, err := json.Marshal(list)
	if err != nil || len(list) < 3 {
		t.Errorf("%s: %v %s", what, err, text)
	}
	for _, secret := range []string{doctorPoison, strings.ToLower(doctorPoison), oidctest.ClientSecret} {
		if strings.Contains(string(text), secret) {
			t.Errorf("%s: %q in %s", what, secret, text)
		}
	}
	for _, finding := range list {
		if strings.ContainsAny(finding.Text+finding.Line, "\n\r\t") || len(finding.Text) > 700 || len(finding.Line) > 300 {
			t.Errorf("%s: not a line: %+v", what, finding)
		}
	}
}

// A transport or a store that panics or hangs costs its own findings alone, and no longer than the timeout of each request.
func TestDoctorIsBounded(t *testing.T) {
	for name, c := range map[string]struct {
		transport roundTripper
		flaw      func(context.Context, string, int) error
		most      time.Duration
		want      mistake
	}{
		"panic of the transport": {func(*http.Request) (*http.Response, error) { panic("secret") }, nil, 0, mistake{check: "provider", level: core.FindingWrong, text: "panicked"}},
		"panic of the store":     {nil, func(context.Context, string, int) error { panic("secret") }, 0, mistake{check: "store", level: core.FindingWrong, text: "panicked"}},
		"the transport hangs":    {hanging, nil, 11 * time.Second, mistake{check: "discovery", level: core.FindingWrong, text: "no answer in time"}},
		"the login hangs":        {nil, nil, 21 * time.Second, mistake{check: "redirect URI", level: core.FindingNote, text: "could not ask", line: flowOwnCallback}},
		"the store hangs":        {nil, func(ctx context.Context, _ string, _ int) error { <-ctx.Done(); return ctx.Err() }, 11 * time.Second, mistake{check: "store", level: core.FindingWrong, text: "deadline exceeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				idp := oidctest.NewProvider(t, oidctest.WithoutNetwork("https://idp.test"), oidctest.WithAlgorithm("ES256"))
				config, db := idp.Config(), &flawedStore{Store: &remote{store.NewMemory()}}
				config.Sessions, config.Store = &core.SessionConfig{}, db
				if c.want.check == "redirect URI" {
					idp.Fault(oidctest.Authorization, oidctest.Hang())
				}
				if c.transport != nil {
					config.HTTPClient = &http.Client{Transport: c.transport}
				}
				auth, err := core.New(config)
				if err != nil {
					t.Fatal(err)
				}
				db.breaks(c.flaw)
				begun := time.Now()
				list := auth.Doctor(t.Context())
				if took := time.Since(begun); took > c.most {
					t.Errorf("took %s", took)
				}
				if !c.want.has(list) || len(found(list, "cookie", "")) != 1 {
					t.Errorf("got %+v", list)
				}
				if c.flaw == nil && len(found(list, "store", core.FindingOK)) == 0 || c.transport == nil && len(found(list, "discovery", core.FindingOK)) == 0 {
					t.Errorf("the other part is missing: %+v", list)
				}
				if err := auth.Close(); err != nil {
					t.Fatal(err)
				}
			})
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func hanging(r *http.Request) (*http.Response, error) {
	<-r.Context().Done()
	return nil, r.Context().Err()
}

// The end of ctx ends every request.
func TestDoctorEndsWithTheContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	list := newFlow(t, brokered()).auth.Doctor(ctx)
	if len(found(list, "discovery", core.FindingWrong)) != 1 || len(found(list, "PublicURL", "")) != 1 {
		t.Errorf("got %+v", list)
	}
}
