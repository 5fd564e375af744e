package core_test

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	reasons "github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Every asymmetric algorithm that fits the provider's key works.
func TestAlgorithmsOfProviders(t *testing.T) {
	for _, alg := range []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"} {
		t.Run(alg, func(t *testing.T) {
			idp := newIDP(t)
			signer, err := jose.NewSigner("s", alg)
			if err != nil {
				t.Fatal(err)
			}
			document, err := jose.MarshalSet(signer)
			if err != nil {
				t.Fatal(err)
			}
			idp.change(func() { idp.keySet = string(document) })
			token, err := signer.Sign("at+jwt", goodClaims())
			if err != nil {
				t.Fatal(err)
			}
			idp.keepSecret(token)
			mustAdmit(t, idp.auth().Required(), token)
		})
	}
}

// RSA keys without an algorithm get the one that the provider announces; RS256 if that is among them.
func TestAlgorithmOfNamelessKeys(t *testing.T) {
	signer, err := jose.NewSigner("s", "PS256")
	if err != nil {
		t.Fatal(err)
	}
	document, err := jose.MarshalSet(signer)
	if err != nil {
		t.Fatal(err)
	}
	nameless := strings.Replace(string(document), `"alg":"PS256",`, "", 1)
	for _, c := range []struct {
		announced []string
		status    int
	}{{[]string{"PS256"}, 200}, {[]string{"ES256", "PS256", "PS512"}, 200}, {[]string{"RS256", "PS256"}, 401}, {nil, 401}} {
		idp := newIDP(t)
		idp.change(func() {
			idp.keySet = nameless
			idp.metadata = claims{"id_token_signing_alg_values_supported": c.announced}
		})
		token, err := signer.Sign("at+jwt", goodClaims())
		if err != nil {
			t.Fatal(err)
		}
		wantStatus(t, idp.auth().Required(), token, c.status)
	}
}

