package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/httpauth"
	"golang.org/x/oauth2/clientcredentials"
)

func TestCall(t *testing.T) {
	idp := oidctest.NewProvider(t)
	idp.Fault(oidctest.Token, oidctest.Serve(func(w http.ResponseWriter, r *http.Request) { // client credentials, as providers issue them
		token := idp.AccessToken("bob", oidctest.Claims{"sub": "billing", "client_id": "billing", "scope": r.Form.Get("scope")})
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"access_token": token, "token_type": "Bearer", "expires_in": 300})
	}))
	auth, err := httpauth.New(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	api := httptest.NewServer(auth.Handle(func(w http.ResponseWriter, _ *http.Request, caller *core.IDToken) {
		_, _ = w.Write([]byte("from " + caller.Subject()))
	}, core.Scopes("orders:import")))
	defer api.Close()

	cfg := clientcredentials.Config{ClientID: "billing", ClientSecret: "s", TokenURL: idp.URL(oidctest.Token), Scopes: []string{"orders:import"}}
	client := newClient(cfg)
	for range 2 {
		if answer, err := send(client, api.URL+"/import"); err != nil || answer != "from billing" {
			t.Errorf("import: %q, %v", answer, err)
		}
	}
	if hits := idp.Hits(oidctest.Token); hits != 1 {
		t.Errorf("%d tokens for two calls, want 1", hits)
	}
	cfg.Scopes = []string{"orders:read"}
	if _, err := send(newClient(cfg), api.URL+"/import"); err == nil || !strings.Contains(err.Error(), "403") {
		t.Errorf("without the scope: %v", err)
	}
}
