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

// Inspection is the result of [Auth.Inspect]: what a token contains, and whether a guard accepts it. It is for people to read, and does not
// contain the signature. Do not trust the claims of a token that is not accepted: anybody may have written them.
type Inspection struct {
	Accepted bool           `json:"accepted"`         // a guard with Config.Require and no other requirements accepts the token
	Reason   string         `json:"reason,omitempty"` // why the token is refused; "" if it is accepted
	Header   map[string]any `json:"header"`           // nil if it cannot be decoded
	Claims   map[string]any `json:"claims"`           // nil if they cannot be decoded
	Checks   []TokenCheck   `json:"checks"`           // in the order in which a guard makes them
}

// TokenCheck is one check of a token, part of an [Inspection].
type TokenCheck struct {
	Check   string `json:"check"`            // form, issuer, key, signature, claims, expiry, not before, kind, audience, session or requirement
	Verdict string `json:"verdict"`          // [VerdictPassed], [VerdictRefused] or [VerdictNotReached]
	Says    any    `json:"says"`             // the value in the token: a [time.Time] for a time, otherwise the JSON value; for form, a text about it; nil: absent
	Reason  string `json:"reason,omitempty"` // why this check refuses the token; "" if it does not
	Want    string `json:"want,omitempty"`   // what this check accepts by the configuration; "" if it passed or no setting decides it
	Hint    string `json:"hint,omitempty"`   // what to change; "" if nothing is known
}

// The verdicts of a [TokenCheck].
const (
	VerdictPassed     = "passed"
	VerdictRefused    = "refused"
	VerdictNotReached = "not reached" // the decision was made before this check: another one refused the token, or the keys could not be fetched
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

// Inspect decodes a bearer token and returns what it contains and what each check of a guard finds, for people who want to know why a token
// is refused. It decides as [Auth.Required] with the requirement [BearerOnly] does, so it may fetch the issuer's keys. It does not log the
// decision and does not call [Observer]. Show the result only to people who may read the token. It never returns nil. Safe for concurrent
// use.
func (a *Auth) Inspect(ctx context.Context, token string) *Inspection {
	seen, form := decoded(token)
	g := a.guard(false, []Requirement{BearerOnly})
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
		line := TokenCheck{Check: "requirement", Says: seen.judged(err), Verdict: VerdictNotReached}
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
		want := attr.Value.String()
		if list, ok := attr.Value.Any().([]string); ok {
			want = strings.Join(list, ", ")
		}
		switch {
		case attr.Key == "hint":
			c.Hint = want
		case c.Want != "": // a login of some kinds, and its age
			c.Want += "; " + want
		default:
			c.Want = want
		}
	}
}

// judged returns the claims that a requirement is about, as far as one can say: the scopes, or what is known of the login.
func (i *Inspection) judged(err error) any {
	if err != nil && refusalOf(err).stepUp != nil {
		return map[string]any{"acr": i.Claims["acr"], "auth_time": moment(i.Claims["auth_time"])}
	}
	return firstOf(i.Claims["scope"], i.Claims["scp"])
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
