package pypeer

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
	"github.com/go-oidc-auth/oidcauth/integration/app"
)

// audience is py-oidc-auth's default.
const audience = "py-oidc-auth"

// newGo starts a service of ours at a provider. configure changes its configuration.
func newGo(t *testing.T, framework string, idp *oidctest.Provider, configure func(publicURL string, cfg *core.Config)) *app.App {
	t.Helper()
	guarded := app.Guarded{"/admin": {core.Roles("admin")}, "/scoped": {core.Scopes("openid")}}
	return app.Start(t, framework, guarded, func(publicURL string) core.Config {
		cfg := idp.Config()
		cfg.PublicURL = publicURL
		cfg.Store, cfg.Broker = hurried{store.NewMemory()}, &core.BrokerConfig{Audience: audience}
		if configure != nil {
			configure(publicURL, &cfg)
		}
		return cfg
	})
}

// newKey is an RSA key, in PEM as py-oidc-auth writes it.
func newKey(t *testing.T) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
}

// hurried is a store that lets a new signing key sign ten minutes sooner than is right: at once.
type hurried struct{ store.Store }

// AddKey implements [store.Store].
func (s hurried) AddKey(ctx context.Context, key store.Key) error {
	if !key.From.IsZero() && key.Generation > 1 {
		key.From = key.From.Add(-10 * time.Minute)
	}
	return s.Store.AddKey(ctx, key)
}

// login logs a user in at a service of either kind, through the service's own callback.
func login(t *testing.T, idp *oidctest.Provider, issuer, user string) core.Token {
	t.Helper()
	query := url.Values{"redirect_uri": {issuer + "/auth/v2/callback"}}
	agent := app.NewAgent()
	page := agent.Open(t, issuer+"/auth/v2/login?"+query.Encode(), idp.URL(oidctest.Authorization))
	back, err := idp.Approve(page.URL.String(), user)
	if err != nil {
		t.Fatal(err)
	}
	return app.JSON[core.Token](t, agent.Open(t, back.String(), "").Answer)
}

// issuer is what the tokens of a service of ours name.
func issuer(a *app.App) string { return a.URL + app.Prefix }

// eventually waits for a condition.
func eventually(t *testing.T, limit time.Duration, what string, condition func() bool) {
	t.Helper()
	for end := time.Now().Add(limit); !condition(); time.Sleep(100 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%s: not within %s", what, limit)
		}
	}
}
