package core

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// Guard decides whether a caller may pass. Made by [Auth.Required] and [Auth.Optional]; safe for concurrent use.
type Guard struct {
	auth          *Auth
	optional      bool
	rejectInvalid bool
	scopes        []string
	parts         []Requirement // the others
	place         string        // the own route that it guards; "": the application's
}

// Required makes a guard that lets only callers pass whose bearer token is valid and meets every requirement, those of
// Config.Require too. A requirement that nobody can meet is logged as an error here, and refuses everybody.
func (a *Auth) Required(requirements ...Requirement) *Guard {
	return a.guard(false, requirements)
}

// Optional makes a guard that lets everybody pass: a caller whose token Required would refuse, or who brings none, is a
// guest, with a nil token. [RejectInvalid] refuses a bad token instead. A function of the application that panics is a 500 all
// the same.
func (a *Auth) Optional(requirements ...Requirement) *Guard {
	return a.guard(true, requirements)
}

func (a *Auth) guard(optional bool, requirements []Requirement) *Guard {
	g := &Guard{auth: a, optional: optional}
	isNoDefaults := func(r Requirement) bool { return r.kind == kindNoDefaults }
	if !slices.ContainsFunc(requirements, isNoDefaults) {
		requirements = append(slices.Clone(a.cfg.Require), requirements...)
	}
	for _, r := range requirements {
		g.add(r)
	}
	g.scopes = claims.Distinct(g.scopes)
	return g
}

func (g *Guard) add(r Requirement) {
	switch r.kind {
	case kindNoDefaults, kindBearerOnly:
	case kindRejectInvalid:
		g.rejectInvalid = true
	case kindScopes:
		g.scopes = append(g.scopes, r.scopes...)
	case kindAll:
		for _, part := range r.parts {
			g.add(part)
		}
	case kindNever:
		g.auth.log.Error("a guard refuses everybody", "requirement", r.faultInConfig())
		g.parts = append(g.parts, r)
	default:
		g.parts = append(g.parts, r)
	}
}

// Admit is the access decision, the only one. It looks at the request's credentials, of which it keeps nothing, and gives who
// calls, or the whole answer that refuses: 401 for a token that is missing or bad, 400 for two Authorization headers, 403
// for a requirement not met, 503 while the provider's keys are out of reach. It waits for the provider only when the
// token's key is not known yet, never longer than ctx or Timeout and a second, besides what OnError needs.
func (g *Guard) Admit(ctx context.Context, credentials Credentials) Decision {
	token, err := g.caller(ctx, credentials)
	if err != nil {
		refusal := refusalOf(err)
		return Decision{Refusal: g.auth.answer(ctx, credentials, refusal), Err: refusal}
	}
	return Decision{Caller: token, auth: g.auth}
}

// caller is Admit for who renders the refusal: it returns who calls, nil for a guest, or the reason for a refusal.
func (g *Guard) caller(ctx context.Context, credentials Credentials) (*IDToken, error) {
	token, cached, err := g.decide(ctx, credentials)
	if panicked := g.auth.end(ctx, Event{eventVerification, "", verificationOutcome(cached, err)}); panicked != nil {
		return nil, panicked
	}
	if err != nil {
		g.logRefusal(ctx, credentials, err)
	}
	switch {
	case err == nil:
		return token, nil
	case !g.optional, errors.Is(err, errPanicked), g.rejectInvalid && !fault.Is(err, fault.Missing):
		return nil, err
	default:
		return nil, nil
	}
}

func (g *Guard) decide(ctx context.Context, credentials Credentials) (token *IDToken, cached bool, err error) {
	raw, err := bearer(credentials.values("Authorization"))
	if err != nil {
		return nil, false, err
	}
	if g.auth.closed.Load() {
		return nil, false, fault.Down(fault.Service, errClosed)
	}
	verified, cached, err := g.auth.verifier.Access(ctx, raw)
	if err != nil {
		return nil, cached, err
	}
	token = idTokenOf(verified)
	return token, cached, g.meets(ctx, credentials, token)
}

// errClosed is the cause of a refusal after Close: the revocation list would stay as it is for ever.
var errClosed = errors.New("the Auth is closed")

// errManyHeaders marks the refusal of RFC 6750 section 3.1 that carries a challenge with invalid_request.
var errManyHeaders = errors.New("several Authorization headers")

// bearer takes the token out of the header (RFC 6750 section 2.1; the scheme's case does not matter, RFC 9110 section
// 11.1). Nothing else of a request is ever looked at for a token.
func bearer(authorization []string) (string, error) {
	if len(authorization) > 1 {
		e := badRequest(CodeInvalidRequest, "Several Authorization headers.")
		e.Err = errManyHeaders
		return "", e
	}
	const scheme = "Bearer "
	var token string
	if len(authorization) == 1 && len(authorization[0]) > len(scheme) && strings.EqualFold(authorization[0][:len(scheme)], scheme) {
		token = strings.Trim(authorization[0][len(scheme):], " ")
	}
	if token == "" {
		return "", fault.New(fault.Missing, nil)
	}
	return token, nil
}
