package contract

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// keeper keeps the values that handlers and hooks got, and copies of them made at that time.
type keeper struct {
	mu       sync.Mutex
	describe []func() string
	was      []string
}

func (k *keeper) keep(describe func() string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.describe = append(k.describe, describe)
	k.was = append(k.was, strings.Clone(describe()))
}

// unchanged compares every kept value with its copy.
func (k *keeper) unchanged(t *testing.T, least int) {
	t.Helper()
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.was) < least {
		t.Errorf("only %d things were kept", len(k.was))
	}
	for i, describe := range k.describe {
		if is := describe(); is != k.was[i] {
			t.Fatalf("changed after its request\n--- was\n%s\n--- is\n%s", short(k.was[i]), short(is))
		}
	}
}

func describeToken(token *core.IDToken) func() string {
	raw, subject, claims := token.Raw(), token.Subject(), token.Claims()
	return func() string {
		return fmt.Sprint(raw, subject, claims, token.Raw(), token.Issuer(), token.Subject(), token.Username(), token.Email(), token.Name(),
			token.Audience(), token.Scopes(), token.Roles(), token.Claim("name"), token.Claims())
	}
}

func describeRequest(request *core.Request) func() string {
	return func() string {
		return fmt.Sprint(request.Method, request.Target, request.Query, request.Form, request.Header)
	}
}

// testKept: a framework may reuse the memory of a request for the next one; no value that this library passes on refers to it.
func testKept(t *testing.T, a setup) {
	var kept keeper
	keepToken := func(ctx context.Context, given ...*core.IDToken) []byte {
		for _, token := range append(given, core.IDTokenFrom(ctx)) {
			kept.keep(describeToken(token))
		}
		return who(ctx, given...)
	}
	s := a.open(t, plan{
		config: func(cfg *core.Config) {
			cfg.OnLogin = func(ctx context.Context, request *core.Request, tokens *core.Token) *core.Response {
				kept.keep(describeRequest(request))
				kept.keep(describeToken(tokens.Caller()))
				kept.keep(func() string { return tokens.AccessToken + tokens.RefreshToken + tokens.Scope })
				return nil
			}
			cfg.OnError = func(_ context.Context, request *core.Request, refusal *core.Error) *core.Response {
				kept.keep(describeRequest(request))
				kept.keep(func() string { return refusal.Code + refusal.Detail + refusal.Error() })
				return nil
			}
		},
		build: func(app App) {
			mount(t, app.Group(group), core.Paths{})
			app.Handle("/keep/handle", keepToken, core.CheckRequest("keep", func(_ context.Context, request core.Credentials, _ *core.IDToken) (bool, error) {
				kept.keep(func() string { return fmt.Sprint(request.Method, request.Target, request.Header.Clone()) })
				return true, nil
			}))
			app.Get("/keep/route", keepToken, Required())
			app.Get("/next", who, Required(core.NoDefaults))
		},
	})
	user := func(i int) (string, oidctest.Claims) {
		return fmt.Sprintf("user-%03d", i), oidctest.Claims{"name": strings.Repeat(string(rune('a'+i%26)), 50+i)}
	}
	for i := range 20 {
		name, claims := user(i)
		s.get("/keep/handle", s.bearer(name, claims)).is(seen(name, 2))
		s.get("/keep/route", s.bearer(name, claims)).is(seen(name, 1))
		query, cookies := s.begin(ownCallback, "alice")
		query.Set("padding", strings.Repeat("p", 100+i))
		s.get(callback+"?"+query.Encode(), "Cookie: "+cookies, "X-Padding: "+strings.Repeat("h", 100+i)).is(tokenAnswer(noReferrer, noCookie))
		s.get("/keep/route", "Authorization: Bearer "+name).is(badToken())
	}
	headers := make([]string, 40)
	for i := range headers {
		name, claims := user(i)
		headers[i] = s.bearer(name, claims)
	}
	for i := range 300 {
		name, _ := user(i % len(headers))
		if i%10 == 0 {
			s.get(callback+"?code=x&state="+strings.Repeat("s", 100+i%200), "Cookie: "+strings.Repeat("c", 100+i%90)+"=1", "X-Padding: "+strings.Repeat("H", 200)).is(notThisLogin())
			s.post(token, url.Values{"code": {strings.Repeat("C", 200)}}).hasStatus(http.StatusBadRequest)
		}
		s.get("/next?padding="+strings.Repeat("q", 300), headers[i%len(headers)]).is(seen(name, 1))
	}
	kept.unchanged(t, 20*(3+1+2+3+2))
}
