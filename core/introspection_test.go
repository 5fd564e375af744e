package core_test

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// lookedUp is a service with opaque tokens on the clock of a bubble.
type lookedUp struct {
	*memoryIDP
	auth  *core.Auth
	guard *core.Guard
}

// newLookedUp makes one; its provider's introspection answers get the claims of extra, nil removes one.
func newLookedUp(t testing.TB, extra claims, changes ...func(*core.Config)) *lookedUp {
	t.Helper()
	idp := newIDPWith(t, oidctest.WithOpaqueTokens(), oidctest.WithoutDeviceFlow(), oidctest.WithoutUserInfo(), oidctest.WithoutEndSession())
	idp.Tamper(oidctest.IntrospectionAnswers, func(answer claims) {
		if answer["active"] != true {
			return
		}
		maps.Copy(answer, extra)
		maps.DeleteFunc(answer, func(_ string, value any) bool { return value == nil })
	})
	auth := idp.auth(append([]func(*core.Config){func(c *core.Config) { c.Tokens = core.Opaque }}, changes...)...)
	return &lookedUp{idp, auth, auth.Required()}
}

// token returns an access token for this service, which must not be in the logs.
func (l *lookedUp) token(more ...claims) string {
	token := l.AccessToken("alice", append([]claims{{"aud": clientID, "client_id": clientID, "azp": clientID}}, more...)...)
	l.change(func() { l.secrets = append(l.secrets, token) })
	return token
}

func (l *lookedUp) admit(token string) (*core.IDToken, error) {
	return decide(l.t.Context(), l.guard, []string{"Bearer " + token})
}

// wants checks the status of a decision, and its cause if there is one.
func (l *lookedUp) wants(token string, status int, cause error) {
	l.t.Helper()
	_, err := l.admit(token)
	var refused *core.Error
	switch {
	case status == http.StatusOK:
		if err != nil {
			l.t.Errorf("%v", err)
		}
	case !errors.As(err, &refused) || refused.Status != status:
		l.t.Errorf("%v, want status %d", err, status)
	case cause != nil && !errors.Is(err, cause):
		l.t.Errorf("%v, want %v", err, cause)
	}
}

func (l *lookedUp) asked() int { return l.Hits(oidctest.Introspection) }

// A token that the provider calls active is a caller like that of a JWT.
func TestIntrospectedCaller(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, claims{"roles": []string{"editor"}, "email": "alice@example.org"})
		token := l.token()
		caller, err := l.admit(token)
		if err != nil {
			t.Fatal(err)
		}
		if caller.Issuer() != issuer || caller.Subject() != "alice" || !slices.Contains(caller.Scopes(), "profile") || !slices.Contains(caller.Roles(), "editor") {
			t.Errorf("%v %v %v %v", caller.Issuer(), caller.Subject(), caller.Scopes(), caller.Roles())
		}
		asked := l.Asked(oidctest.Introspection)
		if len(asked) != 1 || asked[0].Form.Get("token") != token || asked[0].Form.Get("token_type_hint") != "access_token" {
			t.Errorf("%v", asked)
		}
	})
}

