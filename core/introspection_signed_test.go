package core_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const signedAnswer = "application/token-introspection+jwt"

func signed(c *core.Config) { c.Introspection = &core.IntrospectionConfig{Signed: true} }

// newSigned makes a service whose provider signs its introspection answers.
func newSigned(t testing.TB, changes ...func(*core.Config)) *lookedUp {
	t.Helper()
	idp := newIDPWith(t, oidctest.WithOpaqueTokens(), oidctest.WithSignedIntrospection(), oidctest.WithoutDeviceFlow(), oidctest.WithoutUserInfo(), oidctest.WithoutEndSession())
	auth := idp.auth(append([]func(*core.Config){func(c *core.Config) { c.Tokens = core.Opaque }}, changes...)...)
	return &lookedUp{idp, auth, auth.Required()}
}

// A JWT is asked for where the provider announces one that can be verified, or the configuration demands one.
func TestSignedIntrospectionIsAskedFor(t *testing.T) {
	announce := func(algorithms ...string) claims {
		return claims{"introspection_signing_alg_values_supported": algorithms}
	}
	for name, c := range map[string]struct {
		metadata claims
		change   func(*core.Config)
		want     string
	}{
		"announced":                     {nil, func(*core.Config) {}, signedAnswer + ", application/json;q=0.5"},
		"demanded":                      {nil, signed, signedAnswer},
		"not announced":                 {announce(), func(*core.Config) {}, "application/json"},
		"not announced, demanded":       {announce(), signed, signedAnswer},
		"with algorithms of secrets":    {announce("HS256", "none"), func(*core.Config) {}, "application/json"},
		"with an algorithm beside none": {announce("none", "ES256"), func(*core.Config) {}, signedAnswer + ", application/json;q=0.5"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newSigned(t, c.change)
				l.change(func() { l.metadata = c.metadata })
				l.wants(l.token(), 200, nil)
				l.wants("2YotnFZFEjr1zCsicMWpAA", 401, core.ErrInactive)
				if asked := l.Asked(oidctest.Introspection); asked[0].Header.Get("Accept") != c.want {
					t.Errorf("Accept: %s", asked[0].Header.Get("Accept"))
				}
			})
		})
	}
}

// A signed answer counts only as one of the provider, to this client, to this request; what it says about the token stands in one claim.
func TestSignedIntrospectionAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		extra  claims // of the JWT; a duration is a time from now
		status int
	}{
		"as it is":                             {nil, 200},
		"aud a list":                           {claims{"aud": []string{"another", clientID}}, 200},
		"aud of another":                       {claims{"aud": "another"}, 502},
		"aud a number":                         {claims{"aud": 7}, 502},
		"no aud":                               {claims{"aud": nil}, 502},
		"iss of another":                       {claims{"iss": "https://evil.example"}, 502},
		"iss with a slash":                     {claims{"iss": issuer + "/"}, 502},
		"no iss":                               {claims{"iss": nil}, 502},
		"no iat":                               {claims{"iat": nil}, 502},
		"iat a text":                           {claims{"iat": "1"}, 502},
		"iat of the clock behind":              {claims{"iat": -20 * time.Second}, 200},
		"iat of an older answer":               {claims{"iat": -40 * time.Second}, 502},
		"iat in the future":                    {claims{"iat": 40 * time.Second}, 502},
		"exp in the future":                    {claims{"exp": time.Minute}, 200},
		"exp in the past":                      {claims{"exp": -time.Minute}, 502},
		"exp a text":                           {claims{"exp": "soon"}, 502},
		"nbf in the future":                    {claims{"nbf": time.Minute}, 502},
		"a second spelling":                    {claims{"Aud": "another"}, 502},
		"no token_introspection":               {claims{"token_introspection": nil}, 502},
		"token_introspection a text":           {claims{"token_introspection": `{"active":true}`}, 502},
		"token_introspection empty":            {claims{"token_introspection": claims{}}, 502},
		"outside: all of it":                   {claims{"token_introspection": claims{}, "active": true, "sub": "alice", "token_type": "Bearer"}, 502},
		"outside: active, inside not":          {claims{"token_introspection": claims{"active": false}, "active": true, "sub": "alice"}, 401},
		"outside: not active, inside it is":    {claims{"active": false}, 200},
		"outside: the subject":                 {claims{"token_introspection": claims{"active": true, "aud": clientID, "token_type": "Bearer"}, "sub": "alice"}, 401},
		"outside: the audience of the token":   {claims{"token_introspection": claims{"active": true, "sub": "alice", "token_type": "Bearer"}}, 401},
		"inside: a bad answer":                 {claims{"token_introspection": claims{"active": "true", "sub": "alice"}}, 502},
		"inside: it has expired":               {claims{"token_introspection": claims{"active": true, "sub": "alice", "aud": clientID, "token_type": "Bearer", "exp": 1}}, 401},
		"inside: the issuer of another":        {claims{"token_introspection": claims{"active": true, "sub": "alice", "aud": clientID, "token_type": "Bearer", "iss": "https://evil.example"}}, 401},
		"inside: a second spelling of the sub": {claims{"token_introspection": claims{"active": true, "sub": "alice", "SUB": "bob", "aud": clientID, "token_type": "Bearer"}}, 401},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newSigned(t, signed)
				l.Tamper(oidctest.SignedIntrospectionAnswers, func(answer claims) {
					for name, value := range c.extra {
						if d, ok := value.(time.Duration); ok {
							value = time.Now().Add(d).Unix()
						}
						answer[name] = value
					}
				})
				l.wants(l.token(), c.status, nil)
			})
		})
	}
}

