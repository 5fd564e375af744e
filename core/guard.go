package core

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// Guard decides who may call a handler. Make one with [Auth.Required] or [Auth.Optional]: the zero value cannot be used. Safe for
// concurrent use.
type Guard struct {
	auth          *Auth
	optional      bool
	rejectInvalid bool
	bearerOnly    bool // accepts no session
	sessionOnly   bool // accepts no bearer token
	noRedirect    bool // never sends a browser to the login
	takesCookies  bool // a request without a bearer token may have a session
	still         bool // requests do not extend the session
	scopes        []string
	stepUp        claims.StepUp // what the login has to be like
	parts         []Requirement // the others
	place         string        // the own route that it guards; "": the application's
}

// Required makes a guard that admits only callers with a valid bearer token, or with Config.Sessions a valid session, who meet every
// requirement, including those of Config.Require. A requirement that can never be met is logged as an error here and refuses everybody.
func (a *Auth) Required(requirements ...Requirement) *Guard {
	return a.noted(a.guard(false, requirements))
}

// Optional makes a guard that admits everybody: a caller without credentials, or whom Required would refuse, is a guest with a nil
// token. With [RejectInvalid], invalid credentials are refused. A panic in a function of the application is a 500 in any case.
func (a *Auth) Optional(requirements ...Requirement) *Guard {
	return a.noted(a.guard(true, requirements))
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
	g.takesCookies = a.browsers != nil && !g.bearerOnly
	return g
}

func (g *Guard) add(r Requirement) {
	switch r.kind {
	case kindNoDefaults:
	case kindBearerOnly:
		g.bearerOnly = true
	case kindSessionOnly:
		g.sessionOnly = true
	case kindNoRedirect:
		g.noRedirect = true
	case kindRejectInvalid:
		g.rejectInvalid = true
	case kindScopes:
		g.scopes = append(g.scopes, r.scopes...)
	case kindStepUp:
		g.addStepUp(r)
	case kindAll:
		for _, part := range r.parts {
			g.add(part) // an option in AllOf means the same as beside it
		}
	case kindNever:
		g.auth.log.Error("a guard refuses everybody", "requirement", r.faultInConfig())
		g.parts = append(g.parts, r)
	default:
		g.parts = append(g.parts, r)
	}
}

// Admit makes the access decision. It returns the caller, or the complete refusal: 401 for missing or invalid credentials and for a login
// that is not enough, 400 for several Authorization headers, 403 for a requirement that is not met and for a request of another site with a
// session, 503 while the provider's keys or the store are unreachable. With Config.Sessions, a person without a session, and one whose login
// does not meet [ACR] or [MaxAge], is redirected to the login instead of the 401. Admit keeps nothing of credentials. It waits only for keys or
// a revocation list that are not cached, for a session that this process does not have in memory, and for one whose claims the provider has
// not confirmed for 24 hours: at most until ctx ends, or Timeout plus one second, not counting the application's functions.
func (g *Guard) Admit(ctx context.Context, credentials Credentials) Decision {
	if probe := probeIn(ctx); probe != nil {
		return probe.stop(g, credentials)
	}
	who, err := g.caller(ctx, credentials)
	if err != nil {
		g.logMisplaced(ctx, credentials, err)
		refusal := g.describe(credentials, refusalOf(err))
		return Decision{Refusal: g.refuse(ctx, credentials, refusal), Err: refusal}
	}
	decision := Decision{Caller: who.token, Session: who.session, auth: g.auth}
	switch {
	case who.session != nil:
		decision.Header = sessionHeader
	case who.token == nil && g.takesCookies:
		decision.Header = guestHeader
	}
	return decision
}

// caller is the result of a guard for an admitted request.
type caller struct {
	token   *IDToken // nil for a guest
	session *Session // nil for a bearer token
}

// caller is Admit without rendering: it returns the caller, or the reason of the refusal.
func (g *Guard) caller(ctx context.Context, credentials Credentials) (caller, error) {
	who, cached, err := g.decide(ctx, &credentials)
	if panicked := g.auth.end(ctx, Event{Kind: eventVerification, Outcome: verificationOutcome(cached, err)}); panicked != nil {
		return caller{}, panicked
	}
	if err != nil {
		g.logRefusal(ctx, credentials, err)
	}
	switch {
	case err == nil:
		return who, nil
	case !g.optional, errors.Is(err, errPanicked), g.rejectInvalid && !fault.Is(err, fault.Missing):
		return caller{}, err
	default:
		return caller{}, nil
	}
}

// decide takes a pointer, like all below it, because the parts of a request do not fit into registers.
func (g *Guard) decide(ctx context.Context, credentials *Credentials) (who caller, cached bool, err error) {
	raw, err := bearer(credentials.values("Authorization"))
	switch {
	case g.sessionOnly || g.takesCookies && err == errNoBearer: //nolint:errorlint // bearer returns this very value, on the hot path
		who.session, cached, err = g.auth.browserCaller(ctx, credentials, !g.still)
		if err == nil {
			who.token = who.session.caller()
		}
	case err == nil:
		who.token, cached, err = g.auth.bearerCaller(ctx, raw)
	}
	if err == nil {
		err = g.meets(ctx, credentials, who.token)
	}
	return who, cached, err
}

// bearerCaller returns the caller of a bearer token.
func (a *Auth) bearerCaller(ctx context.Context, raw string) (token *IDToken, cached bool, err error) {
	if a.closed.Load() && a.broker != nil {
		return nil, false, fault.Down(fault.Service, errClosed)
	}
	verified, cached, err := a.verifier.Access(ctx, raw)
	if err == nil {
		err = a.tenants.check(ctx, verified, fault.Token)
	}
	if err != nil {
		return nil, cached, err
	}
	return idTokenOf(verified), cached, nil
}

// errClosed is the cause of a refusal after Close: the revocation list is not updated any more.
var errClosed = errors.New("the Auth is closed")

// errManyHeaders is the cause of the refusal whose challenge says invalid_request (RFC 6750 section 3.1).
var errManyHeaders = errors.New("several Authorization headers")

// errNoBearer is the fault for a request without a bearer token. It is shared, because every request with a session produces it.
var errNoBearer error = fault.New(fault.Missing, nil)

// bearer returns the token of the header (RFC 6750 section 2.1; the scheme is case-insensitive, RFC 9110 section 11.1). No other part of a
// request is searched for a token.
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
		return "", errNoBearer
	}
	return token, nil
}
