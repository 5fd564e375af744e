package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// bank starts the program with a provider, and returns its address.
func bank(t *testing.T, idp *oidctest.Provider) string {
	t.Helper()
	var router http.Handler
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { router.ServeHTTP(w, r) }))
	t.Cleanup(server.Close)
	idp.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{server.URL + "/auth/v2/callback"}})
	cfg := idp.Config()
	cfg.PublicURL, cfg.Sessions, cfg.Store, cfg.Logger = server.URL, &core.SessionConfig{}, store.NewMemory(), slog.New(slog.DiscardHandler)
	made, err := newRouter(cfg)
	if err != nil {
		t.Fatal(err)
	}
	router = made
	return server.URL
}

// person opens a page in a browser, logs in where the provider asks, and returns what the browser shows.
func person(t *testing.T, browser *http.Client, idp *oidctest.Provider, address string) (status int, text string) {
	t.Helper()
	for range 10 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Accept", "text/html")
		answer, err := browser.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		to := answer.Header.Get("Location")
		if to == "" {
			return answer.StatusCode, string(body)
		}
		if strings.HasPrefix(to, idp.URL(oidctest.Authorization)) {
			var back *url.URL
			if back, err = idp.Approve(to, "alice"); err != nil {
				t.Fatal(err)
			}
			to = back.String()
		}
		address = to
	}
	t.Fatal("the browser goes round in circles")
	return 0, ""
}

func newBrowser() *http.Client {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	return &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

func TestPayment(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithACR("bronze", "gold"))
	address, browser := bank(t, idp), newBrowser()
	if status, text := person(t, browser, idp, address+"/account"); status != http.StatusOK || text != "The account of alice." {
		t.Errorf("the account: %d %s", status, text)
	}
	if asked := idp.Last(oidctest.Authorization).Query; asked.Has("acr_values") || asked.Has("max_age") {
		t.Errorf("the first login asks for %v", asked)
	}
	if status, text := person(t, browser, idp, address+"/payment"); status != http.StatusOK || !strings.Contains(text, "<button>Pay") {
		t.Errorf("the payment: %d %s", status, text)
	}
	if asked := idp.Last(oidctest.Authorization).Query; asked.Get("acr_values") != "gold platinum" || asked.Get("max_age") != "300" {
		t.Errorf("the payment asks for %v", asked)
	}
}

func TestWithoutSecondFactor(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithACR("bronze"))
	address, browser := bank(t, idp), newBrowser()
	if status, text := person(t, browser, idp, address+"/payment"); status != http.StatusForbidden || !strings.Contains(text, "Another login is needed") {
		t.Errorf("the payment: %d %s", status, text)
	}
	if status, _ := person(t, browser, idp, address+"/account"); status != http.StatusOK {
		t.Errorf("the account: %d", status)
	}
}

// The answers to programs are those of docs/step-up.md.
func TestPrograms(t *testing.T) {
	idp := oidctest.NewProvider(t)
	address := bank(t, idp)
	for name, c := range map[string]struct {
		claims oidctest.Claims
		status int
	}{
		"weak":   {oidctest.Claims{"acr": "bronze", "auth_time": time.Now().Unix()}, http.StatusUnauthorized},
		"old":    {oidctest.Claims{"acr": "gold", "auth_time": time.Now().Add(-time.Hour).Unix()}, http.StatusUnauthorized},
		"strong": {oidctest.Claims{"acr": "gold", "auth_time": time.Now().Unix()}, http.StatusOK},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, address+"/payment", nil)
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", idp.Bearer("alice", c.claims))
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		_ = answer.Body.Close()
		const challenge = `Bearer realm="oidcauth", error="insufficient_user_authentication", error_description="A stronger or more recent login is needed.", acr_values="gold platinum", max_age="300"`
		if got := answer.Header.Get("WWW-Authenticate"); answer.StatusCode != c.status || got != "" && got != challenge || (got == "") != (c.status == http.StatusOK) {
			t.Errorf("%s: %d %s", name, answer.StatusCode, got)
		}
	}
}
