package session

import (
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/clocks"
	"github.com/go-oidc-auth/oidcauth/core/internal/feed"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// providerEnds are the back-channel logouts, and the ends of all sessions of a person, in the revocation list. Sessions that end alone
// are not among them: the list has their IDs here, not those at the provider.
type providerEnds struct{ feed *feed.Feed }

var _ verify.Ends = providerEnds{}

// NamesOf returns the names of [Vault.EndAll], and sees to it that the list is read.
func (e providerEnds) NamesOf(issuer, sid, subject string) []string {
	e.feed.Start()
	names := []string{endName(OwnerOf(issuer, subject))}
	if sid != "" {
		names = append(names, endName(ProviderSessionOf(issuer, sid)))
	}
	return names
}

// EndedSince allows for the difference of the clocks: for so long after an end it is true for new answers, too.
func (e providerEnds) EndedSince(names []string, at time.Time) bool {
	for _, name := range names {
		if e.feed.Knows(name, at.Add(-clocks.Skew)) {
			return true
		}
	}
	return false
}
