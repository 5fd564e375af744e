package core

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
)

// The reasons for which a token is not accepted, for [errors.Is] on a refusal. A client sees one text for all of them.
var (
	ErrMalformed   = fault.ErrMalformed   // not a signed token that this library reads
	ErrTokenKind   = fault.ErrTokenKind   // an ID token, a refresh token, one bound to a key, or of an issuer's other use
	ErrIssuer      = fault.ErrIssuer      // the claim iss names nobody whose tokens are accepted
	ErrUnknownKey  = fault.ErrUnknownKey  // the issuer publishes no such key
	ErrSignature   = fault.ErrSignature   // the signature or the algorithm does not fit the key
	ErrExpired     = fault.ErrExpired     // exp has passed
	ErrNotYetValid = fault.ErrNotYetValid // nbf or iat lies ahead
	ErrClaims      = fault.ErrClaims      // a registered claim is missing or has another type
	ErrAudience    = fault.ErrAudience    // issued for another service
	ErrRevoked     = fault.ErrRevoked     // the session of the token was ended
)

// outageRetry is what clients are told to wait when the provider is out of reach: the pause between two tries of ours.
const outageRetry = 10 * time.Second

// refusalOf gives the answer to an error: the only place that turns what went wrong into a status and a text. What is
// neither a fault nor an answer already is a 500.
func refusalOf(err error) *Error {
	var made *Error
	if errors.As(err, &made) {
		return made
	}
	f := fault.Find(err)
	if f == nil {
		f = fault.New(fault.Internal, err)
	}
	e := answerTo(f)
	e.kind, e.Err = f.Kind, err
	return e
}

// kindOf says what happened, whether an answer was made of it already or not.
func kindOf(err error) fault.Kind {
	var made *Error
	if errors.As(err, &made) {
		return made.kind
	}
	return fault.Of(err)
}

// answerTo has the status, the code and the text of each kind of fault.
func answerTo(f *fault.Error) *Error {
	switch f.Kind {
	case fault.Token:
		return &Error{Status: http.StatusUnauthorized, Code: CodeInvalidToken, Detail: "Invalid token"}
	case fault.Missing:
		return &Error{Status: http.StatusUnauthorized, Code: CodeInvalidRequest, Detail: "Not authenticated"}
	case fault.Ended:
		return &Error{Status: http.StatusUnauthorized, Code: CodeInvalidGrant, Detail: "Session expired or not found. Please re-authenticate."}
	case fault.Target:
		return badRequest(CodeInvalidTarget, "invalid_target: tokens are issued for this service alone")
	case fault.Subject: // RFC 8693 section 2.2.2
		return badRequest(CodeInvalidGrant, "Invalid token")
	case fault.NotOffered:
		return badRequest(CodeUnsupportedGrantType, "unsupported_grant_type: this grant_type is not offered")
	case fault.Nobody:
		return &Error{Status: http.StatusForbidden, Code: CodeAccessDenied, Detail: "The provider does not say who this user is."}
	case fault.State:
		return badRequest(CodeInvalidRequest, "The login state is not valid: begin the login again.")
	case fault.Login:
		return badRequest(CodeInvalidGrant, "invalid_grant: the provider's ID token is not valid for this login")
	case fault.Grant, fault.Pending, fault.Refused:
		return badRequest(f.Code, f.Code+": "+refusals[f.Code])
	case fault.Client:
		return &Error{Status: http.StatusBadGateway, Code: CodeServerError, Detail: "The OIDC provider refused this service's request."}
	case fault.Unusable:
		return &Error{Status: http.StatusBadGateway, Code: CodeServerError, Detail: unusable(f)}
	case fault.Outage:
		return outageOf(f.Part)
	default:
		return &Error{Status: http.StatusInternalServerError, Code: CodeServerError, Detail: "Internal error."}
	}
}

// refusals are the provider's codes that are the caller's business, with our own words for each. Any other one means
// that the provider does not want this service's request.
var refusals = map[string]string{
	CodeAuthorizationPending: "the user has not answered yet",
	CodeSlowDown:             "polled too fast, wait 5 seconds longer from now on",
	CodeExpiredToken:         "the device code has expired",
	CodeAccessDenied:         "the user or the provider refused",
	CodeInvalidGrant:         "the code or token is not valid, was used, or has expired",
	CodeInvalidScope:         "the requested scope is not available",
}

func unusable(f *fault.Error) string {
	switch f.Part {
	case fault.TokenType:
		return "The OIDC provider gave a token of a type that this service cannot use."
	case fault.Person:
		return "The OIDC provider does not say who logged in."
	case fault.Size:
		return "The OIDC provider says more about this user than a token can hold."
	case fault.Endpoint:
		return "OIDC endpoint '" + f.Name + "' not found in discovery."
	case fault.Member:
		return "upstream_malformed_response, missing: " + f.Name
	default:
		return "The OIDC provider gave an unusable answer."
	}
}

// outageOf is an answer for what may be over in a moment: no code, so that a polling client goes on polling.
func outageOf(part fault.Part) *Error {
	e := &Error{Status: http.StatusServiceUnavailable, RetryAfter: outageRetry}
	switch part {
	case fault.Documents:
		e.Detail = "OIDC server unavailable."
	case fault.Keys:
		e.Detail = "OIDC server unavailable, cannot validate token."
	case fault.PeerKeys:
		e.Detail = "The keys of the token's issuer are out of reach, cannot validate token."
	case fault.Store:
		e.Detail, e.RetryAfter = "The session store is not available.", session.StorePause
	case fault.Session:
		e.Detail, e.RetryAfter = "Another refresh of this session has not come to an end.", time.Second
	case fault.Service:
		e.Detail = "The service is shutting down."
	case fault.Permissions:
		e.Detail = "The service cannot check permissions now."
	default:
		e.Detail = "The OIDC provider cannot be reached."
	}
	return e
}

func badRequest(code, detail string) *Error {
	return &Error{Status: http.StatusBadRequest, Code: code, Detail: detail, kind: fault.Request}
}
