package core

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// Inspection is the answer of [Auth.Inspect]: what a token says, and what a guard says of it. It is for a person to read, and shows no
// signature; the claims of a token that is not accepted are what anybody may have written.
type Inspection struct {
	Accepted bool           `json:"accepted"`
	Reason   string         `json:"reason,omitempty"` // why it is refused
	Header   map[string]any `json:"header"`           // nil if it cannot be decoded
	Claims   map[string]any `json:"claims"`           // nil if they cannot be decoded
	Checks   []TokenCheck   `json:"checks"`           // in the order of the guard
}

// TokenCheck is one check of a token.
type TokenCheck struct {
	Check   string `json:"check"`            // what it is about: "issuer", "audience" …
	Verdict string `json:"verdict"`          // one of the Verdict constants
	Says    any    `json:"says"`             // what the token has there: text, a list of texts, a [time.Time], or nil
	Reason  string `json:"reason,omitempty"` // why it is refused here
	Want    string `json:"want,omitempty"`   // what would be accepted, if a setting says so
	Hint    string `json:"hint,omitempty"`   // what to change
}

// The verdicts of a [TokenCheck].
const (
	VerdictPassed     = "passed"
	VerdictRefused    = "refused"
	VerdictNotReached = "not reached" // another check refused the token before
)

// tokenChecks lists what a guard checks, in its order. The kind is checked first in the header and last in the claims.
var tokenChecks = []struct {
	name   string
	says   func(*Inspection, string) any
	reason error
}{
	{"form", func(_ *Inspection, form string) any { return form }, ErrMalformed},
	{"issuer", func(i *Inspection, _ string) any { return i.Claims["iss"] }, ErrIssuer},
	{"key", func(i *Inspection, _ string) any { return i.Header["kid"] }, ErrUnknownKey},
	{"signature", func(i *Inspection, _ string) any { return i.Header["alg"] }, ErrSignature},
	{"claims", func(i *Inspection, _ string) any { return i.Claims["sub"] }, ErrClaims},
	{"expiry", func(i *Inspection, _ string) any { return moment(i.Claims["exp"]) }, ErrExpired},
	{"not before", func(i *Inspection, _ string) any { return moment(firstOf(i.Claims["nbf"], i.Claims["iat"])) }, ErrNotYetValid},
	{"kind", func(i *Inspection, _ string) any { return i.Header["typ"] }, ErrTokenKind},
	{"audience", func(i *Inspection, _ string) any { return i.Claims["aud"] }, ErrAudience},
	{"session", func(i *Inspection, _ string) any { return i.Claims["sid"] }, ErrRevoked},
}

// Inspect tells a person what the guards of this service say of a bearer token, check by check, and what the token contains. The decision
// is that of [Auth.Required] with [BearerOnly], so it may fetch the issuer's keys; it is neither logged nor observed. Do not show it to
// callers who cannot read the token anyway. Safe for concurrent use.
func (a *Auth) Inspect(ctx context.Context, token string) *Inspection {
	seen, form := decoded(token)
	g := a.Required(BearerOnly)
	_, _, err := g.decide(ctx, &Credentials{Method: http.MethodGet, Header: http.Header{"Authorization": {"Bearer " + token}}})
	if fault.Is(err, fault.Missing) { // an empty token
		err = fault.New(fault.Token, ErrMalformed)
	}
	at := -1 // of the check that refuses; -1 if it is about none: the keys could not be fetched, say
	for i, check := range tokenChecks {
		if errors.Is(err, check.reason) {
			at = i
		}
	}
	met := kindOf(err) == fault.Lacking // every check of the token itself passed
	for i, check := range tokenChecks {
		line := TokenCheck{Check: check.name, Says: check.says(seen, form), Verdict: VerdictNotReached}
		switch {
		case err == nil || met || i < at && !errors.Is(err, ErrTokenKind): // of a wrong kind nobody knows how far it came
			line.Verdict = VerdictPassed
		case i == at:
			line.refuse(err, check.reason.Error())
		}
		seen.Checks = append(seen.Checks, line)
	}
	if len(a.cfg.Require) > 0 {
		line := TokenCheck{Check: "requirement", Says: firstOf(seen.Claims["scope"], seen.Claims["scp"]), Verdict: VerdictNotReached}
		if err == nil {
			line.Verdict = VerdictPassed
		} else if met {
			line.refuse(err, refusalOf(err).Detail)
		}
		seen.Checks = append(seen.Checks, line)
	}
	seen.conclude(err)
	return seen
}

// conclude sets the decision and its reason: that of the check that refused, or the refusal's text.
func (i *Inspection) conclude(err error) {
	if i.Accepted = err == nil; i.Accepted {
		return
	}
	i.Reason = refusalOf(err).Error()
	for _, check := range i.Checks {
		if check.Verdict == VerdictRefused {
			i.Reason = check.Reason
		}
	}
}

// refuse marks the check that refused the token.
func (c *TokenCheck) refuse(err error, reason string) {
	c.Verdict, c.Reason = VerdictRefused, reason
	switch {
	case errors.Is(err, ErrTokenKind):
		c.Hint = "send the access token: an ID token is for the client that logged in, and a refresh token for the token route"
	case errors.Is(err, ErrMalformed):
		c.Hint = "an access token that is not a JWT can be read by its provider alone: have the provider issue JWTs for this service, or use Config.Broker or Config.Sessions, which need none"
	}
	for _, attr := range wanted(err) {
		if attr.Key == "hint" {
			c.Hint = attr.Value.String()
		} else if list, ok := attr.Value.Any().([]string); ok {
			c.Want = strings.Join(list, ", ")
		} else {
			c.Want = attr.Value.String()
		}
	}
}

// decoded returns header and claims, as far as they can be decoded, and what the form of the token is.
func decoded(token string) (seen *Inspection, form string) {
	words := strings.Split(token, ".")
	seen, form = new(Inspection), "not three parts"
	if len(words) == 3 {
		form = "three parts"
	}
	for i, into := range []*map[string]any{&seen.Header, &seen.Claims} {
		if i < len(words) {
			text, err := base64.RawURLEncoding.DecodeString(words[i])
			if err != nil || json.Unmarshal(text, into) != nil {
				form += ", not all of it is JSON"
			}
		}
	}
	return seen, form
}

// lastMoment is the end of the year 9999, after which a time has no text (RFC 3339).
const lastMoment = 253402300799

// moment reads a NumericDate (RFC 7519 section 2); any other value stays as it is.
func moment(value any) any {
	seconds, ok := value.(float64)
	if !ok || seconds < 0 || seconds > lastMoment {
		return value
	}
	return time.Unix(int64(seconds), 0)
}

func firstOf(values ...any) any {
	for _, value := range values {
		if value != nil {
			return value
		}
	}
	return nil
}
