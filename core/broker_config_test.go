package core_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// The error lists every invalid field of BrokerConfig at once.
func TestBrokerConfigFaults(t *testing.T) {
	const many = 257
	trusted := func(issuers ...string) func(*core.Config) {
		return func(c *core.Config) { c.Broker.TrustedIssuers, c.Broker.Audience = issuers, "shared" }
	}
	for name, c := range map[string]struct {
		change func(*core.Config)
		field  string
	}{
		"no PublicURL":             {func(c *core.Config) { c.PublicURL = "" }, "Config.PublicURL"},
		"guards alone":             {func(c *core.Config) { c.DiscoveryURL, c.Issuer, c.JWKSURL = "", issuer, issuer+"/keys" }, "Config.Broker"},
		"AppName, a path":          {func(c *core.Config) { c.AppName = "../x" }, "Config.AppName"},
		"AppName, dots":            {func(c *core.Config) { c.AppName = ".." }, "Config.AppName"},
		"AppName, NUL":             {func(c *core.Config) { c.AppName = "a\x00" }, "Config.AppName"},
		"AppName, backslash":       {func(c *core.Config) { c.AppName = `a\b` }, "Config.AppName"},
		"Audience, line end":       {func(c *core.Config) { c.Broker.Audience = "a\nb" }, "Config.Broker.Audience"},
		"issuers, no audience":     {func(c *core.Config) { c.Broker.TrustedIssuers = []string{peerA} }, "Config.Broker.Audience"},
		"issuers, too many":        {trusted(strings.Split(strings.Repeat(peerA+" ", many), " ")...), "Config.Broker.TrustedIssuers"},
		"own URL":                  {trusted(bubbleIssuer), "Config.Broker.TrustedIssuers"},
		"own URL, slash":           {trusted(bubbleIssuer + "/"), "Config.Broker.TrustedIssuers"},
		"duplicate":                {trusted(peerA, peerA), "Config.Broker.TrustedIssuers"},
		"duplicate, slash":         {trusted(peerA, peerA+"/"), "Config.Broker.TrustedIssuers"},
		"http":                     {trusted("http://a.example"), "Config.Broker.TrustedIssuers"},
		"query":                    {trusted(peerA + "?a=b"), "Config.Broker.TrustedIssuers"},
		"empty query":              {trusted(peerA + "?"), "Config.Broker.TrustedIssuers"},
		"fragment":                 {trusted(peerA + "#a"), "Config.Broker.TrustedIssuers"},
		"user":                     {trusted("https://u:hunter22@a.example"), "Config.Broker.TrustedIssuers"},
		"empty":                    {trusted(""), "Config.Broker.TrustedIssuers"},
		"no URL":                   {trusted("a.example"), "Config.Broker.TrustedIssuers"},
		"file":                     {trusted("file:///etc/passwd"), "Config.Broker.TrustedIssuers"},
		"PeerJWKSPath, relative":   {func(c *core.Config) { c.Broker.PeerJWKSPath = "jwks.json" }, "Config.Broker.PeerJWKSPath"},
		"PeerJWKSPath, dots":       {func(c *core.Config) { c.Broker.PeerJWKSPath = "/../x" }, "Config.Broker.PeerJWKSPath"},
		"PeerJWKSPath, a host":     {func(c *core.Config) { c.Broker.PeerJWKSPath = "@evil.example/x" }, "Config.Broker.PeerJWKSPath"},
		"SigningAlgorithm, case":   {signing("rs256"), `Config.Broker.SigningAlgorithm: "rs256": write RS256, ES256 or EdDSA`},
		"SigningAlgorithm, space":  {signing(" ES256"), "Config.Broker.SigningAlgorithm"},
		"SigningAlgorithm, none":   {signing("none"), "Config.Broker.SigningAlgorithm"},
		"SigningAlgorithm, HMAC":   {signing("HS256"), "Config.Broker.SigningAlgorithm"},
		"SigningAlgorithm, PS256":  {signing("PS256"), "Config.Broker.SigningAlgorithm"},
		"SigningAlgorithm, ES384":  {signing("ES384"), "Config.Broker.SigningAlgorithm"},
		"SigningAlgorithm, alias":  {signing("Ed25519"), "Config.Broker.SigningAlgorithm"},
		"TokenTTL, negative":       {func(c *core.Config) { c.Broker.TokenTTL = -1 }, "Config.Broker.TokenTTL"},
		"TokenTTL, tiny":           {func(c *core.Config) { c.Broker.TokenTTL = time.Millisecond }, "Config.Broker.TokenTTL"},
		"TokenTTL, long":           {func(c *core.Config) { c.Broker.TokenTTL = 32 * 24 * time.Hour }, "Config.Broker.TokenTTL"},
		"SessionMax, long":         {func(c *core.Config) { c.Broker.SessionMax = 3651 * 24 * time.Hour }, "Config.Broker.SessionMax"},
		"SessionTTL, long":         {func(c *core.Config) { c.Broker.SessionTTL = 401 * 24 * time.Hour }, "Config.Broker.SessionTTL"},
		"RefreshGrace, long":       {func(c *core.Config) { c.Broker.RefreshGrace = 61 * time.Second }, "Config.Broker.RefreshGrace"},
		"StoreURL, a password":     {storeURL("nosuch://user:hunter22@host/db"), "Config.StoreURL"},
		"StoreURL, no scheme":      {storeURL("hunter22"), "Config.StoreURL"},
		"StoreURL, password first": {storeURL("user:hunter22@host://x"), "Config.StoreURL"},
		"StoreURL, not imported":   {storeURL("mongodb+srv://user:hunter22@host/db"), `import _ "github.com/go-oidc-auth/oidcauth/brokerstore/mongostore"`},
		"StoreURL, driver":         {storeURL("postgresql+asyncpg://user:hunter22@host/db"), `import _ "github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"`},
		"no store":                 {storeURL(""), `import _ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"`},
		"no SecretKeys":            {func(c *core.Config) { c.SecretKeys, c.Store = nil, &flawedStore{Store: store.NewMemory()} }, "openssl rand"},
	} {
		config := newIDP(t).config()
		brokered(c.change)(&config)
		auth, err := core.New(config)
		if err == nil {
			_ = auth.Close()
			t.Errorf("%s: no error", name)
			continue
		}
		if !strings.Contains(err.Error(), c.field) || strings.Contains(err.Error(), "hunter22") {
			t.Errorf("%s: %v", name, err)
		}
	}
	config := newIDP(t).config()
	config.PublicURL, config.AppName, config.Broker = "", "/", &core.BrokerConfig{PeerJWKSPath: "x", TokenTTL: -1, SessionTTL: -1, RefreshGrace: -1, ImportKey: []byte("x"), TrustedIssuers: []string{""}}
	_, err := core.New(config)
	for _, field := range []string{"PublicURL", "AppName", "PeerJWKSPath", "TokenTTL", "SessionTTL", "RefreshGrace", "ImportKey", "TrustedIssuers", "Audience"} {
		if err == nil || !strings.Contains(err.Error(), field) {
			t.Errorf("%s is missing in %v", field, err)
		}
	}
}

