package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

const aboutToken = `token reads a token from standard input, shows what it contains, and says which check of the configuration refuses it, and why.
It reads the environment variables DISCOVERY_URL and CLIENT_ID; flags override them. For the tokens that a service in broker mode issues, write
-issuer with the service's PublicURL, -jwks-url with the address of its keys, and -audience. The signature is never printed.
The exit status is 1 if the token is refused.`

// maxInput is the most that token reads, in bytes; no guard accepts a token of this size.
const maxInput = 64 << 10

// token tells what a token contains, and which check refuses it.
func token(ctx context.Context, args []string, s streams) error {
	var c settings
	var asJSON bool
	flags := newFlags("token", aboutToken)
	c.define(flags, s.env)
	flags.BoolVar(&asJSON, "json", false, "print the inspection as JSON")
	if err := parse(flags, args, s.out); err != nil {
		return err
	}
	if c.issuer != "" && c.jwks != "" {
		c.discovery = "" // of another provider than the one to ask
	}
	auth, err := core.New(c.config(s)) //nolint:contextcheck // New calls nobody
	if err != nil {
		return misused("%s", strings.Join(faults(err), "\n"))
	}
	defer func() { _ = auth.Close() }()
	raw, err := readToken(s.in)
	if err != nil {
		return err
	}
	seen := auth.Inspect(ctx, raw)
	if asJSON {
		err = writeJSON(s.out, seen)
	} else {
		_, err = io.WriteString(s.out, inspectionText(seen))
	}
	if err == nil && !seen.Accepted {
		err = errFound
	}
	return err
}

// readToken reads a token, as people copy it: alone, with its scheme, or a whole Authorization header.
func readToken(in io.Reader) (string, error) {
	text, err := io.ReadAll(io.LimitReader(in, maxInput+1))
	switch {
	case err != nil:
		return "", err
	case len(text) > maxInput:
		return "", misused("standard input has more than %d KiB: no token is that long", maxInput>>10)
	}
	raw := strings.Trim(strings.TrimSpace(string(text)), `"'`)
	for _, before := range []string{"Authorization:", "Bearer "} {
		if len(raw) >= len(before) && strings.EqualFold(raw[:len(before)], before) {
			raw = strings.TrimSpace(raw[len(before):])
		}
	}
	if raw == "" {
		return "", misused("there is no token on standard input")
	}
	return raw, nil
}

var marks = map[string]string{core.VerdictPassed: "✓", core.VerdictRefused: "✗", core.VerdictNotReached: "·"}

// inspectionText writes an inspection for a person.
func inspectionText(seen *core.Inspection) string {
	var text strings.Builder
	writeParts(&text, "header", seen.Header)
	writeParts(&text, "claims", seen.Claims)
	text.WriteString("checks\n")
	for _, check := range seen.Checks {
		fmt.Fprintf(&text, "  %s %-11s %s\n", marks[check.Verdict], check.Check, shown(check.Says))
		if check.Reason != "" {
			fmt.Fprintf(&text, "      %s\n", printable(check.Reason))
		}
		if check.Want != "" {
			fmt.Fprintf(&text, "      accepted would be: %s\n", printable(check.Want))
		}
		if check.Hint != "" {
			fmt.Fprintf(&text, "      → %s\n", printable(check.Hint))
		}
	}
	if seen.Accepted {
		text.WriteString("\naccepted\n")
	} else {
		fmt.Fprintf(&text, "\nrefused: %s\n", printable(seen.Reason))
	}
	return text.String()
}

func writeParts(text *strings.Builder, name string, parts map[string]any) {
	text.WriteString(name + "\n")
	if parts == nil {
		text.WriteString("  cannot be decoded\n")
	}
	for _, key := range slices.Sorted(maps.Keys(parts)) {
		value := shown(parts[key])
		if seconds, ok := parts[key].(float64); ok && slices.Contains([]string{"exp", "iat", "nbf", "auth_time"}, key) {
			value += "  (" + shown(time.Unix(int64(seconds), 0)) + ")"
		}
		fmt.Fprintf(text, "  %-11s %s\n", printable(key), value)
	}
}

// shown writes a value of a token in one line.
func shown(value any) string {
	switch v := value.(type) {
	case nil:
		return "none"
	case string:
		return printable(v)
	case time.Time:
		return v.UTC().Format("2006-01-02 15:04:05 UTC")
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	}
	text, err := json.Marshal(value)
	if err != nil {
		return "cannot be written"
	}
	return printable(string(text))
}
