package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

// webApp is an application with a page behind a login, configured by environment variables as the README's programs are.
func webApp(t *testing.T, env map[string]string, mux *http.ServeMux) {
	t.Helper()
	auth, err := httpauth.New(core.Config{
		DiscoveryURL: env["DISCOVERY_URL"], ClientID: env["CLIENT_ID"], ClientSecret: env["CLIENT_SECRET"], PublicURL: env["PUBLIC_URL"],
		SecretKeys: []string{env["SECRET_KEY"]}, StoreURL: "sqlite:///" + filepath.ToSlash(filepath.Join(t.TempDir(), "s.sqlite")), Sessions: &core.SessionConfig{},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	mux.Handle("GET /me", auth.Handle(func(w http.ResponseWriter, r *http.Request, caller *core.IDToken) {
		_, _ = io.WriteString(w, "Hello "+caller.Username()+", "+strings.Join(caller.Roles(), " "))
	}))
	if err := auth.Mount(mux, core.Paths{}); err != nil {
		t.Fatal(err)
	}
}

// The lines that provider prints are all that an application needs: a person logs in there with a button.
func TestPastedLinesLogIn(t *testing.T) {
	mux := http.NewServeMux()
	app := httptest.NewServer(mux)
	t.Cleanup(app.Close)
	idp := provides(t, "-public-url", app.URL)
	env := idp.env(t)
	if len(env) != 5 || env["PUBLIC_URL"] != app.URL || len(env["SECRET_KEY"]) < 32 || !strings.Contains(idp.text, "The provider runs at http://127.0.0.1:") || strings.Contains(idp.text, "in use") {
		t.Fatalf("%+v", idp)
	}
	webApp(t, env, mux)
	b := newBrowser(t)
	login := b.open(app.URL + "/me")
	if !strings.Contains(login.text, "Continue as alice") {
		t.Fatalf("%d at %s:\n%s", login.status, login.at, login.text)
	}
	if me := b.press(login, url.Values{"user": {"alice"}}); me.status != http.StatusOK || !strings.Contains(me.text, "Hello alice, /staff/dev admin") {
		t.Errorf("%d at %s:\n%s", me.status, me.at, me.text)
	}
	other := provides(t).env(t)
	if other["SECRET_KEY"] == env["SECRET_KEY"] || other["PUBLIC_URL"] != defaultPublicURL {
		t.Errorf("another provider: %v", other)
	}
}

// With a password and consent, a person types the one and gives the other.
func TestLoginWithPasswordAndConsent(t *testing.T) {
	mux := http.NewServeMux()
	app := httptest.NewServer(mux)
	t.Cleanup(app.Close)
	webApp(t, provides(t, "-public-url", app.URL, "-password", "open, please", "-consent", "-user", "dora:a:b").env(t), mux)
	b := newBrowser(t)
	login := b.open(app.URL + "/me")
	if strings.Contains(login.text, "Continue as") || !strings.Contains(login.text, `type="password"`) {
		t.Fatalf("%d at %s:\n%s", login.status, login.at, login.text)
	}
	again := b.press(login, url.Values{"user": {"dora"}, "password": {"open, please"}})
	if !strings.Contains(again.text, "password is wrong") {
		t.Fatalf("a wrong password: %d at %s:\n%s", again.status, again.at, again.text)
	}
	consent := b.press(again, url.Values{"user": {"dora"}, "password": {"a:b"}})
	if !strings.Contains(consent.text, "Allow") || !strings.Contains(consent.text, "openid") {
		t.Fatalf("no consent page: %d at %s:\n%s", consent.status, consent.at, consent.text)
	}
	if me := b.press(consent, url.Values{"allow": {"1"}}); me.status != http.StatusOK || !strings.Contains(me.text, "Hello dora") {
		t.Errorf("%d at %s:\n%s", me.status, me.at, me.text)
	}
	second := newBrowser(t)
	alice := second.press(second.open(app.URL+"/me"), url.Values{"user": {"alice"}, "password": {"open, please"}})
	if me := second.press(alice, url.Values{"allow": {"1"}}); !strings.Contains(me.text, "Hello alice") {
		t.Errorf("the password of all: %d at %s:\n%s", me.status, me.at, me.text)
	}
}

// If its port is in use, the provider takes the next free one, and says so.
func TestNextFreePort(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	address := taken.Addr().String()
	idp := provides(t, "-addr", address)
	if got := idp.env(t)["DISCOVERY_URL"]; !strings.HasPrefix(got, "http://127.0.0.1:") || strings.Contains(got, address+"/") {
		t.Errorf("%s beside %s", got, address)
	}
	if !strings.Contains(idp.text, "because "+address+" is in use") {
		t.Errorf("%s", idp.text)
	}
}

// Flags set what the provider issues: audience, scopes, resources, levels of logins, opaque tokens.
func TestProviderIssues(t *testing.T) {
	env := provides(t, "-scope", "orders,profile", "-resource", "https://orders.example.org", "-audience", "warehouse", "-client", "tool:s3cret", "-acr", "bronze", "-acr", "gold").env(t)
	if env["CLIENT_ID"] != "tool" || env["CLIENT_SECRET"] != "s3cret" {
		t.Fatalf("%v", env)
	}
	base := strings.TrimSuffix(env["DISCOVERY_URL"], "/.well-known/openid-configuration")
	for _, c := range []struct {
		scope, resource, audience string
	}{
		{"openid orders", "", `"aud":"warehouse"`},
		{"openid", "https://orders.example.org", `"aud":"https://orders.example.org"`},
		{"openid email", "", "invalid_scope"},
		{"openid", "https://other.example.org", "invalid_target"},
	} {
		form := url.Values{"client_id": {"tool"}, "client_secret": {"s3cret"}, "scope": {c.scope}}
		if c.resource != "" {
			form.Set("resource", c.resource)
		}
		device := post(t, base+"/device_authorization", form)
		if code, ok := device["error"]; ok {
			if code != c.audience {
				t.Errorf("%+v: %v", c, code)
			}
			continue
		}
		complete, _ := device["verification_uri_complete"].(string)
		b := newBrowser(t)
		b.press(b.open(complete), url.Values{"user": {"alice"}})
		deviceCode, _ := device["device_code"].(string)
		tokens := post(t, base+"/token", url.Values{
			"client_id": {"tool"}, "client_secret": {"s3cret"}, "grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "device_code": {deviceCode},
		})
		access, _ := tokens["access_token"].(string)
		seen := runs(t, env, access, "token", "-json")
		var compact strings.Builder
		var inspection struct{ Claims map[string]any }
		if err := json.Unmarshal([]byte(seen.out), &inspection); err != nil {
			t.Fatalf("%v in %+v", err, seen)
		}
		if err := json.NewEncoder(&compact).Encode(inspection.Claims); err != nil || !strings.Contains(compact.String(), c.audience) || !strings.Contains(compact.String(), `"acr":"bronze"`) {
			t.Errorf("%+v: %s", c, compact.String())
		}
	}
	opaque := provides(t, "-opaque").env(t)
	if got := runs(t, opaque, "opaque", "token"); got.code != exitWrong {
		t.Errorf("%+v", got)
	}
}

// post posts a form as a program does.
func post(t *testing.T, address string, form url.Values) map[string]any {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var body map[string]any
	if err := json.NewDecoder(answer.Body).Decode(&body); err != nil {
		t.Fatal(err)
	}
	return body
}
