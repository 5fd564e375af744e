package fault

import "errors"

// Why a token is not accepted: the causes of faults of kind [Token]. Package core exports them.
var (
	ErrMalformed   = errors.New("not a signed token that can be read")
	ErrTokenKind   = errors.New("not an access token")
	ErrIssuer      = errors.New("another issuer")
	ErrUnknownKey  = errors.New("no key of the issuer for this token")
	ErrSignature   = errors.New("the signature, or the algorithm, does not fit the key")
	ErrExpired     = errors.New("expired")
	ErrNotYetValid = errors.New("not yet valid")
	ErrClaims      = errors.New("a claim is missing or has another type than it must have")
	ErrAudience    = errors.New("another audience")
	ErrRevoked     = errors.New("its session has ended")
)
