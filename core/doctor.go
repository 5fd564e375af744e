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
// level, wrong ones first, and within a level by check: settings, addresses, provider, store, requests. Whatever cannot be reached is a
// finding and hides no other one; so is a store or a transport that panics.
//
// Call [Auth.Routes] first: Doctor compares PublicURL with the mounted paths, and assumes the default paths if there are none.
//
// Doctor changes nothing in the store or at the provider, and no cache. It fetches the discovery document and the keys anew. To see whether the
// redirect URIs are registered, it begins logins without a browser: requests to the authorization endpoint with prompt=none. To see whether
// ClientID and ClientSecret are good, it sends a made-up code to the token endpoint, and another one as a made-up client; the provider may
// log these as failed logins. It logs nothing but panics, and does not call [Observer].
//
// Doctor makes at most ten requests, one after the other, and reads the store at the same time. Each request takes at most
// Config.Timeout; all end with ctx. Safe for concurrent use.
//
// What Doctor cannot see: tokens, so that only a login shows whether the provider issues JWTs, and puts audience, scopes and roles into
// them. Mistakes that only requests show (opaque tokens, a guard in the wrong place, a refused preflight request, logins and sessions of
// replicas with other SecretKeys) it reports on the instance that got one, for about an hour. The memory of other replicas: in broker mode it
// opens the signing keys in the store, which fails if a replica with other SecretKeys made them; sessions can be found by their cookies
// alone. So it also prints a fingerprint of each of the SecretKeys, 32 bits from which the key cannot be computed, for people to compare.
func (a *Auth) Doctor(ctx context.Context) []Finding {
	parts := []struct {
		name    string
		examine func(context.Context, *findings)
	}{
		{"settings", a.examineSettings}, {"addresses", a.examineAddresses}, {"provider", a.examineProvider}, {"store", a.examineStore},
		{"requests", a.examineRequests},
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
