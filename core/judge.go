package core

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// verdict is the result of one requirement.
type verdict struct {
	met    bool
	scopes []string       // not met, but a token with these scopes would meet it
	stepUp *claims.StepUp // not met, but a login like this would meet it
	err    error          // it could not be checked
}

// judge checks one requirement. It runs on every request and must not allocate unless it refuses.
func (g *Guard) judge(ctx context.Context, credentials *Credentials, token *IDToken, r *Requirement) verdict {
	switch r.kind {
	case kindScopes:
		met, err := g.auth.covers(ctx, token, r.scopes)
		if met || err != nil {
			return verdict{met: met, err: err}
		}
		return verdict{scopes: r.scopes}
	case kindClaims:
		return verdict{met: r.met(token)}
	case kindCheck:
		var met bool
		err := g.auth.called(ctx, r.name, func() { met = r.met(token) })
		return verdict{met: met && err == nil, err: err}
	case kindStepUp:
		if g.isEnough(token, &r.stepUp) {
			return verdict{met: true}
		}
		return verdict{stepUp: &r.stepUp}
	case kindBearerOnly:
		return verdict{met: token.token.Raw != ""}
	case kindSessionOnly: // a session's claims are no token
		return verdict{met: token.token.Raw == ""}
	case kindCheckRequest:
		return g.checkRequest(ctx, credentials, token, r)
	case kindAll:
		return g.judgeAll(ctx, credentials, token, r.parts)
	case kindAny:
		return g.judgeAny(ctx, credentials, token, r.parts)
	default:
		return verdict{}
	}
}

func (g *Guard) checkRequest(ctx context.Context, credentials *Credentials, token *IDToken, r *Requirement) verdict {
	var met bool
	var err error
	own := credentials.request().credentials()
	if panicked := g.auth.called(ctx, r.name, func() { met, err = r.request(ctx, own, token) }); panicked != nil {
		return verdict{err: panicked}
	}
	if err != nil {
		return verdict{err: fault.Down(fault.Permissions, fmt.Errorf("%s: %w", r.name, err))}
	}
	return verdict{met: met}
}

// judgeAll continues after a missing scope and after a login that is not enough, to find out whether nothing else is missing.
func (g *Guard) judgeAll(ctx context.Context, credentials *Credentials, token *IDToken, parts []Requirement) verdict {
	all := verdict{met: true}
	for i := range parts {
		switch part := g.judge(ctx, credentials, token, &parts[i]); {
		case part.met:
		case part.scopes != nil || part.stepUp != nil:
			all.met = false
			all.scopes = claims.Distinct(append(slices.Clip(all.scopes), part.scopes...))
			joined, ok := joinStepUps(all.stepUp, part.stepUp)
			if !ok {
				return verdict{}
			}
			all.stepUp = joined
		default:
			return part
		}
	}
	return all
}

// judgeAny stops at the first requirement that is met. A function that panics refuses the request, whatever the others say.
func (g *Guard) judgeAny(ctx context.Context, credentials *Credentials, token *IDToken, parts []Requirement) verdict {
	var none verdict
	for i := range parts {
		part := g.judge(ctx, credentials, token, &parts[i])
		if part.met || errors.Is(part.err, errPanicked) {
			return part
		}
		if none.err == nil {
			none.err = part.err
		}
		if none.stepUp == nil && part.scopes == nil {
			none.stepUp = part.stepUp
		}
		if none.scopes == nil {
			none.scopes = part.scopes
		}
	}
	if none.stepUp != nil { // the caller can do that at once
		none.scopes = nil
	}
	return none
}

// permit judges a token that is about to be issued, without a request.
func (g *Guard) permit(token *IDToken) error {
	return g.meets(context.Background(), &Credentials{}, token)
}

// meets checks the guard's scopes before everything else, as the Python library does, and the login last.
func (g *Guard) meets(ctx context.Context, credentials *Credentials, token *IDToken) error {
	if met, err := g.auth.covers(ctx, token, g.scopes); !met || err != nil {
		return g.lacksScopes(ctx, token, g.scopes)
	}
	var stepUp *claims.StepUp
	for i := range g.parts {
		if g.parts[i].kind == kindClaims && g.parts[i].met(token) { // most are: no verdict is needed
			continue
		}
		switch part := g.judge(ctx, credentials, token, &g.parts[i]); {
		case part.met:
		case part.err != nil:
			return part.err
		case part.scopes != nil:
			return g.lacksScopes(ctx, token, claims.Distinct(append(slices.Clip(g.scopes), part.scopes...)))
		default:
			joined, ok := joinStepUps(stepUp, part.stepUp)
			if part.stepUp == nil || !ok {
				e := insufficient(lacksClaims)
				e.want = []slog.Attr{slog.String("want_requirement", g.parts[i].name)}
				return e
			}
			stepUp = joined
		}
	}
	return g.meetsStepUp(token, stepUp)
}

const lacksClaims = "Insufficient permissions based on token claims."

// covers reports whether the token has all of the wanted scopes, or others that imply them. It runs on every request and must not allocate
// for scopes that the token has.
func (a *Auth) covers(ctx context.Context, token *IDToken, wanted []string) (bool, error) {
	for _, scope := range wanted {
		if has, err := a.hasScope(ctx, token, scope); !has || err != nil {
			return false, err
		}
	}
	return true, nil
}

func (a *Auth) hasScope(ctx context.Context, token *IDToken, wanted string) (bool, error) {
	if slices.Contains(token.token.Scopes, wanted) {
		return true, nil
	}
	return a.implies(ctx, token.token.Scopes, wanted)
}

// implies asks Config.ScopeImplies about each of the granted scopes.
func (a *Auth) implies(ctx context.Context, granted []string, wanted string) (implied bool, err error) {
	if a.cfg.ScopeImplies == nil {
		return false, nil
	}
	err = a.called(ctx, "Config.ScopeImplies", func() {
		implied = slices.ContainsFunc(granted, func(scope string) bool { return a.cfg.ScopeImplies(scope, wanted) })
	})
	return implied && err == nil, err
}

// lacksScopes returns a refusal that names the missing scopes, and in its challenge all required ones (RFC 6750 section 3). With
// Config.Resources that are those of every requirement, so that a client asks for them once. An error of Config.ScopeImplies is returned as it
// is.
func (g *Guard) lacksScopes(ctx context.Context, token *IDToken, needed []string) error {
	if g.auth.resources != nil {
		needed = claims.Distinct(append(slices.Clip(needed), g.wants(token.token.Scopes)...))
	}
	var missing []string
	for _, scope := range needed {
		has, err := g.auth.hasScope(ctx, token, scope)
		if err != nil {
			return err
		}
		if !has {
			missing = append(missing, scope)
		}
	}
	slices.Sort(missing)
	e := insufficient("Token missing required scopes: " + strings.Join(missing, ", "))
	e.scope = strings.Join(needed, " ")
	e.want = []slog.Attr{slog.Any("want_scopes", needed)}
	return e
}

func insufficient(detail string) *Error {
	return &Error{Status: http.StatusForbidden, Code: CodeInsufficientScope, Detail: detail, kind: fault.Lacking}
}