// honestAnswer returns the claims of a signed answer about an active token.
func honestAnswer() claims {
	about := claims{"active": true, "sub": "alice", "aud": clientID, "token_type": "Bearer"}
	return claims{"iss": issuer, "aud": clientID, "iat": time.Now().Unix(), "token_introspection": about}
}

// notSigned returns a JWT with the algorithm none.
func notSigned(typ string, answer claims) string {
	part := func(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }
	return part(`{"alg":"none","typ":"`+typ+`"}`) + "." + part(toJSON(answer)) + "."
}

// Something else in the place of a signed answer is a 502, signed by the provider or not.
func TestSignedIntrospectionOfAnotherKind(t *testing.T) {
	const typ = "token-introspection+jwt"
	for name, c := range map[string]struct {
		answer func(l *lookedUp, honest claims) string
		kind   string
		status int
	}{
		"as it should be":        {func(l *lookedUp, honest claims) string { return l.Sign(typ, honest) }, signedAnswer, 200},
		"with a charset":         {func(l *lookedUp, honest claims) string { return l.Sign(typ, honest) }, signedAnswer + "; charset=utf-8", 200},
		"the long typ":           {func(l *lookedUp, honest claims) string { return l.Sign("application/"+typ, honest) }, signedAnswer, 200},
		"typ JWT":                {func(l *lookedUp, honest claims) string { return l.Sign("JWT", honest) }, signedAnswer, 502},
		"typ of an access token": {func(l *lookedUp, honest claims) string { return l.Sign("at+jwt", honest) }, signedAnswer, 502},
		"no typ":                 {func(l *lookedUp, honest claims) string { return l.Sign("", honest) }, signedAnswer, 502},
		"a forged signature":     {func(l *lookedUp, honest claims) string { return l.SignForeign(typ, honest) }, signedAnswer, 502},
		"alg none":               {func(_ *lookedUp, honest claims) string { return notSigned(typ, honest) }, signedAnswer, 502},
		"an ID token":            {func(l *lookedUp, _ claims) string { return l.IDToken("alice") }, signedAnswer, 502},
		"an ID token with all":   {func(l *lookedUp, honest claims) string { return l.IDToken("alice", honest) }, signedAnswer, 502},
		"encrypted":              {func(*lookedUp, claims) string { return "e30.AA.AA.AA.AA" }, signedAnswer, 502},
		"no JWT":                 {func(_ *lookedUp, honest claims) string { return toJSON(honest) }, signedAnswer, 502},
		"nothing":                {func(*lookedUp, claims) string { return "" }, signedAnswer, 502},
		"too long":               {func(l *lookedUp, honest claims) string { return l.Sign(typ, claims{"x": strings.Repeat("x", 17<<10)}) }, signedAnswer, 502},
		"another media type":     {func(l *lookedUp, honest claims) string { return l.Sign(typ, honest) }, "application/jwt", 502},
		"JSON":                   {func(_ *lookedUp, honest claims) string { return toJSON(honest["token_introspection"].(claims)) }, "application/json", 502},
		"JSON, not active":       {func(*lookedUp, claims) string { return `{"active":false}` }, "application/json", 502},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newSigned(t, signed)
				honest := honestAnswer()
				l.Fault(oidctest.Introspection, oidctest.Reply(http.StatusOK, c.kind, c.answer(l, honest)))
				l.wants(l.token(), c.status, nil)
			})
		})
	}
}

