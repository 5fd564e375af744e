package core_test

import (
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// goodSecret is a secret key that New accepts.
const goodSecret = "a secret key of these tests, no fewer than 32 bytes"

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
		"no audience at all":        {func(c *core.Config) { c.DiscoveryURL, c.Issuer, c.JWKSURL, c.ClientID = "", issuer, issuer+"/keys", "" }, []string{"Config.Audience", "ClientID"}},
		"discovery: http":           {func(c *core.Config) { c.DiscoveryURL = "http://idp.example" + wellKnown }, []string{"Config.DiscoveryURL", "https", "AllowHTTP"}},
		"discovery: relative":       {func(c *core.Config) { c.DiscoveryURL = wellKnown }, []string{"Config.DiscoveryURL", "absolute"}},
		"discovery: another scheme": {func(c *core.Config) { c.DiscoveryURL = "ftp://idp.example" + wellKnown }, []string{"Config.DiscoveryURL", "https"}},
		"discovery: the issuer":     {func(c *core.Config) { c.DiscoveryURL = issuer }, []string{"Config.DiscoveryURL", wellKnown}},
		"discovery: broken":         {func(c *core.Config) { c.DiscoveryURL = "https://user:hunter2@idp.example:x" + wellKnown }, []string{"Config.DiscoveryURL"}},
		"discovery: a password":     {func(c *core.Config) { c.DiscoveryURL = "https://user:hunter2@idp.example" + wellKnown }, []string{"Config.DiscoveryURL", "password"}},
		"discovery: a fragment":     {func(c *core.Config) { c.DiscoveryURL = "https://idp.example" + wellKnown + "#x" }, []string{"Config.DiscoveryURL", "fragment"}},
		"keys: http":                {func(c *core.Config) { c.JWKSURL = "http://idp.example/keys" }, []string{"Config.JWKSURL", "https"}},
		"keys: a file":              {func(c *core.Config) { c.JWKSURL = "file:///etc/keys" }, []string{"Config.JWKSURL"}},
		"public: http":              {func(c *core.Config) { c.PublicURL = "http://app.example" }, []string{"Config.PublicURL", `"http://app.example"`, "https"}},
		"public: HTTP":              {func(c *core.Config) { c.PublicURL = "HTTP://app.example" }, []string{"Config.PublicURL", "https"}},
		"public: a password":        {func(c *core.Config) { c.PublicURL = "https://user:hunter2@app.example" }, []string{"Config.PublicURL", "not shown", "password"}},
		"public: a host alone":      {func(c *core.Config) { c.PublicURL = "app.example" }, []string{"Config.PublicURL", "absolute"}},
		"public: a query":           {func(c *core.Config) { c.PublicURL = "https://app.example/?x=1" }, []string{"Config.PublicURL", "query"}},
		"public: a fragment":        {func(c *core.Config) { c.PublicURL = "https://app.example/#" }, []string{"Config.PublicURL", "fragment"}},
		"issuer: white space":       {func(c *core.Config) { c.Issuer = issuer + "\n" }, []string{"Config.Issuer", "white space"}},
		"client id: a line break":   {func(c *core.Config) { c.ClientID = "a\nb" }, []string{"Config.ClientID", "control"}},
		"secret: a line break":      {func(c *core.Config) { c.ClientSecret = "hunter2\n" }, []string{"Config.ClientSecret", "control"}},
		"scopes: two in one":        {func(c *core.Config) { c.Scopes = []string{"ok", "a b"} }, []string{"Config.Scopes", `"a b"`, "one word"}},
		"scopes: empty":             {func(c *core.Config) { c.Scopes = []string{""} }, []string{"Config.Scopes"}},
		"scopes: a quote":           {func(c *core.Config) { c.Scopes = []string{`a"`} }, []string{"Config.Scopes"}},
		"audience: empty":           {func(c *core.Config) { c.Audience = []string{"a", ""} }, []string{"Config.Audience", "empty"}},
		"audience: any and one":     {func(c *core.Config) { c.Audience = []string{core.AnyAudience, "a"} }, []string{"Config.Audience", "AnyAudience"}},
		"audience: issued to nobody": {func(c *core.Config) {
			*c = core.Config{Issuer: issuer, JWKSURL: issuer + "/keys", Audience: []string{core.IssuedToUs}}
		}, []string{"Config.Audience", "IssuedToUs", "ClientID"}},
		"audience: any and to us":  {func(c *core.Config) { c.Audience = []string{core.IssuedToUs, core.AnyAudience} }, []string{"Config.Audience", "AnyAudience"}},
		"redirect: http":           {func(c *core.Config) { c.RedirectURIs = []string{core.Loopback, "http://app.example/cb"} }, []string{"Config.RedirectURIs", "entry 1", `"http://app.example/cb"`, "https"}},
		"redirect: HTTP":           {func(c *core.Config) { c.RedirectURIs = []string{"HTTP://app.example/cb"} }, []string{"Config.RedirectURIs", "https"}},
		"redirect: http, almost":   {func(c *core.Config) { c.RedirectURIs = []string{"http://localhost.example/cb"} }, []string{"Config.RedirectURIs", "https"}},
		"redirect: relative":       {func(c *core.Config) { c.RedirectURIs = []string{"/callback"} }, []string{"Config.RedirectURIs", "absolute"}},
		"redirect: a fragment":     {func(c *core.Config) { c.RedirectURIs = []string{"https://app.example/#x"} }, []string{"Config.RedirectURIs", "fragment"}},
		"redirect: a script":       {func(c *core.Config) { c.RedirectURIs = []string{"javascript:alert(1)"} }, []string{"Config.RedirectURIs"}},
		"redirect: a backslash":    {func(c *core.Config) { c.RedirectURIs = []string{`https://app.example\@evil.example`} }, []string{"Config.RedirectURIs"}},
		"redirect: no host":        {func(c *core.Config) { c.RedirectURIs = []string{"https:///cb"} }, []string{"Config.RedirectURIs"}},
		"redirect: a password":     {func(c *core.Config) { c.RedirectURIs = []string{"https://user:hunter2@app.example/cb"} }, []string{"Config.RedirectURIs"}},
		"logout: relative":         {func(c *core.Config) { c.PostLogoutURIs = []string{"/"} }, []string{"Config.PostLogoutURIs", "absolute"}},
		"logout: a data address":   {func(c *core.Config) { c.PostLogoutURIs = []string{"data:text/html,x"} }, []string{"Config.PostLogoutURIs"}},
		"logout: a password":       {func(c *core.Config) { c.PostLogoutURIs = []string{"https://user:hunter2@app.example/"} }, []string{"Config.PostLogoutURIs"}},
		"logout: loopback":         {func(c *core.Config) { c.PostLogoutURIs = []string{core.Loopback} }, []string{"Config.PostLogoutURIs"}},
		"secret keys: short":       {func(c *core.Config) { c.SecretKeys = []string{goodSecret, "hunter2"} }, []string{"Config.SecretKeys", "entry 1", "7 bytes", "32", "openssl"}},
		"secret keys: empty":       {func(c *core.Config) { c.SecretKeys = []string{""} }, []string{"Config.SecretKeys"}},
		"secret keys: one byte":    {func(c *core.Config) { c.SecretKeys = []string{strings.Repeat("k", 64)} }, []string{"Config.SecretKeys", "entry 0", "1 different", "openssl rand -base64 48"}},
		"secret keys: few bytes":   {func(c *core.Config) { c.SecretKeys = []string{goodSecret, "0101101110111101111101111110111111101"} }, []string{"Config.SecretKeys", "entry 1", "guessed", "openssl"}},
		"secret keys: a pattern":   {func(c *core.Config) { c.SecretKeys = []string{strings.Repeat("hunter2-changeme", 4)} }, []string{"Config.SecretKeys", "repeats the same 16 bytes", "openssl"}},
		"secret keys: cut pattern": {func(c *core.Config) { c.SecretKeys = []string{"0123456789abcdef0123456789abcdef0123"} }, []string{"Config.SecretKeys", "repeats the same 16 bytes"}},
		"secret keys: a known one": {func(c *core.Config) { c.SecretKeys = []string{"oidctest: a key for tests and demos, never for more"} }, []string{"Config.SecretKeys", "tests", "openssl"}},
		"timeout: negative":        {func(c *core.Config) { c.Timeout = -1 }, []string{"Config.Timeout", "5m"}},
		"timeout: too long":        {func(c *core.Config) { c.Timeout = time.Hour }, []string{"Config.Timeout", "5m"}},
		"leeway: negative":         {func(c *core.Config) { c.Leeway = -time.Second }, []string{"Config.Leeway"}},
		"leeway: over 300 s":       {func(c *core.Config) { c.Leeway = 301 * time.Second }, []string{"Config.Leeway", "5m"}},
		"token cache: too large":   {func(c *core.Config) { c.TokenCacheSize = 1<<20 + 1 }, []string{"Config.TokenCacheSize", "1048576"}},
		"require: no scope":        {func(c *core.Config) { c.Require = []core.Requirement{core.Scopes("ok"), core.Scopes()} }, []string{"Config.Require", "entry 1", "Scopes", "at least one"}},
		"require: no role":         {func(c *core.Config) { c.Require = []core.Requirement{core.Roles()} }, []string{"Config.Require", "Roles"}},
		"require: no value":        {func(c *core.Config) { c.Require = []core.Requirement{core.Claim("groups")} }, []string{"Config.Require", "Claim"}},
		"require: no function":     {func(c *core.Config) { c.Require = []core.Requirement{core.Check("mine", nil)} }, []string{"Config.Require", "Check mine"}},
		"require: zero":            {func(c *core.Config) { c.Require = []core.Requirement{{}} }, []string{"Config.Require", "Scopes, Roles, Claim or Check"}},
		"require: NoDefaults":      {func(c *core.Config) { c.Require = []core.Requirement{core.NoDefaults} }, []string{"Config.Require", "guard"}},
		"require: RejectInvalid":   {func(c *core.Config) { c.Require = []core.Requirement{core.RejectInvalid} }, []string{"Config.Require", "guard"}},
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

// The error of New lists every invalid field, one per line.
func TestConfigFaultsAtOnce(t *testing.T) {
	_, err := core.New(core.Config{
		DiscoveryURL: "http://idp.example", PublicURL: "x", JWKSURL: "y", Issuer: " ", Scopes: []string{""}, Audience: []string{""},
		RedirectURIs: []string{"x"}, PostLogoutURIs: []string{"x"}, SecretKeys: []string{"hunter2"}, Timeout: -1, Leeway: -1, TokenCacheSize: 1 << 21,
		Require: []core.Requirement{{}}, ClientSecret: "hunter2\n", StoreURL: "nosuch://user:hunter2@db", AppName: "/", Broker: &core.BrokerConfig{SessionMax: -1},
	})
	if err == nil {
		t.Fatal("no error")
	}
	for _, field := range []string{"DiscoveryURL", "ClientID", "PublicURL", "JWKSURL", "Issuer", "Scopes", "Audience", "RedirectURIs", "PostLogoutURIs", "SecretKeys", "Timeout", "Leeway", "TokenCacheSize", "Require", "ClientSecret", "StoreURL", "AppName", "Broker.SessionMax"} {
		if got := strings.Count(err.Error(), "core: Config."+field+": "); got != 1 {
			t.Errorf("%s is listed %d times", field, got)
		}
	}
	if lines := strings.Count(err.Error(), "\n") + 1; lines != 18 || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("%d lines:\n%v", lines, err)
	}
}