// The audience of a token, at a guard and as the subject of an exchange, which never accepts azp or client_id instead.
func TestAudience(t *testing.T) {
	const other = "payments"
	toUs := core.IssuedToUs
	type both struct{ guard, exchange bool }
	all, none, guard := both{true, true}, both{}, both{guard: true}
	made := map[string][2]*flowService{} // for each Audience a service in passthrough mode and one in broker mode
	servicesOf := func(audience []string) [2]*flowService {
		key := fmt.Sprintf("%q", audience)
		if _, there := made[key]; !there {
			setting := func(config *core.Config) { config.Audience = audience }
			passthrough := newFlow(t, setting)
			made[key] = [2]*flowService{passthrough, flowOver(t, passthrough.idp, brokered(setting))}
		}
		return made[key]
	}
	for name, c := range map[string]struct {
		configured []string
		change     oidctest.Claims // of a token without azp and client_id
		typed      bool
		want       both
	}{
		"ours":                     {nil, oidctest.Claims{"aud": "app"}, false, all},
		"ours, typed":              {nil, oidctest.Claims{"aud": "app"}, true, all},
		"ours among others":        {nil, oidctest.Claims{"aud": []string{other, "app"}, "azp": other}, false, all},
		"another's":                {nil, oidctest.Claims{"aud": other}, false, none},
		"another's, azp ours":      {nil, oidctest.Claims{"aud": other, "azp": "app"}, false, none},
		"another's, client_id":     {nil, oidctest.Claims{"aud": other, "client_id": "app"}, false, none},
		"another's beside account": {nil, oidctest.Claims{"aud": []string{"account", other}, "azp": "app"}, false, none},
		"account":                  {nil, oidctest.Claims{"aud": "account"}, false, none},
		"account, azp ours":        {nil, oidctest.Claims{"aud": "account", "azp": "app"}, false, guard},
		"account, client_id ours":  {nil, oidctest.Claims{"aud": "account", "client_id": "app"}, false, guard},
		"account, both ours":       {nil, oidctest.Claims{"aud": "account", "azp": "app", "client_id": "app"}, false, guard},
		"account, azp another's":   {nil, oidctest.Claims{"aud": "account", "azp": other}, false, none},
		"account, they differ":     {nil, oidctest.Claims{"aud": "account", "azp": "app", "client_id": other}, false, none},
		"account, they differ too": {nil, oidctest.Claims{"aud": "account", "azp": other, "client_id": "app"}, false, none},
		"account, client_id odd":   {nil, oidctest.Claims{"aud": "account", "azp": "app", "client_id": []string{"app"}}, false, none},
		"account, azp ours, typed": {nil, oidctest.Claims{"aud": "account", "azp": "app"}, true, none},
		"all of Keycloak's":        {nil, oidctest.Claims{"aud": []string{"realm-management", "broker", "account"}, "azp": "app"}, false, guard},
		"ours beside account":      {nil, oidctest.Claims{"aud": []string{"account", "app"}}, false, all},
		"none":                     {nil, oidctest.Claims{"aud": nil}, false, none},
		"none, azp ours":           {nil, oidctest.Claims{"aud": nil, "azp": "app"}, false, guard},
		"none, azp ours, typed":    {nil, oidctest.Claims{"aud": nil, "azp": "app"}, true, none},
		"an empty list, azp ours":  {nil, oidctest.Claims{"aud": []string{}, "azp": "app"}, false, guard},
		"an empty text, azp ours":  {nil, oidctest.Claims{"aud": "", "azp": "app"}, false, none},

		"named":                       {[]string{"api", "api2"}, oidctest.Claims{"aud": []string{"x", "api2"}}, false, all},
		"named, another":              {[]string{"api"}, oidctest.Claims{"aud": "api2"}, false, none},
		"named, the client is not it": {[]string{"api"}, oidctest.Claims{"aud": "app", "azp": "app"}, false, none},
		"named, account and azp":      {[]string{"api"}, oidctest.Claims{"aud": "account", "azp": "app"}, false, none},
		"named, none":                 {[]string{"api"}, oidctest.Claims{"aud": nil, "azp": "api", "client_id": "api"}, false, none},
		"named, a star":               {[]string{"api"}, oidctest.Claims{"aud": "*"}, false, none},

		"to us, another's":        {[]string{toUs}, oidctest.Claims{"aud": other}, false, none},
		"to us, azp":              {[]string{toUs}, oidctest.Claims{"aud": other, "azp": "app"}, false, guard},
		"to us, client_id":        {[]string{toUs}, oidctest.Claims{"aud": other, "client_id": "app"}, true, guard},
		"to us, azp another's":    {[]string{toUs}, oidctest.Claims{"aud": other, "azp": other}, false, none},
		"to us, they differ":      {[]string{toUs}, oidctest.Claims{"aud": other, "azp": "app", "client_id": other}, false, none},
		"to us, aud ours":         {[]string{toUs}, oidctest.Claims{"aud": "app", "azp": other}, false, all},
		"to us, none":             {[]string{toUs}, oidctest.Claims{"aud": nil, "azp": "app"}, false, guard},
		"to us, by its own word":  {[]string{toUs}, oidctest.Claims{"aud": toUs}, false, none},
		"to us or named, azp":     {[]string{"api", toUs}, oidctest.Claims{"aud": other, "azp": "app"}, false, guard},
		"to us or named, named":   {[]string{toUs, "api"}, oidctest.Claims{"aud": "api", "azp": other}, false, all},
		"to us or named, neither": {[]string{"api", toUs}, oidctest.Claims{"aud": "app", "azp": other}, false, none},
		"to us or named, a word":  {[]string{"api", toUs}, oidctest.Claims{"aud": toUs, "azp": other}, false, none},

		"any":                  {[]string{core.AnyAudience}, oidctest.Claims{"aud": "whatever"}, false, guard},
		"any, and none":        {[]string{core.AnyAudience}, oidctest.Claims{"aud": nil}, false, guard},
		"any, of a wrong type": {[]string{core.AnyAudience}, oidctest.Claims{"aud": 1}, false, none},
	} {
		t.Run(name, func(t *testing.T) {
			services := servicesOf(c.configured)
			passthrough, broker := services[0], services[1]
			token := passthrough.idp.UnmarkedAccessToken("alice", oidctest.Claims{"scope": "openid"}, c.change)
			if c.typed {
				token = passthrough.idp.AccessToken("alice", oidctest.Claims{"azp": nil, "client_id": nil}, c.change)
			}
			_, err := passthrough.admit(token)
			if got := (both{err == nil, broker.exchange(token, nil).Status == http.StatusOK}); got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
			if err != nil && !errors.Is(err, core.ErrAudience) && c.change["aud"] != 1 {
				t.Errorf("refused for %v", errors.Unwrap(err))
			}
		})
	}
}

// The log of a refusal has the accepted audiences, and the setting that would accept the token, if there is one.
func TestRefusalNamesTheAudience(t *testing.T) {
	for name, c := range map[string]struct {
		configured []string
		azp        string
		want       string
		hint       bool
	}{
		"another's":            {nil, "payments", "[app]", false},
		"issued to us":         {nil, "app", "[app]", true},
		"named":                {[]string{"api", "b"}, "payments", "[api b]", false},
		"named, issued to us":  {[]string{"api"}, "app", "[api]", true},
		"to us, and another's": {[]string{core.IssuedToUs, "api"}, "payments", "[api]", false},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, func(config *core.Config) { config.Audience = c.configured })
			_, err := f.admit(f.idp.AccessToken("alice", oidctest.Claims{"aud": "payments", "azp": c.azp, "client_id": c.azp}))
			var says []string
			if refusal := reasons.Find(err); refusal != nil {
				for _, attr := range refusal.Want {
					says = append(says, attr.String())
				}
			}
			text := strings.Join(says, " ")
			if !strings.HasPrefix(text, "want_audience="+c.want) || strings.Contains(text, "core.IssuedToUs") != c.hint || strings.Contains(text, "payments") {
				t.Errorf("got %s", text)
			}
			if log := f.traffic.logs.String(); !strings.Contains(log, "want_audience=") || strings.Contains(log, "core.IssuedToUs") != c.hint {
				t.Errorf("the log says %s", log)
			}
		})
	}
}

