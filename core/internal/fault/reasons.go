package fault

import "errors"

// The reasons why a token is not accepted: the causes of faults of kind [Token]. Package core exports them.
var (
	ErrMalformed   = errors.New("not a well-formed signed token")
	ErrTokenKind   = errors.New("not an access token")
	ErrIssuer      = errors.New("wrong issuer")
	ErrUnknownKey  = errors.New("the issuer publishes no key for this token")
	ErrSignature   = errors.New("the signature or the algorithm does not match the key")
	ErrExpired     = errors.New("expired")
	ErrNotYetValid = errors.New("not yet valid")
	ErrClaims      = errors.New("a required claim is missing, or a claim has the wrong type")
	ErrAudience    = errors.New("wrong audience")
	ErrInactive    = errors.New("the provider does not call the token active")
	ErrRevoked     = errors.New("the token's session has ended")
)