// What the answer says about a token decides: nothing is guessed.
func TestIntrospectionAnswers(t *testing.T) {
	for name, c := range map[string]struct {
		extra  claims
		status int
		cause  error
	}{
		"as it is":                    {nil, 200, nil},
		"audience in a list":          {claims{"aud": []string{"x", clientID}}, 200, nil},
		"another audience":            {claims{"aud": "another"}, 401, core.ErrAudience},
		"no audience":                 {claims{"aud": nil}, 401, core.ErrAudience},
		"audience a number":           {claims{"aud": 7}, 401, core.ErrClaims},
		"no issuer":                   {claims{"iss": nil}, 200, nil},
		"a hostile issuer":            {claims{"iss": "https://evil.example"}, 401, core.ErrIssuer},
		"an empty issuer":             {claims{"iss": ""}, 401, core.ErrIssuer},
		"issuer with a slash":         {claims{"iss": issuer + "/"}, 401, core.ErrIssuer},
		"no subject":                  {claims{"sub": nil}, 401, core.ErrClaims},
		"subject a number":            {claims{"sub": 7}, 401, core.ErrClaims},
		"expired":                     {claims{"exp": 1}, 401, core.ErrExpired},
		"no exp":                      {claims{"exp": nil}, 200, nil},
		"exp out of bounds":           {claims{"exp": 1e300}, 200, nil},
		"exp a fraction":              {claims{"exp": 4102444800.5}, 200, nil},
		"exp a fraction, expired":     {claims{"exp": 1.5}, 401, core.ErrExpired},
		"iat a fraction":              {claims{"iat": 1.5}, 200, nil},
		"iat out of bounds":           {claims{"iat": 1e300}, 401, core.ErrNotYetValid},
		"exp a list":                  {claims{"exp": []int{1}}, 401, core.ErrClaims},
		"exp no number":               {claims{"exp": "soon"}, 401, core.ErrClaims},
		"not yet":                     {claims{"nbf": 1e300}, 401, core.ErrNotYetValid},
		"nbf long ago":                {claims{"nbf": -1e300}, 200, nil},
		"scope a list":                {claims{"scope": []string{"profile", "email"}}, 200, nil},
		"scope a number":              {claims{"scope": 7}, 401, core.ErrClaims},
		"bound to a key":              {claims{"cnf": claims{"jkt": "x"}}, 401, core.ErrTokenKind},
		"DPoP":                        {claims{"token_type": "DPoP"}, 401, core.ErrTokenKind},
		"token_type in lower case":    {claims{"token_type": "bearer"}, 200, nil},
		"token_type a number":         {claims{"token_type": 7}, 401, core.ErrClaims},
		"a refresh token":             {claims{"typ": "Refresh"}, 401, core.ErrTokenKind},
		"a refresh token, by use":     {claims{"token_use": "refresh_token"}, 401, core.ErrTokenKind},
		"neither type nor audience":   {claims{"token_type": nil, "aud": nil}, 401, core.ErrTokenKind},
		"a second spelling":           {claims{"Aud": "another"}, 401, core.ErrClaims},
		"a second spelling of active": {claims{"ACTIVE": false}, 401, core.ErrClaims},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				newLookedUpWants(t, c.extra, c.status, c.cause)
			})
		})
	}
}

func newLookedUpWants(t *testing.T, extra claims, status int, cause error) {
	t.Helper()
	l := newLookedUp(t, extra)
	l.wants(l.token(), status, cause)
}

// Many servers omit aud. The client that the token was issued to counts only by name.
func TestIntrospectionWithoutAudience(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		issuedToUs := func(c *core.Config) { c.Audience = []string{core.IssuedToUs} }
		l := newLookedUp(t, claims{"aud": nil, "azp": nil}, issuedToUs)
		l.wants(l.token(), 200, nil)
		bare := claims{"aud": nil, "azp": nil, "token_type": nil}
		l = newLookedUp(t, bare, issuedToUs)
		l.wants(l.token(), 401, core.ErrTokenKind)
		l = newLookedUp(t, bare, issuedToUs, func(c *core.Config) { c.Introspection = &core.IntrospectionConfig{Unmarked: true} })
		l.wants(l.token(), 200, nil)
		other := newLookedUp(t, claims{"aud": nil, "azp": nil, "client_id": "another"}, issuedToUs)
		other.wants(other.token(), 401, core.ErrAudience)
	})
}

// An endpoint that answers nonsense is a 502, one that does not answer is a 503, and neither is remembered.
func TestIntrospectionFaults(t *testing.T) {
	for name, c := range map[string]struct {
		fault  fault
		status int
	}{
		"active a text":   {oidctest.Reply(200, "application/json", `{"active":"true","sub":"alice","aud":"my-client","token_type":"Bearer"}`), 502},
		"active a number": {oidctest.Reply(200, "application/json", `{"active":1}`), 502},
		"active null":     {oidctest.Reply(200, "application/json", `{"active":null}`), 502},
		"active twice":    {oidctest.Reply(200, "application/json", `{"active":false,"active":true,"sub":"alice","aud":"my-client"}`), 502},
		"no active":       {oidctest.Reply(200, "application/json", `{"sub":"alice"}`), 502},
		"a list":          {oidctest.Reply(200, "application/json", `[{"active":true}]`), 502},
		"nothing":         {oidctest.Reply(200, "application/json", ``), 502},
		"a page":          {oidctest.HTML(200), 502},
		"a megabyte":      {oidctest.Oversized(), 502},
		"a redirect":      {oidctest.Redirect(307), 502},
		"half an answer":  {oidctest.Truncated(), 502},
		"401":             {oidctest.ErrorCode(401, "invalid_client"), 503},
		"403":             {oidctest.Status(403), 503},
		"429":             {oidctest.Status(429), 503},
		"500":             {oidctest.Status(500), 503},
		"no connection":   {oidctest.Refused(), 503},
		"hangs":           {oidctest.Hang(), 503},
		"drips":           {oidctest.Drip(time.Second), 503},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLookedUp(t, nil)
				token := l.token()
				l.Fault(oidctest.Introspection, c.fault)
				l.wants(token, c.status, nil)
				l.Heal()
				time.Sleep(11 * time.Second) // longer than the pause after a 429
				l.wants(token, 200, nil)
			})
		})
	}
}