func storeURL(url string) func(*core.Config) {
	return func(c *core.Config) { c.Store, c.StoreURL = nil, url }
}

// The default store is in the platform's data directory; a relative XDG_DATA_HOME is ignored.
func TestBrokerDefaultStore(t *testing.T) {
	var opened string
	store.Register(func(url string) (store.Store, error) { opened = url; return store.NewMemory(), nil }, "sqlite")
	t.Cleanup(func() { store.Register(nil, "sqlite") })
	for data, want := range map[string]string{"/da ta/x": "sqlite:////da ta/x/my app/broker.sqlite", "relative": "sqlite:////srv/me/.local/share/my app/broker.sqlite", "": "sqlite:////srv/me/.local/share/my app/broker.sqlite"} {
		t.Setenv("XDG_DATA_HOME", data)
		t.Setenv("HOME", "/srv/me")
		config := newIDP(t).config()
		brokered(func(c *core.Config) { c.Store, c.AppName = nil, "my app" })(&config)
		auth, err := core.New(config)
		if err != nil {
			t.Fatal(err)
		}
		_ = auth.Close()
		if opened != want {
			t.Errorf("%q: %s, not %s", data, opened, want)
		}
	}
}

// fileStore is a local store with a key file.
type fileStore struct {
	store.Store
	path string
	not  bool
}

func (s fileStore) SecretFile() (string, bool) { return s.path, !s.not }

var errNotRoot = errors.New("only root can give files away")

// giveAway changes the owner of a file to another user.
func giveAway(path string) error {
	if os.Geteuid() != 0 {
		return errNotRoot
	}
	return os.Chown(path, 65534, 65534)
}

