package verify

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

var errAnswerType = errors.New("the JWT has not the type of an introspection answer")

// SignedAnswer verifies an introspection answer that is a JWT for a client (RFC 9701 section 5), and returns what it says about the token.
// algorithms are those that the issuer announces for such answers; none: that of the key. asked is when the issuer was asked.
// The error is a fault of kind Token with its reason, or an outage.
func (i *Issuer) SignedAnswer(ctx context.Context, raw, client string, algorithms []string, asked time.Time) (said strictjson.Object, err error) {
	token, err := jose.Parse(raw)
	switch {
	case err != nil:
		return strictjson.Object{}, fault.New(fault.Token, err)
	case !isAnyOf(token.Typ, "token-introspection+jwt", "application/token-introspection+jwt"):
		return strictjson.Object{}, fault.New(fault.Token, errAnswerType)
	case !token.Supported(), !i.maySignWith(token.Alg), len(algorithms) > 0 && !slices.ContainsFunc(algorithms, func(alg string) bool { return isSameAlgorithm(alg, token.Alg) }):
		return strictjson.Object{}, fault.New(fault.Token, fault.ErrSignature)
	}
	name, err := i.name(ctx)
	if err != nil {
		return strictjson.Object{}, err
	}
	_, object, err := i.signed(ctx, &token)
	if err != nil {
		return strictjson.Object{}, err
	}
	said, err = claims.ReadSignedAnswer(object, name, client, asked, time.Now(), i.Rules.Leeway)
	if err != nil {
		return strictjson.Object{}, fault.New(fault.Token, err)
	}
	return said, nil
}
