package core

import (
	"context"
	"errors"
	"net/http"
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
	never         bool
	scopes        []string
	checks        []func(*IDToken) bool
}

// Required makes a guard that lets only callers pass whose bearer token is valid and meets every requirement, those of
// Config.Require too. A requirement that nobody can meet is logged as an error here, and refuses everybody.
func (a *Auth) Required(requirements ...Requirement) *Guard {
	return a.guard(false, requirements)
}

// Optional makes a guard that lets everybody pass: a caller whose token Required would refuse, or who brings none, is a
// guest, with a nil token. [RejectInvalid] refuses a bad token instead.
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
		switch r.kind {
		case kindScopes:
			g.scopes = append(g.scopes, r.scopes...)
		case kindClaims:
			g.checks = append(g.checks, r.met)
		case kindRejectInvalid:
			g.rejectInvalid = true
		case kindNever:
			g.never = true
			a.log.Error("a guard refuses everybody", "requirement", r.faultInConfig())
		case kindNoDefaults:
		}
	}
	g.scopes = claims.Distinct(g.scopes)
	return g
}

// Admit is the access decision, the only one. authorization is the values of the request's Authorization header, all of
// them; Admit keeps nothing of it. It returns who calls, nil for a guest, or an [*Error]: 401 for a token that is
// missing or bad, 400 for two headers, 403 for a requirement not met, 503 while the provider's keys are out of reach.
// It waits for the provider only when the token's key is not known yet, never longer than ctx or Timeout and a second.
func (g *Guard) Admit(ctx context.Context, authorization []string) (*IDToken, error) {
	token, err := g.admit(ctx, authorization)
	if err == nil {
		return token, nil
	}
	if !g.optional {
		return nil, refusalOf(err)
	}
	if g.rejectInvalid && !fault.Is(err, fault.Missing) {
		return nil, refusalOf(err)
	}
	return nil, nil
}

func (g *Guard) admit(ctx context.Context, authorization []string) (*IDToken, error) {
	token, cached, err := g.judge(ctx, authorization)
	g.auth.metrics.verified(cached, err)
	return token, err
}

func (g *Guard) judge(ctx context.Context, authorization []string) (*IDToken, bool, error) {
	raw, err := bearer(authorization)
	if err != nil {
		return nil, false, err
	}
	verified, cached, err := g.auth.verifier.Access(ctx, raw)
	if err != nil {
		return nil, cached, err
	}
	token := idTokenOf(verified)
	return token, cached, g.permit(token)
}

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

// permit judges scopes before claims, as the reference does.
func (g *Guard) permit(token *IDToken) error {
	var missing []string
	for _, scope := range g.scopes {
		if !slices.Contains(token.token.Scopes, scope) {
			missing = append(missing, scope)
		}
	}
	if len(missing) > 0 {
		slices.Sort(missing)
		e := insufficient("Token missing required scopes: " + strings.Join(missing, ", "))
		e.scope = strings.Join(g.scopes, " ")
		return e
	}
	if g.never {
		return insufficient("Insufficient permissions based on token claims.")
	}
	for _, met := range g.checks {
		if !met(token) {
			return insufficient("Insufficient permissions based on token claims.")
		}
	}
	return nil
}

func insufficient(detail string) *Error {
	return &Error{Status: http.StatusForbidden, Code: CodeInsufficientScope, Detail: detail, kind: fault.Lacking}
}
