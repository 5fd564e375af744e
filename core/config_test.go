package core_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

func TestConfigFaults(t *testing.T) {
	const wellKnown = "/.well-known/openid-configuration"
	for name, c := range map[string]struct {
		change func(*core.Config)
		says   []string // the field, and what to write
	}{
		"zero":                      {func(c *core.Config) { *c = core.Config{} }, []string{"Config.DiscoveryURL", "discovery document"}},
		"no client id":              {func(c *core.Config) { c.ClientID = "" }, []string{"Config.ClientID", "client id"}},
		"issuer without keys":       {func(c *core.Config) { c.DiscoveryURL, c.Issuer = "", issuer }, []string{"Config.DiscoveryURL", "JWKSURL"}},
		"keys without issuer":       {func(c *core.Config) { c.DiscoveryURL, c.JWKSURL = "", issuer+"/keys" }, []string{"Config.DiscoveryURL", "Issuer"}},
		"J18 no audience at all":    {func(c *core.Config) { c.DiscoveryURL, c.Issuer, c.JWKSURL, c.ClientID = "", issuer, issuer+"/keys", "" }, []string{"Config.Audience", "ClientID"}},
		"discovery: http":           {func(c *core.Config) { c.DiscoveryURL = "http://idp.example" + wellKnown }, []string{"Config.DiscoveryURL", "https", "AllowHTTP"}},
		"discovery: relative":       {func(c *core.Config) { c.DiscoveryURL = wellKnown }, []string{"Config.DiscoveryURL", "absolute"}},
		"discovery: another scheme": {func(c *core.Config) { c.DiscoveryURL = "ftp://idp.example" + wellKnown }, []string{"Config.DiscoveryURL", "https"}},
		"discovery: the issuer":     {func(c *core.Config) { c.DiscoveryURL = issuer }, []string{"Config.DiscoveryURL", wellKnown}},
		"discovery: broken":         {func(c *core.Config) { c.DiscoveryURL = "https://user:hunter2@idp.example:x" + wellKnown }, []string{"Config.DiscoveryURL"}},
		"discovery: a password":     {func(c *core.Config) { c.DiscoveryURL = "https://user:hunter2@idp.example" + wellKnown }, []string{"Config.DiscoveryURL", "password"}},
		"discovery: a fragment":     {func(c *core.Config) { c.DiscoveryURL = "https://idp.example" + wellKnown + "#x" }, []string{"Config.DiscoveryURL", "fragment"}},
		"keys: http":                {func(c *core.Config) { c.JWKSURL = "http://idp.example/keys" }, []string{"Config.JWKSURL", "https"}},
		"keys: a file":              {func(c *core.Config) { c.JWKSURL = "file:///etc/keys" }, []string{"Config.JWKSURL"}},
		"public: http":              {func(c *core.Config) { c.PublicURL = "http://app.example" }, []string{"Config.PublicURL", "https"}},
		"public: a host alone":      {func(c *core.Config) { c.PublicURL = "app.example" }, []string{"Config.PublicURL", "absolute"}},
		"public: a query":           {func(c *core.Config) { c.PublicURL = "https://app.example/?x=1" }, []string{"Config.PublicURL", "query"}},
		"public: a fragment":        {func(c *core.Config) { c.PublicURL = "https://app.example/#" }, []string{"Config.PublicURL", "fragment"}},
		"issuer: white space":       {func(c *core.Config) { c.Issuer = issuer + "\n" }, []string{"Config.Issuer", "white space"}},
		"client id: a line break":   {func(c *core.Config) { c.ClientID = "a\nb" }, []string{"Config.ClientID", "control"}},
		"secret: a line break":      {func(c *core.Config) { c.ClientSecret = "hunter2\n" }, []string{"ClientSecret", "control"}},
		"scopes: two in one":        {func(c *core.Config) { c.Scopes = []string{"ok", "a b"} }, []string{"Config.Scopes", `"a b"`, "one word"}},
		"scopes: empty":             {func(c *core.Config) { c.Scopes = []string{""} }, []string{"Config.Scopes"}},
		"scopes: a quote":           {func(c *core.Config) { c.Scopes = []string{`a"`} }, []string{"Config.Scopes"}},
		"audience: empty":           {func(c *core.Config) { c.Audience = []string{"a", ""} }, []string{"Config.Audience", "empty"}},
		"audience: any and one":     {func(c *core.Config) { c.Audience = []string{core.AnyAudience, "a"} }, []string{"Config.Audience", "AnyAudience"}},
		"redirect: relative":        {func(c *core.Config) { c.RedirectURIs = []string{"/callback"} }, []string{"Config.RedirectURIs", "absolute"}},
		"redirect: a fragment":      {func(c *core.Config) { c.RedirectURIs = []string{"https://app.example/#x"} }, []string{"Config.RedirectURIs", "fragment"}},
		"redirect: a script":        {func(c *core.Config) { c.RedirectURIs = []string{"javascript:alert(1)"} }, []string{"Config.RedirectURIs"}},
		"redirect: a backslash":     {func(c *core.Config) { c.RedirectURIs = []string{`https://app.example\@evil.example`} }, []string{"Config.RedirectURIs"}},
		"redirect: no host":         {func(c *core.Config) { c.RedirectURIs = []string{"https:///cb"} }, []string{"Config.RedirectURIs"}},
		"redirect: a password":      {func(c *core.Config) { c.RedirectURIs = []string{"https://user:hunter2@app.example/cb"} }, []string{"Config.RedirectURIs"}},
		"logout: relative":          {func(c *core.Config) { c.PostLogoutURIs = []string{"/"} }, []string{"Config.PostLogoutURIs", "absolute"}},
		"logout: a data address":    {func(c *core.Config) { c.PostLogoutURIs = []string{"data:text/html,x"} }, []string{"Config.PostLogoutURIs"}},
		"logout: a password":        {func(c *core.Config) { c.PostLogoutURIs = []string{"https://user:hunter2@app.example/"} }, []string{"Config.PostLogoutURIs"}},
		"logout: loopback":          {func(c *core.Config) { c.PostLogoutURIs = []string{core.Loopback} }, []string{"Config.PostLogoutURIs"}},
		"secret keys: short":        {func(c *core.Config) { c.SecretKeys = []string{strings.Repeat("k", 32), "hunter2"} }, []string{"Config.SecretKeys", "entry 1", "32", "openssl"}},
		"secret keys: empty":        {func(c *core.Config) { c.SecretKeys = []string{""} }, []string{"Config.SecretKeys"}},
		"timeout: negative":         {func(c *core.Config) { c.Timeout = -1 }, []string{"Config.Timeout", "5m"}},
		"timeout: too long":         {func(c *core.Config) { c.Timeout = time.Hour }, []string{"Config.Timeout", "5m"}},
		"leeway: negative":          {func(c *core.Config) { c.Leeway = -time.Second }, []string{"Config.Leeway"}},
		"J15 leeway: over 300 s":    {func(c *core.Config) { c.Leeway = 301 * time.Second }, []string{"Config.Leeway", "5m"}},
		"token cache: too large":    {func(c *core.Config) { c.TokenCacheSize = 1<<20 + 1 }, []string{"Config.TokenCacheSize", "1048576"}},
		"require: D-36 no scope":    {func(c *core.Config) { c.Require = []core.Requirement{core.Scopes("ok"), core.Scopes()} }, []string{"Config.Require", "entry 1", "Scopes", "at least one"}},
		"require: D-36 no role":     {func(c *core.Config) { c.Require = []core.Requirement{core.Roles()} }, []string{"Config.Require", "Roles"}},
		"require: D-36 no value":    {func(c *core.Config) { c.Require = []core.Requirement{core.Claim("groups")} }, []string{"Config.Require", "Claim"}},
		"require: no function":      {func(c *core.Config) { c.Require = []core.Requirement{core.Check("mine", nil)} }, []string{"Config.Require", "Check mine"}},
		"require: zero":             {func(c *core.Config) { c.Require = []core.Requirement{{}} }, []string{"Config.Require", "Scopes, Roles, Claim or Check"}},
		"require: NoDefaults":       {func(c *core.Config) { c.Require = []core.Requirement{core.NoDefaults} }, []string{"Config.Require", "guard"}},
		"require: RejectInvalid":    {func(c *core.Config) { c.Require = []core.Requirement{core.RejectInvalid} }, []string{"Config.Require", "guard"}},
	} {
		t.Run(name, func(t *testing.T) {
			config := newIDP(t).config()
			c.change(&config)
			auth, err := core.New(config)
			if err == nil || auth != nil {
				t.Fatalf("got %v, %v", auth, err)
			}
			for _, word := range c.says {
				if !strings.Contains(err.Error(), word) {
					t.Errorf("%q is not in: %v", word, err)
				}
			}
			for _, secret := range []string{"hunter2", "SECRET"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("a secret is in: %v", err)
				}
			}
		})
	}
}

