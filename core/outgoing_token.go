package core

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/outgoing"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
	"golang.org/x/oauth2"
)

// TokenSource returns the tokens that [Auth.Client] sends, for libraries that take a source of package oauth2, such as gRPC's. It does not
// know where a token is sent: that is then on you, and As need not name an origin. Token returns the errors of [Auth.Client], and waits
// until ctx ends, at most twice Timeout plus three seconds. Safe for concurrent use.
func (a *Auth) TokenSource(ctx context.Context, as As) oauth2.TokenSource {
	return &tokenSource{auth: a, ctx: ctx, as: as}
}

type tokenSource struct {
	auth *Auth
	ctx  context.Context //nolint:containedctx // oauth2.TokenSource has no context of its own
	as   As
}

func (s *tokenSource) Token() (*oauth2.Token, error) {
	got, err := s.auth.outgoing(s.ctx, s.ctx, s.as)
	if err != nil {
		return nil, err
	}
	return &oauth2.Token{AccessToken: got.Text, TokenType: "Bearer", Expiry: got.Expires}, nil
}

// tokenMargin is the time for a token beyond two calls to the provider, which are for its documents and for the token.
const tokenMargin = time.Second

// sent is a token to send.
type sent struct {
	outgoing.Token

	key string // in the cache; "" for the caller's own token
}

// outgoing returns a token to present to another service. who has the caller; ctx bounds the time.
func (a *Auth) outgoing(ctx, who context.Context, as As) (sent, error) {
	if err := as.check(); err != nil {
		return sent{}, err
	}
	if a.closed.Load() {
		return sent{}, fault.Down(fault.Service, errClosed)
	}
	if as.caller {
		return a.callerToken(ctx, who, as)
	}
	p := a.named(as.provider)
	if p == nil {
		return sent{}, errAs("At: there is no provider %q", as.provider)
	}
	form := url.Values{"grant_type": {"client_credentials"}}
	return a.obtain(ctx, p, as, form, "")
}

// callerToken returns the caller's own token if it is for the audience, else one that the provider gives for it.
func (a *Auth) callerToken(ctx, who context.Context, as As) (sent, error) {
	found, _ := who.Value(callerKey{}).(*admitted)
	if found == nil || found.token.IsGuest() {
		return sent{}, ErrNoProviderToken
	}
	if verified := found.token.verified(); found.session == nil && !verified.Good(time.Now()) {
		return sent{}, ErrNoProviderToken
	}
	own, err := a.AccessToken(withCaller{ctx, who}) //nolint:contextcheck // it is ctx, with the caller of the other
	switch {
	case err != nil:
		return sent{}, err
	case own == "":
		return sent{}, ErrNoProviderToken
	}
	said := outgoing.Said(own)
	if as.isFor(said) {
		return sent{Token: outgoing.Token{Text: own, Expires: said.Expires}}, nil
	}
	issuer, _ := found.token.Person()
	up, err := a.logins.Upstreams.Of(ctx, issuer)
	switch {
	case err != nil:
		return sent{}, err
	case up == nil:
		return sent{}, ErrNoProviderToken
	}
	form := url.Values{
		"grant_type": {exchangeGrant}, "subject_token": {own}, "subject_token_type": {session.AccessTokenType}, "requested_token_type": {session.AccessTokenType},
	}
	got, err := a.obtain(ctx, a.partyOf(up), as, form, own)
	if fault.Is(err, fault.Grant) {
		return sent{}, ErrNoProviderToken
	}
	return got, err
}

// withCaller is a context with the caller of another one.
type withCaller struct {
	context.Context //nolint:containedctx // it is one

	who context.Context //nolint:containedctx // only its value is used
}

func (c withCaller) Value(key any) any {
	if _, ours := key.(callerKey); ours {
		return c.who.Value(key)
	}
	return c.Context.Value(key)
}

// isFor reports whether a token of the caller is for the service and has every scope.
func (as As) isFor(said outgoing.Claims) bool {
	names := append(slices.Clone(as.resources), as.audience)
	for _, name := range names {
		if name != "" && !slices.Contains(said.Audience, name) {
			return false
		}
	}
	return !slices.ContainsFunc(as.scopes, func(scope string) bool { return !slices.Contains(said.Scopes, scope) })
}

// errPublic says that a public client gets no tokens for other services.
var errPublic = errors.New("core: calls to other services need Config.ClientSecret or Config.ClientKey")

// obtain returns a token of a provider, from the cache or by a request with a form. subject is the caller's token, "" for this service.
func (a *Auth) obtain(ctx context.Context, p *party, as As, form url.Values, subject string) (sent, error) {
	if p.up.Provider.Client.IsPublic() {
		return sent{}, errPublic
	}
	if as.audience != "" {
		form.Set("audience", as.audience)
	}
	if len(as.resources) > 0 {
		form["resource"] = as.resources
	}
	scope := strings.Join(as.scopes, " ")
	if scope != "" {
		form.Set("scope", scope)
	}
	key := outgoing.Key(p.Name, subject, as.audience, strings.Join(as.resources, "\n"), scope)
	token, err := a.tokens.Get(ctx, key, func(ctx context.Context) (token outgoing.Token, err error) {
		if panicked := a.called(ctx, "Config.HTTPClient", func() { token, err = p.obtain(ctx, form) }); panicked != nil {
			err = panicked // it runs in a goroutine of its own, where a panic would end the process
		}
		return token, err
	})
	return sent{Token: token, key: key}, err
}

// obtain asks the provider for a token.
func (p *party) obtain(ctx context.Context, form url.Values) (outgoing.Token, error) {
	meta, err := p.up.Provider.Metadata(ctx)
	switch {
	case err != nil:
		return outgoing.Token{}, fault.Down(fault.Documents, err)
	case meta.Token == "":
		return outgoing.Token{}, &fault.Error{Kind: fault.Unusable, Part: fault.Endpoint, Name: "token_endpoint"}
	}
	began := time.Now()
	answer, err := p.up.Provider.Obtain(ctx, meta, form)
	if err != nil {
		return outgoing.Token{}, err
	}
	return outgoing.Read(answer, began)
}
