package oidctest_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// A provider with a file continues where the last one stopped: with refresh tokens, used ones included, access tokens and keys.
func TestAProviderSurvivesInItsFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "provider.json")
	start := func() *oidctest.Provider { return oidctest.NewProvider(t, oidctest.WithFile(file)) }
	first := start()
	begun := login(t, first, oauthClient(first, false))
	spent, err := refresh(t, oauthClient(first, false), begun.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	_, keys := getJSON(t, first.URL(oidctest.JWKS), "")
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("%v %v", info, err)
	}

	second := start()
	if _, again := getJSON(t, second.URL(oidctest.JWKS), ""); !reflect.DeepEqual(again, keys) {
		t.Error("other keys")
	}
	if status, who := getJSON(t, second.URL(oidctest.UserInfo), spent.AccessToken); who["email"] != "alice@example.org" {
		t.Errorf("the access token is not known any more: %d %v", status, who)
	}
	next, err := refresh(t, oauthClient(second, false), spent.RefreshToken)
	if err != nil {
		t.Fatalf("the refresh token is not known any more: %v", err)
	}

	third := start() // the second one is still open; its answers are already in the file
	for _, token := range []string{spent.RefreshToken, next.RefreshToken} {
		if _, err := refresh(t, oauthClient(third, false), token); errorCode(err) != "invalid_grant" {
			t.Errorf("a token of a login of which one was spent twice: %v", err)
		}
	}
}

func TestInvalidFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "provider.json")
	for _, text := range []string{"", "{", "{}", `{"keys":[{"kid":"a","alg":"RS256","pem":"x"}]}`} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := oidctest.Start(oidctest.WithFile(file)); err == nil || !strings.Contains(err.Error(), file) {
			t.Errorf("%q: %v", text, err)
		}
	}
	if _, err := oidctest.Start(oidctest.WithFile(filepath.Join(t.TempDir(), "f")), oidctest.WithAlgorithm("ES256")); err == nil {
		t.Error("ES256: no error")
	}
}