// Where a signed answer is only announced, JSON counts too, and a signed one is verified all the same.
func TestSignedIntrospectionIsOptional(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSigned(t)
		token := l.token()
		l.Fault(oidctest.Introspection, oidctest.Times(1, oidctest.Reply(http.StatusOK, "application/json", `{"active":true,"sub":"alice","aud":"`+clientID+`","token_type":"Bearer"}`)))
		l.wants(token, 200, nil)
		l.Tamper(oidctest.SignedIntrospectionAnswers, func(answer claims) { answer["aud"] = "another" })
		l.wants(l.token(), 502, nil)
		if log := l.logs.String(); !strings.Contains(log, "signed answer about a token is not accepted") || !strings.Contains(log, "wrong audience") {
			t.Errorf("%s", log)
		}
	})
}

// An answer that nobody asked to be signed is refused, and one that is signed with an algorithm that the provider does not announce.
func TestSignedIntrospectionUnasked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for name, algorithms := range map[string][]string{"none": {}, "another": {"RS256"}} {
			l := newSigned(t)
			l.change(func() { l.metadata = claims{"introspection_signing_alg_values_supported": algorithms} })
			honest := honestAnswer()
			l.Fault(oidctest.Introspection, oidctest.Reply(http.StatusOK, signedAnswer, l.Sign("token-introspection+jwt", honest)))
			if _, err := l.admit(l.token()); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
	})
}

// The answer is for the client that asks, which can be another than that of logins.
func TestSignedIntrospectionForOwnClient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSigned(t, func(c *core.Config) {
			c.Introspection = &core.IntrospectionConfig{ClientID: "api", ClientSecret: "SECRET-OF-THE-API", Signed: true}
		})
		l.AddClient(oidctest.Client{ID: "api", Secret: "SECRET-OF-THE-API", RedirectURIs: []string{"https://api.example/callback"}})
		l.wants(l.token(), 200, nil)
		l.Tamper(oidctest.SignedIntrospectionAnswers, func(answer claims) { answer["aud"] = clientID })
		l.wants(l.token(), 502, nil)
	})
}

// A client with a timeout wraps the bodies of answers.
func TestSignedIntrospectionThroughClientWithTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSigned(t, signed, func(c *core.Config) {
			client := *c.HTTPClient
			client.Timeout = time.Minute
			c.HTTPClient = &client
		})
		l.wants(l.token(), 200, nil)
	})
}

// While the keys are out of reach, nobody knows whether the answer is the provider's: 503.
func TestSignedIntrospectionWithoutKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSigned(t)
		token := l.token()
		l.Fault(oidctest.JWKS, oidctest.Refused())
		l.wants(token, 503, nil)
		l.Heal()
		time.Sleep(11 * time.Second)
		l.wants(token, 200, nil)
	})
}

// An introspection answer is no access token, although the provider signs it.
func TestSignedIntrospectionIsNoToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newSigned(t)
		either := l.memoryIDP.auth(func(c *core.Config) { c.Tokens = core.Either })
		l.guard = either.Required()
		answer := claims{"iss": issuer, "aud": clientID, "iat": time.Now().Unix(), "exp": time.Now().Add(time.Minute).Unix(), "sub": "alice", "scope": "openid", "token_introspection": claims{"active": true}}
		l.wants(l.Sign("token-introspection+jwt", answer), 401, core.ErrTokenKind)
	})
}