// The endpoint's 401 is about this service, not about the caller: the log names the fields.
func TestIntrospectionRefusesThisService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, nil, func(c *core.Config) { c.ClientSecret = "WRONG" })
		l.wants(l.token(), 503, nil)
		if log := l.logs.String(); !strings.Contains(log, "opaque access tokens cannot be looked up") || !strings.Contains(log, "Config.ClientSecret") {
			t.Errorf("%s", log)
		}
	})
}

// An active token is asked again after a minute, and at its exp; one that is not active after five seconds.
func TestIntrospectionCacheTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, nil)
		token := l.token()
		for _, step := range []struct {
			after time.Duration
			asked int
		}{{0, 1}, {59 * time.Second, 1}, {2 * time.Second, 2}} {
			time.Sleep(step.after)
			if l.wants(token, 200, nil); l.asked() != step.asked {
				t.Errorf("after %v: asked %d times, want %d", step.after, l.asked(), step.asked)
			}
		}
		short := l.token(claims{"exp": time.Now().Add(10 * time.Second).Unix()})
		l.wants(short, 200, nil)
		time.Sleep(10 * time.Second)
		l.wants(short, 401, core.ErrInactive)

		before := l.asked()
		for range 3 {
			l.wants("2YotnFZFEjr1zCsicMWpAA", 401, core.ErrInactive)
		}
		time.Sleep(5 * time.Second)
		l.wants("2YotnFZFEjr1zCsicMWpAA", 401, core.ErrInactive)
		if got := l.asked() - before; got != 2 {
			t.Errorf("asked %d times about a token that is not active, want 2", got)
		}
	})
}

// Made-up tokens take no place of good ones, however many come.
func TestIntrospectionOfMadeUpTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, nil, func(c *core.Config) { c.TokenCacheSize = 4 })
		token := l.token()
		l.wants(token, 200, nil)
		for i := range 100 {
			l.wants(fmt.Sprintf("made-up-%d", i), 401, core.ErrInactive)
		}
		if l.wants(token, 200, nil); l.asked() != 101 {
			t.Errorf("asked %d times, want 101", l.asked())
		}
	})
}

// A negative TTL asks for each request.
func TestIntrospectionWithoutCache(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, nil, func(c *core.Config) { c.Introspection = &core.IntrospectionConfig{TTL: -1} })
		token := l.token()
		for range 3 {
			l.wants(token, 200, nil)
		}
		if l.asked() != 3 {
			t.Errorf("asked %d times", l.asked())
		}
	})
}

// An outage refuses an active token only while it lasts.
func TestIntrospectionOutageIsNotRemembered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, nil)
		token := l.token()
		l.wants(token, 200, nil)
		l.Fault(oidctest.Introspection, oidctest.Refused())
		l.wants(token, 200, nil) // cached
		time.Sleep(time.Minute)
		l.wants(token, 503, nil)
		l.Heal()
		l.wants(token, 200, nil)
	})
}

// A 429 stops all lookups for as long as it says.
func TestIntrospectionObeysRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, nil)
		token, other := l.token(), l.token()
		l.Fault(oidctest.Introspection, oidctest.Times(1, oidctest.Serve(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "30")
			w.WriteHeader(http.StatusTooManyRequests)
		})))
		l.wants(token, 503, nil)
		time.Sleep(29 * time.Second)
		l.wants(other, 503, nil)
		if _, err := l.admit(token); l.asked() != 1 || err == nil {
			t.Errorf("asked %d times, %v", l.asked(), err)
		}
		time.Sleep(2 * time.Second)
		l.wants(token, 200, nil)
		l.wants(other, 200, nil)
	})
}

// Requests with one token at the same time ask once.
func TestIntrospectionAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, nil)
		token := l.token()
		l.Fault(oidctest.Introspection, oidctest.Slow(time.Second))
		var all sync.WaitGroup
		for range 20 {
			all.Go(func() { l.wants(token, 200, nil) })
		}
		all.Wait()
		if l.asked() != 1 {
			t.Errorf("asked %d times", l.asked())
		}
	})
}

// A token of somebody else is never shown to the provider: neither a JWT that names another issuer or none, nor a text that is no token.
func TestIntrospectionShowsNoForeignToken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, nil)
		for name, token := range map[string]string{
			"another issuer":             l.Sign("at+jwt", claims{"iss": "https://evil.example", "sub": "alice", "aud": clientID}),
			"no issuer":                  l.Sign("at+jwt", claims{"sub": "alice", "aud": clientID}),
			"another issuer, odd header": "e30." + strings.Split(l.Sign("at+jwt", claims{"iss": "https://evil.example"}), ".")[1] + ".AA",
			"no token68":                 "2YotnFZ EjrzCsicMWpAA",
			"not ASCII":                  "2YotnFZ\u00e9EjrzCsicMWpAA",
			"too long":                   strings.Repeat("x", 17<<10),
		} {
			if _, err := l.admit(token); err == nil {
				t.Errorf("%s: accepted", name)
			}
		}
		if l.asked() != 0 {
			t.Errorf("asked %d times", l.asked())
		}
	})
}

