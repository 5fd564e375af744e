package core_test

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// secretive has a secret in every field that can hold one.
func secretive(t *testing.T) core.Config {
	config := newIDP(t).config()
	config.ClientSecret, config.SecretKeys = "CLIENT-SECRET", []string{"SECRET-KEY-one-of-thirty-two-bytes-or-more"}
	config.StoreURL = "postgres://app:STORE-PASSWORD@db.example.org/app?password=QUERY-PASSWORD"
	config.Broker = &core.BrokerConfig{ImportKey: []byte("IMPORT-KEY"), TokenTTL: time.Minute}
	return config
}

var secretWords = []string{"CLIENT-SECRET", "SECRET-KEY", "STORE-PASSWORD", "QUERY-PASSWORD", "IMPORT-KEY", "SU1QT1JULUtFW"} // the last is base64

// No verb and no handler of slog prints a secret of a configuration; the other settings are shown.
func TestConfigIsHidden(t *testing.T) {
	config := secretive(t)
	broker := *config.Broker
	nested := struct {
		Config core.Config
		Broker core.BrokerConfig
		Both   []any
	}{config, broker, []any{config, &config, broker, &broker}}
	texts := printed(config, &config, nested, &nested, broker, &broker, []core.BrokerConfig{broker}, map[string]*core.Config{"x": &config})
	wantHidden(t, texts, secretWords...)
	for name, text := range texts {
		if !strings.Contains(name, "%") && !strings.Contains(text, "TokenTTL") || strings.Contains(text, "ERROR") {
			t.Errorf("%s: %s", name, text)
		}
	}
	if text := texts["value 0 with %+v"]; !strings.Contains(text, "StoreURL:postgres://db.example.org/app ") || !strings.Contains(text, "PublicURL:https://app.example/api ") {
		t.Error(text)
	}
	text, err := json.Marshal(nested)
	wantHidden(t, map[string]string{"json.Marshal": string(text)}, secretWords...)
	if err != nil || !strings.Contains(string(text), `"TokenTTL":"1m0s"`) {
		t.Errorf("%s, %v", text, err)
	}
	printed((*core.Config)(nil), (*core.BrokerConfig)(nil), core.Config{}, core.BrokerConfig{})
}

// A password in a malformed URL stays hidden too.
func TestPasswordsInURLsAreHidden(t *testing.T) {
	for _, address := range []string{
		"postgres://u:PASS/WORD@host/db", "postgres://u:1/PASS@host/db", "postgres://u:1?PASS@host/db", "postgres://u:1#PASS@host/db", "user:PASS@host://x",
		"PASS", "postgres://u:PASS%zz@host/db", "redis://:PASS@host", "mysql+driver://u:PASS@host,other/db", "mongodb://u:PASS@a:1,b:2/db?x=PASS", "//u:PASS@host", "https://u:PASS@idp.example.org",
	} {
		config := core.Config{StoreURL: address, Broker: &core.BrokerConfig{}}
		if strings.Contains(address, "@") {
			config.DiscoveryURL, config.PublicURL, config.JWKSURL, config.Issuer = address, address, address, address
			config.RedirectURIs, config.PostLogoutURIs, config.Broker.TrustedIssuers = []string{address}, []string{address}, []string{address}
		}
		wantHidden(t, printed(config), "PASS")
	}
}

// An Auth prints its provider and client, a zero Auth nothing.
func TestAuthIsHidden(t *testing.T) {
	config := secretive(t)
	config.StoreURL, config.Broker = "memory://", nil
	auth, err := core.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	byValue := reflect.ValueOf(auth).Elem().Interface()
	texts := printed(auth, byValue, struct{ Auth *core.Auth }{auth}, struct{ auth *core.Auth }{auth}, []any{auth, byValue}, auth.Required())
	wantHidden(t, texts, secretWords...)
	if text := texts["value 0 with %v"]; !strings.Contains(text, "ClientID:"+clientID) {
		t.Error(text)
	}
}
