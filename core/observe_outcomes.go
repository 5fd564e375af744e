package core

import (
	"errors"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyring"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
)

// Outcomes of verifications. The table reasons has those of refused tokens.
const (
	outcomeOK           = "ok"
	outcomeCached       = "cached" // a token that was verified before
	outcomeNoToken      = "no_token"
	outcomeBadRequest   = "bad_request"  // two headers
	outcomeForeign      = "foreign"      // a request of another site, with a session
	outcomeInsufficient = "insufficient" // a valid token that does not meet a requirement
	outcomeOutage       = "outage"       // a 503: provider, store or keys are unreachable
	outcomeFailed       = "failed"       // a fault of this service, or an unusable answer
)

// Outcomes of logins, refreshes, fetches and calls, in addition to those above.
const (
	outcomePending     = "pending" // the user of a device has not answered yet
	outcomeRefused     = "refused" // by this service or by the provider
	outcomeUnreachable = "unreachable"
	outcomeUnusable    = "unusable"
)

const (
	grantCallback = "callback"
	grantCode     = "code"
	grantDevice   = "device"
	grantExchange = "exchange"

	grantUndecided = "undecided" // the form does not contain exactly one grant
)

var (
	logins  = []string{grantCallback, grantCode, grantDevice, grantExchange, grantUndecided}
	endings = []string{outcomeOK, outcomeRefused, outcomeOutage, outcomeFailed}
)

// reasons lists the words for the causes of a refused token, for events and for the log.
var reasons = []struct {
	cause error
	word  string
}{
	{ErrMalformed, "malformed"},
	{ErrTokenKind, "wrong_kind"},
	{ErrIssuer, "issuer"},
	{ErrUnknownKey, "unknown_key"},
	{ErrSignature, "bad_signature"},
	{ErrExpired, "expired"},
	{ErrNotYetValid, "not_yet_valid"},
	{ErrClaims, "bad_claims"},
	{ErrAudience, "audience"},
	{ErrInactive, "inactive"},
	{ErrRevoked, "revoked"},
}

func verificationOutcomes() []string {
	all := []string{outcomeOK, outcomeCached, outcomeNoToken, outcomeBadRequest}
	for _, reason := range reasons {
		all = append(all, reason.word)
	}
	return append(all, outcomeForeign, outcomeInsufficient, outcomeOutage, outcomeFailed)
}

// verificationOutcome returns how a guard judged one request. It must not allocate: it runs on every request.
func verificationOutcome(cached bool, err error) string {
	switch {
	case err != nil:
		return refusalOutcome(err)
	case cached:
		return outcomeCached
	default:
		return outcomeOK
	}
}

func refusalOutcome(err error) string {
	switch kindOf(err) {
	case fault.Missing:
		return outcomeNoToken
	case fault.Request:
		return outcomeBadRequest
	case fault.Foreign:
		return outcomeForeign
	case fault.Ended: // a session, or a cookie that never was one
		return reasonOf(ErrRevoked)
	case fault.Lacking:
		return outcomeInsufficient
	case fault.Token:
		return reasonOf(err)
	case fault.Outage:
		return outcomeOutage
	default:
		return outcomeFailed
	}
}

// reasonOf returns the word for the cause of a fault of kind Token.
func reasonOf(err error) string {
	for _, reason := range reasons {
		if errors.Is(err, reason.cause) {
			return reason.word
		}
	}
	return outcomeFailed // cannot happen: every such fault has a reason
}

// endingOf returns how a login or a refresh ended. "pending" is a refusal unless it answers a device.
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

// exchangeOutcome returns how a fetch or a call ended. Every error of a store counts as unreachable, except a key that cannot be
// decrypted. Only a call can be refused.
func exchangeOutcome(kind, part string, err error) string {
	switch {
	case err == nil:
		return outcomeOK
	case errors.Is(err, keyring.ErrSealed):
		return outcomeUnusable
	case slices.Contains([]string{observe.SigningKeys, observe.Revocations}, part), fetch.IsOutage(err), fault.Is(err, fault.Outage):
		return outcomeUnreachable
	case fault.Is(err, fault.Pending):
		return outcomePending
	case kind == observe.Call && !errors.Is(err, fetch.ErrNonsense) && !fault.Is(err, fault.Unusable):
		return outcomeRefused
	default:
		return outcomeUnusable
	}
}
