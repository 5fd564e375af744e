package core

import (
	"errors"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// How a guard judged a token.
const (
	outcomeCached       = "cached" // it came before
	outcomeNoToken      = "no_token"
	outcomeBadRequest   = "bad_request"   // two headers
	outcomeMalformed    = "malformed"     // no token that this library reads
	outcomeWrongKind    = "wrong_kind"    // no access token, or one for somebody else
	outcomeUnknownKey   = "unknown_key"   // the issuer has no such key, or nobody trusts the issuer
	outcomeBadSignature = "bad_signature" // or an algorithm that is not the key's
	outcomeBadClaims    = "bad_claims"    // expired, not yet valid, of another issuer, mistyped
	outcomeRevoked      = "revoked"       // its session has ended
	outcomeInsufficient = "insufficient"  // a good token that lacks scopes or claims
)

// How an answer ended that is no guard's.
const (
	outcomePending = "pending" // a device's user has not answered yet
	outcomeRefused = "refused" // the caller's fault, or the provider says no
	outcomeOutage  = "outage"  // a 503: provider, store or keys are out of reach
	outcomeFailed  = "failed"  // an answer that nobody can use, or a fault of this service
)

const (
	grantCallback = "callback"
	grantCode     = "code"
	grantDevice   = "device"
	grantExchange = "exchange"

	grantUndecided = "undecided" // a form that does not come to one grant
)

var verifications = []string{
	outcomeOK, outcomeCached, outcomeNoToken, outcomeBadRequest, outcomeMalformed, outcomeWrongKind, outcomeUnknownKey,
	outcomeBadSignature, outcomeBadClaims, outcomeRevoked, outcomeInsufficient, outcomeOutage,
}

var (
	logins    = []string{grantCallback, grantCode, grantDevice, grantExchange, grantUndecided}
	endings   = []string{outcomeOK, outcomeRefused, outcomeOutage, outcomeFailed}
	atDevices = []string{outcomePending}
)

// verified tells how a guard judged one request. It makes nothing: this is the way of every request.
func (m metrics) verified(remembered bool, err error) {
	switch {
	case m == nil:
	case err != nil:
		m.tell("verification", "", refusalOutcome(err))
	case remembered:
		m.tell("verification", "", outcomeCached)
	default:
		m.tell("verification", "", outcomeOK)
	}
}

func refusalOutcome(err error) string {
	switch kindOf(err) {
	case fault.Missing:
		return outcomeNoToken
	case fault.Request:
		return outcomeBadRequest
	case fault.Lacking:
		return outcomeInsufficient
	case fault.Token:
		return tokenOutcome(err)
	default:
		return outcomeOutage
	}
}

func tokenOutcome(err error) string {
	for _, class := range []struct {
		cause   error
		outcome string
	}{
		{ErrMalformed, outcomeMalformed}, {ErrTokenKind, outcomeWrongKind}, {ErrAudience, outcomeWrongKind}, {ErrUnknownKey, outcomeUnknownKey},
		{ErrSignature, outcomeBadSignature}, {ErrRevoked, outcomeRevoked},
	} {
		if errors.Is(err, class.cause) {
			return class.outcome
		}
	}
	return outcomeBadClaims
}

// login tells how a login ended, by which grant it came.
func (m metrics) login(part string, err error) {
	if m != nil {
		m.tell("login", part, endingOf(part, err))
	}
}

// refreshed tells how a refresh ended.
func (m metrics) refreshed(err error) {
	if m != nil {
		m.tell("refresh", "", endingOf("", err))
	}
}

// endingOf: a provider that answers "pending" to anything but a device has refused it.
func endingOf(part string, err error) string {
	outcome := answerOutcome(err)
	if outcome == outcomePending && part != grantDevice {
		return outcomeRefused
	}
	return outcome
}

func answerOutcome(err error) string {
	if err == nil {
		return outcomeOK
	}
	switch kindOf(err) {
	case fault.Pending:
		return outcomePending
	case fault.Outage:
		return outcomeOutage
	case fault.Unusable, fault.Client, fault.Internal:
		return outcomeFailed
	default:
		return outcomeRefused
	}
}
