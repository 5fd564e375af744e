package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// check is one check of a token: what it is about, what the token says, and the reasons for which core refuses it there.
type check struct {
	name    string
	says    func(parts) any
	reasons []error
}

// checks lists what a guard checks, in its order. The kind is checked first in the header and last in the claims.
var checks = []check{
	{"form", func(p parts) any { return p.form }, []error{core.ErrMalformed}},
	{"issuer", func(p parts) any { return p.Claims["iss"] }, []error{core.ErrIssuer}},
	{"key", func(p parts) any { return p.Header["kid"] }, []error{core.ErrUnknownKey}},
	{"signature", func(p parts) any { return p.Header["alg"] }, []error{core.ErrSignature}},
	{"claims", func(p parts) any { return p.Claims["sub"] }, []error{core.ErrClaims}},
	{"expiry", func(p parts) any { return moment(p.Claims["exp"]) }, []error{core.ErrExpired}},
	{"not before", func(p parts) any { return moment(firstOf(p.Claims["nbf"], p.Claims["iat"])) }, []error{core.ErrNotYetValid}},
	{"kind", func(p parts) any { return p.Header["typ"] }, []error{core.ErrTokenKind}},
	{"audience", func(p parts) any { return p.Claims["aud"] }, []error{core.ErrAudience}},
	{"session", func(p parts) any { return p.Claims["sid"] }, []error{core.ErrRevoked}},
}

// parts is a token without its signature, for a person to read: it decides nothing.
type parts struct {
	Header map[string]any `json:"header"`
	Claims map[string]any `json:"claims"`
	form   string
}

// judged is one line of the inspector.
type judged struct {
	Check   string `json:"check"`
	Verdict string `json:"verdict"` // passed, refused or not reached
	Says    any    `json:"says"`
	Reason  string `json:"reason,omitempty"`
}

// inspection is the answer of the inspector. It never has the token.
type inspection struct {
	Service string   `json:"service"`
	Verdict string   `json:"verdict"`
	Good    bool     `json:"good"`
	Checks  []judged `json:"checks"`
	parts
}

// judge has the service's guard decide about a token.
func (s *service) judge(ctx context.Context, token string) core.Decision {
	return s.bearers.Admit(ctx, core.Credentials{
		Method: http.MethodGet, Target: s.Path + "/me", Header: http.Header{"Authorization": {"Bearer " + token}},
	})
}

// inspect tells what the service's guard says of a token, check by check.
func (s *service) inspect(ctx context.Context, token string) inspection {
	decision, seen := s.judge(ctx, token), partsOf(token)
	answer := inspection{Service: s.Name, parts: seen, Verdict: "accepted", Good: decision.Err == nil}
	if decision.Err != nil {
		answer.Verdict = "refused: " + reasonOf(decision.Err)
	}
	at := failed(decision.Err)
	for i, check := range checks {
		line := judged{Check: check.name, Says: check.says(seen), Verdict: "not reached"}
		switch {
		case decision.Err == nil || at >= 0 && i < at && !errors.Is(decision.Err, core.ErrTokenKind): // of a wrong kind nobody knows how far it came
			line.Verdict = "passed"
		case i == at:
			line.Verdict, line.Reason = "refused", reasonOf(decision.Err)
		}
		answer.Checks = append(answer.Checks, line)
	}
	return answer
}

// failed returns which of the checks a refusal is about, -1 for none: the keys could not be fetched, say.
func failed(refusal *core.Error) int {
	for i, check := range checks {
		for _, reason := range check.reasons {
			if refusal != nil && errors.Is(refusal, reason) {
				return i
			}
		}
	}
	return -1
}

// reasonOf returns the library's words for a refusal.
func reasonOf(refusal *core.Error) string {
	at := failed(refusal)
	if at < 0 {
		return refusal.Error()
	}
	return checks[at].reasons[0].Error()
}

// partsOf decodes header and claims, as far as they can be decoded.
func partsOf(token string) parts {
	words := strings.Split(token, ".")
	p := parts{form: map[bool]string{true: "three parts", false: "not three parts"}[len(words) == 3]}
	for i, into := range []*map[string]any{&p.Header, &p.Claims} {
		if i < len(words) {
			text, err := base64.RawURLEncoding.DecodeString(words[i])
			if err != nil || json.Unmarshal(text, into) != nil {
				p.form += ", not all of it is JSON"
			}
		}
	}
	return p
}

func keyOf(token string) string {
	kid, _ := partsOf(token).Header["kid"].(string)
	return kid
}

// moment writes a NumericDate (RFC 7519 section 2) for a person.
func moment(value any) any {
	seconds, ok := value.(float64)
	if !ok {
		return value
	}
	return time.Unix(int64(seconds), 0).Format("15:04:05, 2 Jan 2006")
}

func firstOf(values ...any) any {
	for _, value := range values {
		if value != nil {
			return value
		}
	}
	return nil
}
