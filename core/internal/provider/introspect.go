package provider

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// GoogleTokenInfo is the endpoint at which Google says what an access token is. Google has no introspection endpoint.
const GoogleTokenInfo = "https://oauth2.googleapis.com/tokeninfo" //nolint:gosec // an address

// lookupPause is how long nothing is looked up after a 429 that does not say how long to wait.
const (
	lookupPause    = 10 * time.Second
	maxLookupPause = 5 * time.Minute
)

// Lookup says where the provider is asked about access tokens, and as which client.
type Lookup struct {
	Client   Client
	Endpoint string // empty: the one in the discovery document
	Check    string // the settings of the client's credentials, for the log
	// Signed: an answer that is no JWT is refused (RFC 9701).
	Signed bool
	// Open verifies a JWT with one of the algorithms, for an answer to a request of that time. It returns what it says about the token. The
	// error is a fault: of kind Token if it is not accepted, else an outage.
	Open func(ctx context.Context, raw string, algorithms []string, asked time.Time) (strictjson.Object, error)
	// TokenInfo: the endpoint is Google's, which answers without authentication of a client.
	TokenInfo bool
}

// Introspect returns what the provider says about an active access token (RFC 7662), and nil for a token that is not active. The error is
// a fault: an outage if it does not answer or does not accept this client, else of kind Unusable or Internal.
func (p *Provider) Introspect(ctx context.Context, l Lookup, token string) (*fetch.Answer, error) {
	ctx, end := p.cfg.Observe.Call(ctx, observe.Lookup)
	answer, err := p.introspect(ctx, l, token)
	end(err)
	p.lookups.Seen(ctx, err)
	return answer, err
}

func (p *Provider) introspect(ctx context.Context, l Lookup, token string) (*fetch.Answer, error) {
	if l.TokenInfo {
		return p.tokenInfo(ctx, cmp.Or(l.Endpoint, GoogleTokenInfo), token)
	}
	meta, err := p.Metadata(ctx)
	if err != nil {
		return nil, fault.Down(fault.Documents, err)
	}
	address := cmp.Or(l.Endpoint, meta.Introspection)
	if address == "" {
		return nil, &fault.Error{Kind: fault.Unusable, Part: fault.Endpoint, Name: "introspection_endpoint"}
	}
	methods := meta.lookupMethods
	if len(methods) == 0 {
		methods = meta.authMethods
	}
	asked := time.Now()
	request, err := p.requestAs(ctx, l.Client, methods, meta, address, url.Values{"token": {token}, "token_type_hint": {"access_token"}})
	if err != nil {
		return nil, lookupFault(err)
	}
	request.Header.Set("Accept", l.accept(meta))
	answer, err := fetch.Do(p.client, request)
	switch {
	case err != nil:
		return nil, lookupFault(err)
	case answer.Status >= 400:
		return nil, notAsked(address, answer, l.Check)
	case answer.Signed:
		if answer, err = l.open(ctx, address, answer, meta.SignedLookups, asked); err != nil {
			return nil, err
		}
	case l.Signed:
		return nil, badAnswer(address, "the provider's answer about a token is not signed", nil, "Config.Introspection.Signed")
	}
	switch active, _ := answer.Object.Get("active"); active {
	case "true":
		return answer, nil
	case "false":
		return nil, nil
	default: // absent, or of another type
		return nil, fault.Bad(fault.Provider, answer.Bad(fetch.ReasonMalformed))
	}
}

// Verifies reports whether signatures with an algorithm can be verified here.
func Verifies(algorithm string) bool { return jose.IsSupported(algorithm) }

// accept returns the header Accept: a JWT if only that counts, or first a JWT if the provider announces an algorithm that can be verified.
// It sends JSON all the same to a client for which no algorithm is registered (RFC 9701 section 6).
func (l Lookup) accept(meta *Metadata) string {
	const plain = "application/json"
	switch {
	case l.Signed:
		return fetch.SignedAnswer
	case slices.ContainsFunc(meta.SignedLookups, Verifies):
		return fetch.SignedAnswer + ", " + plain + ";q=0.5"
	default:
		return plain
	}
}

// open verifies a signed answer and returns what it says about the token. Everything else in it is of no concern.
func (l Lookup) open(ctx context.Context, address string, answer *fetch.Answer, algorithms []string, asked time.Time) (*fetch.Answer, error) {
	object, err := l.Open(ctx, string(answer.Text), algorithms, asked)
	switch f := fault.Find(err); {
	case err == nil:
	case f == nil || f.Kind != fault.Token:
		return nil, err
	default: // the caller is not at fault
		why := append([]slog.Attr{slog.String("reason", f.Err.Error())}, f.Want...)
		return nil, badAnswer(address, "the provider's signed answer about a token is not accepted", why, l.Check)
	}
	opened := *answer
	opened.Object, opened.Text, opened.Signed = object, []byte(object.Text()), false
	return &opened, nil
}

// badAnswer returns the fault for an answer that cannot be relied on.
func badAnswer(address, text string, why []slog.Attr, check string) error {
	return fault.Bad(fault.Provider, &trouble.Mistake{Text: text, Attrs: append(why, slog.String("host", fetch.HostOf(address))), Check: check})
}

// tokenInfo asks Google. It answers 400 and invalid_token for a token that is not active.
func (p *Provider) tokenInfo(ctx context.Context, address, token string) (*fetch.Answer, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(url.Values{"access_token": {token}}.Encode()))
	if err != nil {
		return nil, lookupFault(badAddress(address))
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer, err := fetch.Do(p.client, request)
	switch {
	case err != nil:
		return nil, lookupFault(err)
	case answer.Status == http.StatusBadRequest && codeOf(answer) == "invalid_token":
		return nil, nil
	case answer.Status >= 400:
		return nil, notAsked(address, answer, "Config.Tokens")
	}
	if _, timed := answer.Object.Get("exp"); !timed { // every answer has it; without it this is something else
		return nil, fault.Bad(fault.Provider, answer.Bad(fetch.ReasonMalformed))
	}
	return answer, nil
}

// lookupFault returns the fault for a lookup without a usable answer.
func lookupFault(err error) error {
	f := fault.Find(callFault(err))
	if f.Kind != fault.Outage || f.Part != fault.Provider {
		return f
	}
	down := fault.Down(fault.Lookup, f.Err)
	if failed := fetch.Fault("", err); failed.Status == http.StatusTooManyRequests || failed.After > 0 {
		down.After = min(cmp.Or(failed.After, lookupPause), maxLookupPause)
	}
	return down
}

// notAsked returns the fault for an endpoint that does not answer this client. The caller is not at fault: its token was not looked at.
func notAsked(address string, answer *fetch.Answer, check string) error {
	return fault.Down(fault.Lookup, &trouble.Mistake{
		Text:  "the provider refuses to say whether a token is active",
		Attrs: []slog.Attr{slog.String("code", known(codeOf(answer))), slog.String("host", fetch.HostOf(address)), slog.Int("status", answer.Status)},
		Check: check,
	})
}