// All faults are told at once, each on a line of its own.
func TestConfigFaultsAtOnce(t *testing.T) {
	_, err := core.New(core.Config{
		DiscoveryURL: "http://idp.example", PublicURL: "x", JWKSURL: "y", Issuer: " ", Scopes: []string{""}, Audience: []string{""},
		RedirectURIs: []string{"x"}, PostLogoutURIs: []string{"x"}, SecretKeys: []string{"hunter2"}, Timeout: -1, Leeway: -1, TokenCacheSize: 1 << 21,
		Require: []core.Requirement{{}}, ClientSecret: "hunter2",
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"DiscoveryURL", "ClientID", "PublicURL", "JWKSURL", "Issuer", "Scopes", "Audience", "RedirectURIs", "PostLogoutURIs", "SecretKeys", "Timeout", "Leeway", "TokenCacheSize", "Require"} {
		if got := strings.Count(err.Error(), "core: Config."+field+": "); got != 1 {
			t.Errorf("%s is told of %d times", field, got)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 14 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%d lines:\n%v", lines, err)
	}
}

func TestGoodConfigs(t *testing.T) {
	for name, change := range map[string]func(*core.Config){
		"all": func(*core.Config) {},
		"http on loopback": func(c *core.Config) {
			c.DiscoveryURL, c.PublicURL = "http://127.0.0.1:8080/.well-known/openid-configuration", "http://localhost:8000"
		},
		"http on IPv6": func(c *core.Config) { c.PublicURL = "http://[::1]:8000" },
		"http when allowed": func(c *core.Config) {
			c.AllowHTTP, c.DiscoveryURL = true, "http://idp/.well-known/openid-configuration"
		},
		"without PublicURL": func(c *core.Config) { c.PublicURL = "" },
		"guards alone": func(c *core.Config) {
			*c = core.Config{Issuer: issuer, JWKSURL: issuer + "/keys", Audience: []string{"api"}}
		},
		"a public client":     func(c *core.Config) { c.ClientSecret = "" },
		"a native app":        func(c *core.Config) { c.RedirectURIs = []string{"org.example.app:/cb", core.Loopback} },
		"the longest timeout": func(c *core.Config) { c.Timeout, c.Leeway = 5*time.Minute, 5*time.Minute },
	} {
		config := newIDP(t).config()
		change(&config)
		auth, err := core.New(config)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if err := auth.Close(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := auth.Close(); err != nil {
			t.Errorf("%s, again: %v", name, err)
		}
	}
}

// TRUST 0.12: New asks nobody.
func TestNewDoesNoInput(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	auth.Required()
	auth.Optional()
	if _, err := auth.Routes(core.Paths{}); err != nil {
		t.Fatal(err)
	}
	if got := idp.count(discoveryPath) + idp.count(keysPath); got != 0 {
		t.Errorf("%d calls to the provider", got)
	}
}

// What is handed to New may change later without effect.
func TestConfigIsCopied(t *testing.T) {
	idp := newIDP(t)
	config := idp.config()
	config.Audience = []string{"api"}
	config.Scopes = []string{"read"}
	config.Require = []core.Requirement{core.Scopes("read")}
	config.SecretKeys = []string{strings.Repeat("k", 32)}
	auth, err := core.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer auth.Close() //nolint:errcheck // it always returns nil
	config.Audience[0], config.Scopes[0], config.SecretKeys[0] = "evil", "evil", "evil"
	config.Require[0] = core.Requirement{}
	config.HTTPClient.Transport = nil
	guard := auth.Required()
	wantStatus(t, guard, idp.token(claims{"aud": "api", "scope": "read"}), http.StatusOK)
	wantStatus(t, guard, idp.token(claims{"aud": "evil", "scope": "read"}), http.StatusUnauthorized)
	wantStatus(t, guard, idp.token(claims{"aud": "api"}), http.StatusForbidden)
}

// Without SecretKeys there is one warning, and no key in it.
func TestRandomSecretIsWarnedOf(t *testing.T) {
	for _, keys := range [][]string{nil, {strings.Repeat("k", 32)}} {
		var logs lockedBuffer
		config := newIDP(t).config()
		config.SecretKeys, config.Logger = keys, slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
		if _, err := core.New(config); err != nil {
			t.Fatal(err)
		}
		if got := strings.Count(logs.String(), "level=WARN"); got != 1-len(keys) {
			t.Errorf("%d keys: %s", len(keys), logs.String())
		}
	}
}
