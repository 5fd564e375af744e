package client

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os/exec"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/app"
	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

const (
	xOAuth2 = "golang.org/x/oauth2"

	// loopback is where a program on the user's machine waits for the browser. Nobody listens there in these tests.
	loopback = "http://127.0.0.1:53100/callback"
)

// moduleVersion is what the module graph has chosen.
func moduleVersion(t *testing.T, module string) string {
	t.Helper()
	command := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Version}}", module)
	command.Dir = parts.Root()
	text, err := command.Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(text))
}

// program is a program that uses x/oauth2 with an application's routes.
type program struct {
	*site
	oauth2.Config
}

func newProgram(s *site) *program {
	routes := s.publicURL() + "/auth/v2/"
	return &program{s, oauth2.Config{
		ClientID: "a-program", RedirectURL: loopback, Scopes: []string{"openid", "profile", "email"},
		Endpoint: oauth2.Endpoint{AuthURL: routes + "login", TokenURL: routes + "token", DeviceAuthURL: routes + "device"},
	}}
}

// x/oauth2 with its default settings, which detects the method of client authentication by trying, works with the routes.
func TestXOAuth2AtTheRoutes(t *testing.T) {
	version := moduleVersion(t, xOAuth2)
	everywhere(t, func(t *testing.T, s *site, framework string) {
		p := newProgram(s)
		checks := compat.New(t, xOAuth2, version, framework, s.mode)
		checks.Run("code with the client's own PKCE and state", p.codeFlow)
		checks.Run("wrong verifier, a code used twice: invalid_grant", p.badCodes)
		checks.Run("an HTTP client that refreshes by itself", p.refreshes)
		checks.Run("a refresh token that is good no more: invalid_grant", p.spentRefresh)
		checks.Run("device flow: the program polls until the user approves", p.devicePolls)
		checks.Run("device flow: slow_down, and a user who refuses", p.deviceRefused)
		if s.mode == brokered {
			checks.Run("token exchange (RFC 8693), with a narrower scope", p.exchanges)
		} else {
			checks.Run("token exchange is not offered: unsupported_grant_type", p.exchangeNotOffered)
		}
		checks.Run("a provider without refresh tokens: the answers have none", p.withoutRefresh)
		checks.Run("device flow: a code that has expired", p.deviceExpired) // last, for the provider's clock stays ahead
	})
}

// The application is a public client of a provider that requires PKCE in the device flow: the device code is encrypted by core.
func TestXOAuth2AtAPublicApplication(t *testing.T) {
	version := moduleVersion(t, xOAuth2)
	for _, mode := range []string{brokered, passthrough} {
		t.Run(mode, func(t *testing.T) {
			p := newProgram(newSite(t, "chi", mode, func(cfg *core.Config) {
				cfg.ClientID, cfg.ClientSecret = oidctest.PublicClient, ""
			}, oidctest.WithDevicePKCE()))
			checks := compat.New(t, xOAuth2, version, "chi", mode)
			checks.Run("a public application: code", p.codeFlow)
			checks.Run("a public application: refresh", p.refreshes)
			checks.Run("a public application: device flow", p.devicePolls)
		})
	}
}

// login is a browser in which a user logs in: the code and what belongs to it.
func (p *program) login(t *testing.T, user string) (code, verifier string) {
	t.Helper()
	verifier = oauth2.GenerateVerifier()
	state := oauth2.GenerateVerifier()
	address := p.AuthCodeURL(state, oauth2.S256ChallengeOption(verifier), oauth2.SetAuthURLParam("offline_access", "true"))
	page := app.NewAgent().Open(t, address, p.idp.Issuer())
	back, err := p.idp.Approve(page.URL.String(), user)
	if err != nil {
		t.Fatal(err)
	}
	if got := back.Query().Get("state"); got != state || !strings.HasPrefix(back.String(), loopback+"?") {
		t.Fatalf("the browser ends at %s", back)
	}
	return back.Query().Get("code"), verifier
}

