package main

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// inspection is the answer of the inspector. It never has the token.
type inspection struct {
	Service string            `json:"service"`
	Verdict string            `json:"verdict"`
	Good    bool              `json:"good"`
	Checks  []core.TokenCheck `json:"checks"`
	Header  map[string]any    `json:"header"`
	Claims  map[string]any    `json:"claims"`
}

// inspect tells what the service's guard says of a token, check by check.
func (s *service) inspect(ctx context.Context, token string) inspection {
	seen := s.auth.Inspect(ctx, token)
	answer := inspection{Service: s.Name, Verdict: "accepted", Good: seen.Accepted, Checks: seen.Checks, Header: seen.Header, Claims: seen.Claims}
	if !seen.Accepted {
		answer.Verdict = "refused: " + seen.Reason
	}
	for i, check := range answer.Checks {
		if at, ok := check.Says.(time.Time); ok {
			answer.Checks[i].Says = at.Format("15:04:05, 2 Jan 2006")
		}
	}
	return answer
}

// keyOf returns the key id of a token.
func keyOf(token string) string {
	word, _, _ := strings.Cut(token, ".")
	var header struct{ Kid string }
	text, err := base64.RawURLEncoding.DecodeString(word)
	if err != nil || json.Unmarshal(text, &header) != nil {
		return ""
	}
	return header.Kid
}
