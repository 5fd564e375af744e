package claims

import (
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// ReadSignedAnswer reads the verified claims of an introspection answer to a client (RFC 9701 section 5) and returns the claim
// token_introspection. asked is when the issuer was asked: an older answer is one to another request. The error is one of the
// reasons of package fault.
func ReadSignedAnswer(object strictjson.Object, issuer, client string, asked, now time.Time, leeway time.Duration) (said strictjson.Object, err error) {
	const member = "token_introspection"
	got, errIssuer := object.String("iss")
	audience, errAudience := object.Strings("aud")
	said, errSaid := object.Object(member)
	switch {
	case object.FoldsTo("iss", "aud", "iat", "exp", "nbf", member), errIssuer != nil, errAudience != nil, errSaid != nil, !said.Exists():
		return strictjson.Object{}, fault.ErrClaims
	case got != issuer:
		return strictjson.Object{}, fault.ErrIssuer
	case !slices.Contains(audience, client):
		return strictjson.Object{}, fault.ErrAudience
	}
	if err := answerTimes(object, asked, now, leeway); err != nil {
		return strictjson.Object{}, err
	}
	return said, nil
}

// answerTimes checks iat, which is required, and nbf and exp, which such an answer should not have (RFC 9701 section 5).
func answerTimes(object strictjson.Object, asked, now time.Time, leeway time.Duration) error {
	iat, hasIat, errIat := object.Number("iat", false)
	nbf, _, errNbf := object.Number("nbf", false)
	exp, hasExp, errExp := object.Number("exp", false)
	switch {
	case errIat != nil, errNbf != nil, errExp != nil, !hasIat:
		return fault.ErrClaims
	case Time(max(iat, nbf)).After(now.Add(leeway)):
		return fault.ErrNotYetValid
	case Time(iat).Add(time.Second + leeway).Before(asked), hasExp && !Time(exp).Add(leeway).After(now): // iat is in whole seconds
		return fault.ErrExpired
	default:
		return nil
	}
}
