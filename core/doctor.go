package core

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Level says how much a [Finding] matters.
type Level string

// The levels of findings.
const (
	FindingOK    Level = "ok"    // as it should be
	FindingNote  Level = "note"  // to know, or to do at the provider; Doctor cannot see whether it is wrong
	FindingWrong Level = "wrong" // does not work, or not for long
)

// Finding is one result of [Auth.Doctor]. No field contains a token, a secret or a free text of the provider: of its texts, only
// registered error codes and an issuer that is a plain URL are shown.
type Finding struct {
	Check string `json:"check"` // what was checked: "discovery", "keys", "redirect URI" and others
	Level Level  `json:"level"`
	Text  string `json:"text"` // one sentence
	Line  string `json:"line"` // the line to write into the Config, or the address to register at the provider; "" if there is nothing to do
}

// Doctor examines the configuration, the provider and the store, and says what is wrong, with the line to write. It sorts the findings by
// level, wrong ones first, and within a level by check: settings, addresses, provider, store. It never returns an error: what cannot be
// reached is a finding, and hides no other one.
//
// Doctor changes nothing in the store or at the provider. It reads the discovery document and the keys anew, begins logins without
// a browser (a request to the authorization endpoint with prompt=none) to see whether the redirect URIs are registered, and sends a made-up code
// to the token endpoint to see whether ClientID and ClientSecret are good; the provider may log that request as a failed login. It logs
// nothing and does not call [Observer]. Call [Auth.Routes] before: Doctor compares PublicURL with the mounted paths. Without
// it, it takes the default paths.
//
// Each request takes at most Config.Timeout; all end with ctx. Safe for concurrent use.
//
// It cannot see tokens: whether the provider puts the audience, the scopes and the roles into them, and whether they are JWTs, shows only a
// login. It cannot see the memory of other replicas. In broker mode it opens the signing keys in the store, which fails if another
// replica with other SecretKeys made them; without broker mode no row can be found without a cookie, so that it prints a fingerprint of the
// keys, which must be the same on each replica.
func (a *Auth) Doctor(ctx context.Context) []Finding {
	parts := []struct {
		name    string
		examine func(context.Context, *findings)
	}{
		{"settings", a.examineSettings}, {"addresses", a.examineAddresses}, {"provider", a.examineProvider}, {"store", a.examineStore},
	}
	results := make([]findings, len(parts))
	var wait sync.WaitGroup
	for i, part := range parts {
		wait.Add(1)
		go func() {
			defer wait.Done()
			if err := a.called(ctx, "a store or transport, in Doctor", func() { part.examine(ctx, &results[i]) }); err != nil {
				results[i].wrong(part.name, "", "The %s could not be examined: the store or the transport of Config.HTTPClient panicked; the log has the stack.", part.name)
			}
		}()
	}
	wait.Wait()
	return bySeverity(slices.Concat(results...))
}

// bySeverity sorts findings by level and keeps their order within one.
func bySeverity(list findings) []Finding {
	order := []Level{FindingWrong, FindingNote, FindingOK}
	slices.SortStableFunc(list, func(one, other Finding) int {
		return slices.Index(order, one.Level) - slices.Index(order, other.Level)
	})
	return list
}

// findings collects the results of one part.
type findings []Finding

func (f *findings) ok(check, format string, args ...any) { f.add(check, FindingOK, "", format, args) }

func (f *findings) note(check, line, format string, args ...any) {
	f.add(check, FindingNote, line, format, args)
}

func (f *findings) wrong(check, line, format string, args ...any) {
	f.add(check, FindingWrong, line, format, args)
}

func (f *findings) add(check string, level Level, line, format string, args []any) {
	*f = append(*f, Finding{Check: check, Level: level, Text: fmt.Sprintf(format, args...), Line: line})
}