func TestGoodConfigs(t *testing.T) {
	for name, change := range map[string]func(*core.Config){
		"all":          func(*core.Config) {},
		"issued to us": func(c *core.Config) { c.Audience = []string{core.IssuedToUs, "api"} },
		"redirects over http on loopback": func(c *core.Config) {
			c.RedirectURIs = []string{"http://localhost:1/a", "http://127.0.0.1/b?c=d", "http://[::1]:2/c"}
		},
		"redirects over http when allowed": func(c *core.Config) { c.AllowHTTP, c.RedirectURIs = true, []string{"http://app.example/cb"} },
		"hexadecimal digits":               func(c *core.Config) { c.SecretKeys = []string{"5f0c1d4e8a7b3926d1e04c7fa9b85362"} },
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

// New makes no calls.
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

// Changes of the Config after New have no effect.
func TestConfigIsCopied(t *testing.T) {
	idp := newIDP(t)
	config := idp.config()
	config.Audience = []string{"api"}
	config.Scopes = []string{"read"}
	config.Require = []core.Requirement{core.Scopes("read")}
	config.SecretKeys = []string{goodSecret}
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

// warnings returns the warnings that New, and Routes with paths, log for a configuration.
func warnings(t *testing.T, config core.Config, paths core.Paths) []string {
	t.Helper()
	var logs lockedBuffer
	config.Logger = slog.New(slog.NewTextHandler(&logs, &slog.HandlerOptions{Level: slog.LevelDebug}))
	auth, err := core.New(config)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = auth.Close() }()
	if _, err := auth.Routes(paths); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(logs.String(), "hunter2") || strings.Contains(logs.String(), goodSecret) {
		t.Errorf("a secret is in: %s", logs.String())
	}
	return logLines(logs.String(), "WARN")
}

// New logs one warning for each dangerous setting and each disabled feature, with the name of the field.
func TestConfigWarnings(t *testing.T) {
	for _, scheme := range []string{"mysql", "mariadb", "redis", "rediss", "postgres"} {
		store.Register(func(string) (store.Store, error) { return store.NewMemory(), nil }, scheme)
		t.Cleanup(func() { store.Register(nil, scheme) })
	}
	opens := func(url string) func(*core.Config) { return brokered(storeURL(url)) }
	trusting := func(c *core.Config) { c.Broker.Audience, c.Broker.TrustedIssuers = shared, []string{peerA} }
	for name, c := range map[string]struct {
		change func(*core.Config)
		says   string // "" for no warning
	}{
		"nothing":       {func(*core.Config) {}, ""},
		"no SecretKeys": {func(c *core.Config) { c.SecretKeys = nil }, "no SecretKeys are configured"},
		"no PublicURL":  {func(c *core.Config) { c.PublicURL = "" }, "Config.PublicURL is empty: the callback route"},
		"no logins, no need": {func(c *core.Config) {
			c.PublicURL, c.DiscoveryURL, c.Issuer, c.JWKSURL = "", "", issuer, issuer+"/keys"
		}, ""},
		"AllowHTTP":              {func(c *core.Config) { c.AllowHTTP = true }, "Config.AllowHTTP is set"},
		"AnyAudience":            {func(c *core.Config) { c.Audience = []string{core.AnyAudience} }, "Config.Audience is core.AnyAudience"},
		"EdDSA":                  {brokered(signing("EdDSA")), ""},
		"EdDSA in a federation":  {brokered(signing("EdDSA"), trusting), "Config.Broker.SigningAlgorithm beside TrustedIssuers"},
		"RS256 in a federation":  {brokered(signing("RS256"), trusting), ""},
		"a federation":           {brokered(signing(""), trusting), ""},
		"MySQL":                  {opens("mysql://app:hunter2@db.example/app"), "Config.StoreURL"},
		"MySQL, a driver's name": {opens("mysql+aiomysql://app:hunter2@db.example/app?tls=false"), "Config.StoreURL"},
		"MariaDB, perhaps TLS":   {opens("mariadb://app@10.0.0.7:3306/app?tls=preferred"), "Config.StoreURL"},
		"MySQL, TLS":             {opens("mysql://app@db.example/app?tls=true"), ""},
		"MySQL, ssl":             {opens("mysql://app@db.example/app?ssl=TRUE"), ""},
		"MySQL, TLS, unverified": {opens("mysql://app@db.example/app?tls=skip-verify"), ""},
		"MySQL, a socket":        {opens("mysql://app@db.example/app?unix_socket=/run/x.sock"), ""},
		"MySQL on loopback":      {opens("mysql://app@127.0.0.1/app"), ""},
		"MySQL, no host":         {opens("mysql:///app"), ""},
		"Redis":                  {opens("redis://:hunter2@cache.example:6379/0"), "Config.StoreURL"},
		"Redis on loopback":      {opens("redis://[::1]:6379"), ""},
		"Redis, TLS":             {opens("rediss://cache.example"), ""},
		"PostgreSQL":             {opens("postgres://db.example/app"), ""},
	} {
		config := newIDP(t).config()
		config.SecretKeys = []string{goodSecret}
		c.change(&config)
		got := warnings(t, config, core.Paths{})
		if c.says == "" && len(got) > 0 || c.says != "" && (len(got) != 1 || !strings.Contains(got[0], c.says)) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Routes under a prefix that PublicURL does not end in are logged as a warning: browsers would not find them.
func TestPrefixWarning(t *testing.T) {
	for name, c := range map[string]struct {
		public, prefix string
		warned         bool
	}{
		"none": {"https://app.example", "", false}, "the same": {"https://app.example/api", "/api", false}, "slashes": {"https://app.example/api/", "/api/", false},
		"a proxy's before it": {"https://app.example/x/api", "/api", false}, "missing": {"https://app.example", "/api", true}, "another": {"https://app.example/api/v2", "/api", true},
		"no PublicURL": {"", "/api", false},
	} {
		config := newIDP(t).config()
		config.PublicURL = c.public
		got := slices.DeleteFunc(warnings(t, config, core.Paths{Prefix: c.prefix}), func(line string) bool { return strings.Contains(line, "PublicURL is empty") })
		if c.warned != (len(got) == 1) || c.warned && (!strings.Contains(got[0], "Paths.Prefix") || !strings.Contains(got[0], "prefix=/api")) {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// New converts scheme and host of PublicURL to lower case and keeps its path, so that the callback is what browsers send, and
// cookies are Secure. In other addresses it converts only the scheme: the provider's issuer is compared byte for byte.
func TestPublicURLInLowerCase(t *testing.T) {
	for public, callback := range map[string]string{
		"HTTPS://App.Example.ORG/Api/":  "https://app.example.org/Api/auth/v2/callback",
		"httpS://APP.example.org:8443":  "https://app.example.org:8443/auth/v2/callback",
		"HTTP://LocalHost:8080/api":     "http://localhost:8080/api/auth/v2/callback",
		"https://app.example.org/A//b/": "https://app.example.org/A//b/auth/v2/callback",
	} {
		f := flowInMemory(t, &flowMemory{}, func(c *core.Config) {
			c.PublicURL, c.DiscoveryURL = public, strings.Replace(c.DiscoveryURL, "https", "HTTPS", 1)
		})
		answer := f.get("login", url.Values{"redirect_uri": {callback}})
		cookie := answer.Header.Get("Set-Cookie")
		if answer.Status != http.StatusFound || strings.Contains(cookie, "; Secure") != strings.HasPrefix(callback, "https") {
			t.Errorf("%s: %d %s, cookie %s", public, answer.Status, answer.Body, cookie)
		}
	}
	f := newFlow(t, brokered(func(c *core.Config) { c.PublicURL = "HTTPS://App.Example.org/Api" }))
	if got := f.who(f.tokens("alice").AccessToken).Issuer(); got != "https://app.example.org/Api" {
		t.Errorf("the issuer: %s", got)
	}
}

// SessionTTL is at most SessionMax, and by default not longer.
func TestSessionMax(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		ttl, most time.Duration
		says      string
	}{
		"defaults": {0, 0, ""}, "shorter than the default of SessionTTL": {0, time.Hour, ""}, "equal": {90 * day, 90 * day, ""}, "the longest": {400 * day, 400 * day, ""},
		"TTL over the default": {181 * day, 0, "Config.Broker.SessionTTL: 4344h0m0s: write at most SessionMax, which is 4320h0m0s"},
		"TTL over it":          {2 * time.Hour, time.Hour, "Config.Broker.SessionTTL: 2h0m0s: write at most SessionMax, which is 1h0m0s"},
		"negative":             {0, -1, "Config.Broker.SessionMax: -1ns"}, "too long": {0, 401 * day, "Config.Broker.SessionMax: 9624h0m0s"},
	} {
		config := newIDP(t).config()
		brokered(func(c *core.Config) {})(&config)
		config.Broker.SessionTTL, config.Broker.SessionMax = c.ttl, c.most
		auth, err := core.New(config)
		if err == nil {
			_ = auth.Close()
		}
		if c.says == "" && err != nil || c.says != "" && (err == nil || !strings.Contains(err.Error(), c.says)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	f := newFlow(t, brokered(func(c *core.Config) { c.Broker.SessionMax = time.Minute }))
	if token := f.tokens("alice"); token.RefreshExpires > time.Now().Add(time.Minute).Unix() {
		t.Errorf("a session of a minute ends at %d", token.RefreshExpires)
	}
}

// New closes the store that it opened if another field is invalid.
func TestFaultsCloseTheStore(t *testing.T) {
	owned := &ownedStore{flawedStore: &flawedStore{Store: store.NewMemory()}}
	store.Register(func(string) (store.Store, error) { return owned, nil }, "owned")
	config := newIDP(t).config()
	brokered(storeURL("owned://x"), func(c *core.Config) { c.SecretKeys, c.Timeout = nil, -1 })(&config)
	_, err := core.New(config)
	if err == nil || !strings.Contains(err.Error(), "core: Config.SecretKeys: ") || !strings.Contains(err.Error(), "core: Config.Timeout: ") {
		t.Error(err)
	}
	if !owned.isClosed() {
		t.Error("the store is open")
	}
}