// An access token in an answer to this client counts whatever its aud: Keycloak's full scope adds other clients, and realm
// roles are only in the access token.
func TestAudienceOfALogin(t *testing.T) {
	for name, c := range map[string]struct {
		configured []string
		access     oidctest.Claims
		role       bool
	}{
		"ours":                      {nil, oidctest.Claims{"aud": "app"}, true},
		"issued to us":              {nil, oidctest.Claims{"aud": "payments"}, true},
		"issued to another":         {nil, oidctest.Claims{"aud": "payments", "azp": "payments"}, false},
		"named":                     {[]string{"api"}, oidctest.Claims{"aud": "api"}, true},
		"another than the named":    {[]string{"api"}, oidctest.Claims{"aud": "payments"}, false},
		"named, and issued to us":   {[]string{"api", core.IssuedToUs}, oidctest.Claims{"aud": "payments"}, true},
		"a token without any marks": {nil, oidctest.Claims{"scope": nil, "client_id": nil, "azp": nil}, true},
	} {
		t.Run(name, func(t *testing.T) {
			f := newFlow(t, brokered(func(config *core.Config) { config.Audience = c.configured }), oidctest.WithJWTType())
			f.idp.Tamper(oidctest.AccessTokens, func(claims oidctest.Claims) {
				maps.Copy(claims, c.access)
				claims["roles"] = []string{"from-access"}
			})
			if got := slices.Contains(f.who(f.tokens("alice").AccessToken).Roles(), "from-access"); got != c.role {
				t.Errorf("the role of the access token: %v", got)
			}
		})
	}
}

// Without an issuer nothing is verified: with JWKSURL set and discovery down, tokens of the provider are refused. A token that cannot be
// the provider's is refused all the same, and causes no fetch.
func TestNoVerifierWithoutAnIssuer(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth(func(c *core.Config) { c.JWKSURL = idp.URL(oidctest.JWKS) }).Required()
	idp.breaks(refuse, oidctest.Discovery)
	wantStatus(t, guard, idp.token(claims{"iss": "https://evil.example"}), http.StatusUnauthorized)
	if n := idp.Hits(oidctest.Discovery); n != 0 {
		t.Errorf("%d fetches for a token of another issuer", n)
	}
	wantStatus(t, guard, idp.token(), http.StatusServiceUnavailable)
	idp.Heal(oidctest.Discovery)
	wantStatus(t, guard, idp.token(claims{"iss": "https://evil.example"}), http.StatusUnauthorized)
	wantStatus(t, guard, idp.token(), http.StatusOK)
}

// Guards work with only an issuer and a key set, and then accept only that issuer.
func TestWithoutDiscovery(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth(func(c *core.Config) {
		c.DiscoveryURL, c.Issuer, c.JWKSURL = "", issuer, idp.URL(oidctest.JWKS)
	}).Required()
	wantStatus(t, guard, idp.token(), http.StatusOK)
	wantStatus(t, guard, idp.token(claims{"iss": issuer + "/"}), http.StatusUnauthorized)
	if got := idp.Hits(oidctest.Discovery); got != 0 {
		t.Errorf("%d fetches of a discovery document", got)
	}
}

// The leeway is as configured.
func TestLeeway(t *testing.T) {
	idp := newIDP(t)
	guard := idp.auth(func(c *core.Config) { c.Leeway = 2 * time.Minute }).Required()
	now := time.Now().Unix()
	wantStatus(t, guard, idp.token(claims{"exp": now - 100}), http.StatusOK)
	wantStatus(t, guard, idp.token(claims{"exp": now - 130}), http.StatusUnauthorized)
	wantStatus(t, guard, idp.token(claims{"nbf": now + 100}), http.StatusOK)
	wantStatus(t, guard, idp.token(claims{"nbf": now + 130}), http.StatusUnauthorized)
}

// A guard checks both the audience and the scopes of a token; neither replaces the other.
func TestAudienceAndScopeAreBothChecked(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	auth, err := core.New(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() })
	guard := auth.Required(core.Scopes("write"))
	elsewhere := oidctest.Claims{"aud": "other", "azp": "other", "client_id": "other", "scope": "write"}
	for name, c := range map[string]struct {
		claims oidctest.Claims
		status int
	}{
		"both":         {oidctest.Claims{"scope": "read write"}, 200},
		"no scope":     {oidctest.Claims{"scope": "read"}, 403},
		"no audience":  {elsewhere, 401},
		"part of word": {oidctest.Claims{"scope": "writer"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			wantStatus(t, guard, idp.AccessToken("alice", c.claims), c.status)
		})
	}
}
