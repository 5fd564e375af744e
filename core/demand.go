package core

import (
	"context"
	"errors"
	"log/slog"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// errDemand is the cause of a refusal by [Demand] that no caller can avoid: the requirement is a mistake of the program.
var errDemand = errors.New("a requirement of Demand that cannot be judged inside a handler")

// unguarded judges callers whom no guard has put into the context, as in a test with [WithIDToken]. It has no settings and no log.
var unguarded = &Auth{cfg: new(Config), log: slog.New(slog.DiscardHandler)}

// Demand makes the decision of a guard inside a handler, about the caller whom the guard of that handler has admitted: for servers where one
// path carries many operations, such as JSON-RPC, GraphQL or MCP. ctx is the request's context, or one made from it. It returns nil if the caller
// meets every requirement. Otherwise the error is an [*Error] with the status, the texts and the challenge of a guard with these
// requirements: 403 for what the caller lacks, 401 for a guest and without a guard. Send it with [Auth.Answer], or with Refuse of the adapter.
//
// Config.Require is not judged again. [BearerOnly] and [SessionOnly] are conditions here. [CheckRequest], the other options of a guard and
// requirements that can never be met are mistakes: they are logged as an error, and the answer is a 500. Without a requirement, Demand only
// refuses guests. Safe for concurrent use.
func Demand(ctx context.Context, requirements ...Requirement) error {
	found, _ := ctx.Value(callerKey{}).(*admitted)
	if found == nil {
		found = &admitted{}
	}
	g := &Guard{auth: found.auth, place: "Demand"}
	if g.auth == nil {
		g.auth = unguarded
	}
	if err := g.demand(ctx, found.token, requirements); err != nil {
		g.logRefusal(ctx, Credentials{}, err)
		return g.describe(Credentials{}, refusalOf(err)) // with the scopes that only this guard knows
	}
	return nil
}

func (g *Guard) demand(ctx context.Context, token *IDToken, requirements []Requirement) error {
	for _, r := range requirements {
		switch {
		case r.kind == kindNever || r.isOption() || r.asksRequest():
			g.auth.log.ErrorContext(ctx, "a handler demands what cannot be judged there", "requirement", r.faultInDemand())
			return fault.New(fault.Internal, errDemand)
		case r.kind == kindScopes:
			g.scopes = append(g.scopes, r.scopes...)
		default: // not Guard.add: BearerOnly and SessionOnly would become options of a guard, which nothing judges here
			g.parts = append(g.parts, r)
		}
	}
	if token.IsGuest() {
		return errNoBearer
	}
	return g.meets(ctx, &Credentials{}, token)
}

func (r Requirement) faultInDemand() string {
	switch {
	case r.isOption():
		return "NoDefaults, RejectInvalid and NoRedirect are options of a guard"
	case r.asksRequest():
		return r.name + ": there is no request to check: use it in the guard"
	default:
		return r.faultInConfig()
	}
}