// With Opaque the provider's JWTs are looked up too, with Either they are verified here.
func TestTokenForms(t *testing.T) {
	for form, want := range map[core.TokenForm]int{core.JWT: 0, core.Either: 1, core.Opaque: 2} {
		synctest.Test(t, func(t *testing.T) {
			idp := newIDPWith(t, oidctest.WithoutDeviceFlow())
			auth := idp.auth(func(c *core.Config) { c.Tokens = form })
			jwt := idp.AccessToken("alice", claims{"aud": clientID, "client_id": clientID})
			if _, err := decide(t.Context(), auth.Required(), []string{"Bearer " + jwt}); err != nil {
				t.Errorf("%q: %v", form, err)
			}
			_, err := decide(t.Context(), auth.Required(), []string{"Bearer 2YotnFZFEjr1zCsicMWpAA"})
			if wanted := map[bool]error{true: core.ErrMalformed, false: core.ErrInactive}[form == core.JWT]; !errors.Is(err, wanted) {
				t.Errorf("%q: %v, want %v", form, err, wanted)
			}
			if got := idp.Hits(oidctest.Introspection); got != want {
				t.Errorf("%q: asked %d times, want %d", form, got, want)
			}
		})
	}
}

// Each way in which a client authenticates works at the introspection endpoint, and so do credentials of its own.
func TestIntrospectionCredentials(t *testing.T) {
	for name, change := range map[string]func(*core.Config){
		"basic": func(c *core.Config) { c.TokenEndpointAuthMethod = "client_secret_basic" },
		"post":  func(c *core.Config) { c.TokenEndpointAuthMethod = "client_secret_post" },
		"own": func(c *core.Config) {
			c.Introspection = &core.IntrospectionConfig{ClientID: "api", ClientSecret: "SECRET-OF-THE-API"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := newLookedUp(t, nil, change)
				l.AddClient(oidctest.Client{ID: "api", Secret: "SECRET-OF-THE-API", RedirectURIs: []string{"https://api.example/callback"}})
				l.wants(l.token(), 200, nil)
			})
		})
	}
}

// Google is asked at tokeninfo, whose aud must be this client.
func TestGoogleTokenInfo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLookedUp(t, nil)
		exp := fmt.Sprint(time.Now().Add(time.Hour).Unix())
		answers := map[string]string{
			"ya29.good":    `{"azp":"my-client","aud":"my-client","sub":"1","scope":"openid https://www.googleapis.com/auth/userinfo.email","exp":"` + exp + `","expires_in":"3599","email":"a@example.org","email_verified":"true","access_type":"online"}`,
			"ya29.another": `{"azp":"another","aud":"another","sub":"1","scope":"openid","exp":"` + exp + `"}`,
			"ya29.nosub":   `{"azp":"my-client","aud":"my-client","scope":"openid","exp":"` + exp + `"}`,
			"ya29.page":    `{"sub":"1","aud":"my-client"}`,
		}
		google := &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
			if r.URL.Host != "oauth2.googleapis.com" {
				return l.RoundTrip(r)
			}
			if err := r.ParseForm(); err != nil || r.Method != http.MethodPost || r.URL.RawQuery != "" {
				t.Errorf("%s %s", r.Method, r.URL)
			}
			status, body := 200, answers[r.PostForm.Get("access_token")]
			if body == "" {
				status, body = 400, `{"error":"invalid_token","error_description":"Invalid Value"}`
			}
			return &http.Response{
				StatusCode: status, Header: http.Header{"Content-Type": {"application/json"}}, Body: io.NopCloser(strings.NewReader(body)), Request: r,
			}, nil
		})}
		auth := l.memoryIDP.auth(func(c *core.Config) {
			c.Tokens, c.HTTPClient = core.GoogleTokenInfo, google
			c.Introspection = &core.IntrospectionConfig{Endpoint: "https://oauth2.googleapis.com/tokeninfo"}
		})
		l.guard = auth.Required()
		l.wants("ya29.good", 200, nil)
		l.wants("ya29.another", 401, core.ErrAudience)
		l.wants("ya29.nosub", 401, core.ErrClaims)
		l.wants("ya29.page", 502, nil)
		l.wants("ya29.unknown", 401, core.ErrInactive)
	})
}
