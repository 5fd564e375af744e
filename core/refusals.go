package core

import (
	"errors"
	"net/http"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
)

// The reasons why a token is rejected, for [errors.Is] on a refusal. The client sees the same text for all of them.
var (
	ErrMalformed   = fault.ErrMalformed   // not a signed JWT that this library can parse
	ErrTokenKind   = fault.ErrTokenKind   // not a bearer access token: an ID token, a refresh token, a key-bound token, …
	ErrIssuer      = fault.ErrIssuer      // the claim iss is not an accepted issuer
	ErrUnknownKey  = fault.ErrUnknownKey  // the issuer does not publish the key
	ErrSignature   = fault.ErrSignature   // the signature or the algorithm does not match the key
	ErrExpired     = fault.ErrExpired     // exp is in the past
	ErrNotYetValid = fault.ErrNotYetValid // nbf or iat is in the future
	ErrClaims      = fault.ErrClaims      // a registered claim is missing or has the wrong type
	ErrAudience    = fault.ErrAudience    // issued for another service
	ErrInactive    = fault.ErrInactive    // the provider does not call the opaque token active
	ErrRevoked     = fault.ErrRevoked     // the session of the token has ended
)

// outageRetry is the Retry-After while the provider is unreachable: the same pause as between our own attempts.
const outageRetry = 10 * time.Second

// refusalOf returns the answer to an error. It is the only place that turns an error into a status and a text. An error
// that is neither a fault nor an *Error becomes a 500.
func refusalOf(err error) *Error {
	var made *Error
	if errors.As(err, &made) {
		return made
	}
	if errors.Is(err, ErrNoProviderToken) {
		return noProviderToken(err)
	}
	f := fault.Find(err)
	if f == nil {
		f = fault.New(fault.Internal, err)
	}
	e := answerTo(f)
	e.kind, e.Err = f.Kind, err
	return e
}

// noProviderToken answers a caller for whom the provider's token is missing. That is good for this service but not for what was asked, and a
// login mends it: so it is a 401, and a person is led to the login. A 403 would say that this caller may never do it.
func noProviderToken(err error) *Error {
	const detail = "No access token of the provider is known for this caller: log in again."
	return &Error{Status: http.StatusUnauthorized, Code: CodeInvalidToken, Detail: detail, people: "Your login is too old for this. Log in again.", Err: err, kind: fault.Ended}
}

// kindOf returns the kind of a fault or of an *Error made from one.
func kindOf(err error) fault.Kind {
	var made *Error
	if errors.As(err, &made) {
		return made.kind
	}
	return fault.Of(err)
}

// answerTo maps each kind of fault to its status, code and text.
func answerTo(f *fault.Error) *Error {
	switch f.Kind {
	case fault.Token:
		return &Error{Status: http.StatusUnauthorized, Code: CodeInvalidToken, Detail: "Invalid token"}
	case fault.Missing:
		return &Error{Status: http.StatusUnauthorized, Code: CodeInvalidRequest, Detail: "Not authenticated", people: "You are not logged in."}
	case fault.Ended:
		return &Error{Status: http.StatusUnauthorized, Code: CodeInvalidGrant, Detail: "Session expired or not found. Please re-authenticate.", people: "Your session has ended. Log in again."}
	case fault.Foreign:
		return &Error{Status: http.StatusForbidden, Code: CodeAccessDenied, Detail: "A request of another site is not taken."}
	case fault.Target:
		return badRequest(CodeInvalidTarget, "invalid_target: tokens are issued for this service alone")
	case fault.Subject: // RFC 8693 section 2.2.2
		return badRequest(CodeInvalidGrant, "Invalid token")
	case fault.NotOffered:
		return badRequest(CodeUnsupportedGrantType, "unsupported_grant_type: this grant_type is not offered")
	case fault.Nobody:
		return &Error{Status: http.StatusForbidden, Code: CodeAccessDenied, Detail: "The provider does not say who this user is."}
	case fault.State:
		e := badRequest(CodeInvalidRequest, "The login state is not valid: begin the login again.")
		e.people = "This login took too long, was begun in another window, or was used already. Log in again."
		return e
	case fault.Login:
		return badRequest(CodeInvalidGrant, "invalid_grant: the provider's ID token is not valid for this login")
	case fault.Weak:
		return errWeak()
	case fault.Grant, fault.Pending, fault.Refused:
		return badRequest(f.Code, f.Code+": "+refusals[f.Code])
	case fault.Client:
		return &Error{Status: http.StatusBadGateway, Code: CodeServerError, Detail: "The OIDC provider refused this service's request."}
	case fault.Unusable:
		return &Error{Status: http.StatusBadGateway, Code: CodeServerError, Detail: unusable(f)}
	case fault.Outage:
		e := outageOf(f.Part)
		if f.After > 0 {
			e.RetryAfter = f.After
		}
		return e
	default:
		return &Error{Status: http.StatusInternalServerError, Code: CodeServerError, Detail: "Internal error."}
	}
}

// refusals maps the provider's error codes that concern the caller to texts of this library. Any other code means that the
// provider rejected this service's own request.
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

// outageOf answers a temporary failure: without a code, so that a polling client keeps polling.
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
		e.Detail, e.RetryAfter = "Another refresh of this session is still in progress.", time.Second
	case fault.Service:
		e.Detail = "The service is shutting down."
	case fault.Signer:
		e.Detail = "The service cannot sign its request to the OIDC provider now."
	case fault.Lookup:
		e.Detail = "The OIDC provider cannot be asked about the token."
	case fault.Tenants:
		e.Detail = "The service cannot look up the issuer of the token now."
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
