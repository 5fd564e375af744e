package core

import (
	"context"
	"fmt"
	"slices"
	"sync"
)

// Level is the severity of a [Finding].
type Level string

// The levels of findings.
const (
	FindingOK    Level = "ok"    // this is correct
	FindingNote  Level = "note"  // information, or something to check or do at the provider; Doctor cannot see whether it is wrong
	FindingWrong Level = "wrong" // this does not work, or will soon stop working
)

// Finding is one result of [Auth.Doctor]. No field contains a token or a secret. Of what the provider sends, a finding only quotes registered
// error codes and an issuer that is a plain URL, never a free text.
type Finding struct {
	Check string `json:"check"` // what was checked: "discovery", "keys", "redirect URI" and others
	Level Level  `json:"level"`
	Text  string `json:"text"` // what was found, in one sentence
	Line  string `json:"line"` // the line to write into the Config, or the address to register at the provider; "" if there is nothing to do
}

// Doctor checks the configuration, the provider and the store, and returns what is right and what is wrong, each wrong thing with the line to
// write. It sorts the findings by level, wrong ones first, and within a level by part: settings, addresses, provider, store, requests. If the
// provider or the store cannot be reached, or the store or the HTTP transport panics, that is a finding, and the other checks still run.
//
// Call [Auth.Routes] first: Doctor compares PublicURL with the mounted paths, and assumes the default paths if there are none.
//
// Doctor changes nothing in the store, at the provider and in the caches of this process. It fetches the discovery document and the keys anew.
// To see whether the redirect URIs are registered, it sends requests with prompt=none to the authorization endpoint, which begin a login
// without a browser. To see whether the provider accepts ClientID and ClientSecret, it sends a made-up code to the token endpoint, and one
// more with a made-up client ID. The provider may log these requests as failed logins. Doctor logs only panics and a ClientKey that does not
// sign, and does not call [Observer].
//
// For each provider Doctor makes at most ten requests, six more if logins are pushed, one after the other, and reads the store at the same time. Each request
// takes at most Config.Timeout; all end with ctx. Safe for concurrent use.
//
// Doctor has limits:
//
//   - It sees no tokens. Only a login shows whether the provider issues JWTs, and whether these contain the audience, scopes and roles.
//   - Some mistakes show only in requests: opaque tokens, a guard in the wrong place, a refused preflight request, logins and sessions of
//     replicas with other SecretKeys. Doctor reports these on the instance that received such a request, for about an hour.
//   - It does not see the configuration of other replicas. In broker mode it decrypts the signing keys in the store, which fails if a replica
//     with other SecretKeys made them. For sessions there is no such check. So Doctor also prints a fingerprint of each of the SecretKeys, 32
//     bits from which nobody can compute the key: compare those of all replicas.
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