// The key file of a local store is created once, even if many instances start at the same time, and only its owner can read it.
func TestBrokerSecretFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "broker.key")
	db := fileStore{store.NewMemory(), path, false}
	serve := func() *flowService {
		return flowServe(t, newIDP(t).config(), newIDP(t), brokered(func(c *core.Config) { c.SecretKeys, c.Store = nil, db }))
	}
	services := make([]*flowService, 20)
	for i := range services {
		services[i] = serve()
	}
	var wg sync.WaitGroup
	for _, f := range services {
		wg.Go(func() {
			if err := f.auth.Ready(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 || info.Size() < 64 {
		t.Fatalf("%v, %v", info, err)
	}
	if rest, err := filepath.Glob(filepath.Join(filepath.Dir(path), ".secret*")); err != nil || len(rest) > 0 {
		t.Errorf("left over: %v, %v", rest, err)
	}
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	write := func(text string, mode os.FileMode) func() error {
		return func() error { return errors.Join(os.WriteFile(path, []byte(text), mode), os.Chmod(path, mode)) }
	}
	for name, c := range map[string]struct {
		do  func() error
		say string
	}{
		"read by the group":  {func() error { return os.Chmod(path, 0o640) }, "chmod 600"},
		"read by all":        {func() error { return os.Chmod(path, 0o604) }, "chmod 600"},
		"empty":              {write("", 0o600), "damaged"},
		"cut":                {write(string(good[:20]), 0o600), "damaged"},
		"not base64":         {write(strings.Repeat("!", 64), 0o600), "damaged"},
		"of somebody else":   {write(strings.Repeat("A", 64), 0o600), "SecretKeys"},
		"lost":               {func() error { return os.Remove(path) }, "SecretKeys"},
		"a folder":           {func() error { return errors.Join(os.Remove(path), os.Mkdir(path, 0o700)) }, "secret key"},
		"a link":             {func() error { return errors.Join(os.Rename(path, path+".real"), os.Symlink(path+".real", path)) }, "is a symbolic link"},
		"of another user":    {func() error { return giveAway(path) }, "belongs to another user"},
		"a dead link":        {func() error { return errors.Join(os.Remove(path), os.Symlink("/nonexistent/x", path)) }, "secret key"},
		"with a line end":    {write(strings.TrimSpace(string(good))+"\r\n", 0o600), ""},
		"without a line end": {write(strings.TrimSpace(string(good)), 0o600), ""},
	} {
		if err := c.do(); errors.Is(err, errNotRoot) {
			continue
		} else if err != nil {
			t.Fatal(err)
		}
		f := serve()
		err := f.auth.Ready(t.Context())
		switch {
		case c.say == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.say != "" && (err == nil || !strings.Contains(err.Error(), c.say)):
			t.Errorf("%s: %v", name, err)
		case err != nil && strings.Contains(err.Error(), strings.TrimSpace(string(good))):
			t.Errorf("%s: the error holds the secret", name)
		}
		if keys, err := db.Keys(t.Context()); err != nil || len(keys) != 1 {
			t.Errorf("%s: %d keys, %v", name, len(keys), err)
		}
		if answer := f.get("jwks", nil); c.say != "" && answer.Status != 503 {
			t.Errorf("%s: jwks %d", name, answer.Status)
		}
		if err := errors.Join(os.RemoveAll(path), os.WriteFile(path, good, 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	if err := serve().auth.Ready(t.Context()); err != nil {
		t.Errorf("with the file back: %v", err)
	}
}

// A store that is not local requires SecretKeys; the error names a folder that is not writable.
func TestBrokerSecretFileFaults(t *testing.T) {
	config := newIDP(t).config()
	brokered(func(c *core.Config) { c.SecretKeys, c.Store = nil, fileStore{store.NewMemory(), "", true} })(&config)
	if _, err := core.New(config); err == nil || !strings.Contains(err.Error(), "openssl rand") {
		t.Errorf("got %v", err)
	}
	config = newIDP(t).config()
	missing := filepath.Join(t.TempDir(), "none", "x.key")
	brokered(func(c *core.Config) {
		c.SecretKeys, c.Store = nil, fileStore{store.NewMemory(), missing, false}
	})(&config)
	auth, err := core.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	if err := auth.Ready(t.Context()); err == nil || !strings.Contains(err.Error(), "secret key beside the store") {
		t.Errorf("got %v", err)
	}
}

// Close closes a store that StoreURL opened, never Config.Store.
func TestBrokerCloseOfStores(t *testing.T) {
	for _, given := range []bool{true, false} {
		owned := &ownedStore{flawedStore: &flawedStore{Store: store.NewMemory()}}
		store.Register(func(string) (store.Store, error) { return owned, nil }, "owned")
		config := newIDP(t).config()
		brokered(func(c *core.Config) {
			if c.Store = owned; !given {
				c.Store, c.StoreURL = nil, "owned://x"
			}
		})(&config)
		auth, err := core.New(config)
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(auth.Ready(context.Background()), auth.Close(), auth.Close()); err != nil {
			t.Error(err)
		}
		if owned.isClosed() == given {
			t.Errorf("given %t, closed %t", given, owned.isClosed())
		}
	}
}