func (p *program) tokens(t *testing.T, user string) *oauth2.Token {
	t.Helper()
	code, verifier := p.login(t, user)
	token, err := p.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// works holds a token against the guard, and its end against both ways to write it.
func (p *program) works(t *testing.T, token *oauth2.Token, user string) {
	t.Helper()
	expires, _ := token.Extra("expires").(float64)
	in, _ := token.Extra("expires_in").(float64)
	if !token.Valid() || token.Type() != "Bearer" || in <= 0 || in > 3600 || token.Expiry.Sub(time.Unix(int64(expires), 0)).Abs() > 3*time.Second {
		t.Errorf("type %s, expires_in %v, ends at %s, expires %v", token.Type(), in, token.Expiry, expires)
	}
	if me := p.Me(t, token.AccessToken); me.Subject != user {
		t.Errorf("the guard says %+v", me)
	}
}

// refused holds that an error is an OAuth error with a code and the status of RFC 6749 section 5.2.
func refused(t *testing.T, what string, err error, code string) {
	t.Helper()
	var refusal *oauth2.RetrieveError
	if !errors.As(err, &refusal) {
		t.Errorf("%s: %v", what, err)
		return
	}
	if refusal.ErrorCode != code || refusal.ErrorDescription == "" || refusal.Response.StatusCode != http.StatusBadRequest {
		t.Errorf("%s: %d %s", what, refusal.Response.StatusCode, refusal.Body)
	}
	if got := refusal.Response.Header.Get("Cache-Control"); got != "no-store" {
		t.Errorf("%s: Cache-Control %q", what, got)
	}
}

func (p *program) codeFlow(t *testing.T) {
	token := p.tokens(t, "alice")
	p.works(t, token, "alice")
	if scope := token.Extra("scope"); scope != "openid profile email offline_access" || token.RefreshToken == "" {
		t.Errorf("scope %v, refresh token of %d characters", scope, len(token.RefreshToken))
	}
	fixed := p.Config
	fixed.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	code, verifier := p.login(t, "bob")
	token, err := fixed.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	if err != nil {
		t.Fatal(err)
	}
	p.works(t, token, "bob")
}

func (p *program) badCodes(t *testing.T) {
	code, _ := p.login(t, "alice")
	_, err := p.Exchange(t.Context(), code, oauth2.VerifierOption(oauth2.GenerateVerifier()))
	refused(t, "wrong verifier", err, "invalid_grant")
	code, verifier := p.login(t, "alice")
	if _, err := p.Exchange(t.Context(), code, oauth2.VerifierOption(verifier)); err != nil {
		t.Fatal(err)
	}
	_, err = p.Exchange(t.Context(), code, oauth2.VerifierOption(verifier))
	refused(t, "twice", err, "invalid_grant")
	_, err = p.Exchange(t.Context(), code)
	refused(t, "no verifier", err, "invalid_request")
}

func (p *program) refreshes(t *testing.T) {
	first := p.tokens(t, "alice")
	old := *first
	old.Expiry = time.Now().Add(-time.Minute)
	source := p.TokenSource(t.Context(), &old)
	response, err := oauth2.NewClient(t.Context(), source).Get(p.publicURL() + "/me")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var me app.Me
	if err := json.NewDecoder(response.Body).Decode(&me); err != nil || response.StatusCode != http.StatusOK || me.Subject != "alice" {
		t.Fatalf("%d %+v %v", response.StatusCode, me, err)
	}
	next, err := source.Token()
	if err != nil {
		t.Fatal(err)
	}
	p.works(t, next, "alice")
	if next.AccessToken == first.AccessToken || next.RefreshToken == first.RefreshToken || next.RefreshToken == "" {
		t.Error("nothing is new")
	}
}

// refresh spends a refresh token.
func (p *program) refresh(ctx context.Context, token string) (*oauth2.Token, error) {
	return p.TokenSource(ctx, &oauth2.Token{RefreshToken: token}).Token()
}

func (p *program) spentRefresh(t *testing.T) {
	first := p.tokens(t, "alice")
	token := first
	for range 2 {
		var err error
		if token, err = p.refresh(t.Context(), token.RefreshToken); err != nil {
			t.Fatal(err)
		}
	}
	_, err := p.refresh(t.Context(), first.RefreshToken)
	refused(t, "an old one", err, "invalid_grant")
	_, err = p.refresh(t.Context(), token.RefreshToken)
	refused(t, "the session after it", err, "invalid_grant")
	_, err = p.refresh(t.Context(), "nonsense")
	refused(t, "one of nobody", err, "invalid_grant")
}
