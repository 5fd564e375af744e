package session

import (
	"context"
	"errors"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

var (
	errRemoved   = errors.New("the provider of the session is not configured any more")
	errAmbiguous = errors.New("the subject begins with the name of another provider")
)

// Upstreams are the providers of a service, the main one first; there is at least one. Their names and issuers differ. Read-only.
type Upstreams []*Upstream

// Main returns the provider that counts where none is named.
func (u Upstreams) Main() *Upstream { return u[0] }

// Of returns the provider whose issuer this can be; nil if there is none. It fetches nothing.
func (u Upstreams) Of(issuer string) *Upstream {
	for _, up := range u {
		if up.Issuer.CouldBe(issuer) {
			return up
		}
	}
	return nil
}

// issued returns the provider that a token claims to be from, without verifying it, and the main one for any other text: use it only to
// choose who verifies it.
func (u Upstreams) issued(raw string) *Upstream {
	if len(u) == 1 { // most services have one provider
		return u.Main()
	}
	token, err := jose.Parse(raw)
	if err != nil {
		return u.Main()
	}
	name, err := token.UnverifiedIssuer()
	if err != nil {
		return u.Main()
	}
	if up := u.Of(name); up != nil {
		return up
	}
	return u.Main()
}

// Opaque looks up the tokens that are no JWTs; nil if no provider has such tokens.
func (u Upstreams) Opaque() *verify.Opaque {
	for _, up := range u {
		if up.Opaque != nil {
			return up.Opaque
		}
	}
	return nil
}

// subject verifies the subject token of an exchange, and returns the provider that issued it. The error is a fault.
func (u Upstreams) subject(ctx context.Context, raw string) (*Upstream, *verify.Token, error) {
	for _, up := range u {
		if up.Opaque.Takes(raw) {
			token, _, err := up.Opaque.Access(ctx, raw)
			return up, token, err
		}
	}
	up := u.issued(raw)
	token, err := up.Subjects.Access(ctx, raw)
	return up, token, err
}

// rows returns the entries of the providers in the table of issuers.
func (u Upstreams) rows() []*verify.Issuer {
	var table []*verify.Issuer
	for _, up := range u {
		table = append(table, up.Issuer)
	}
	return table
}

// markName precedes the name of the provider in the refresh tokens that passthrough mode gives out for providers other than the main one.
const markName = "provider:"

// marked returns a refresh token of a provider as a client gets it: the client does not know whose it is, but has to send it back.
func (u Upstreams) marked(from *Upstream, token string) string {
	if token == "" || from == u.Main() {
		return token
	}
	return markName + from.Name + ":" + token
}

// unmarked returns the provider of a refresh token, and the token as the provider knows it. A token without the mark of a provider is
// one of the main provider.
func (u Upstreams) unmarked(text string) (*Upstream, string) {
	if rest, ok := strings.CutPrefix(text, markName); ok {
		if name, token, ok := strings.Cut(rest, ":"); ok {
			for _, up := range u[1:] {
				if up.Name == name {
					return up, token
				}
			}
		}
	}
	return u.Main(), text
}

// ownSubject returns the subject of a person in own tokens, whose issuer is this service: subjects of different providers must not be
// equal. For the main provider it is the provider's; for another one its name precedes it, and the tenant if it has tenants. The error is a fault of kind Nobody.
func (u Upstreams) ownSubject(issuer, subject string) (string, error) {
	from := u.Of(issuer)
	if from != nil {
		if tenant := from.Issuer.Spellings[issuer].Tenant; tenant != "" { // the tenants of a provider are issuers of their own
			subject = tenant + subjectMark + subject
		}
	}
	if from != nil && from != u.Main() {
		return from.Name + subjectMark + subject, nil
	}
	for _, up := range u[1:] {
		if strings.HasPrefix(subject, up.Name+subjectMark) { // it would be a person of that provider
			return "", fault.New(fault.Nobody, errAmbiguous)
		}
	}
	return subject, nil
}

// subjectMark separates the name of a provider, which never has it, from the subject there.
const subjectMark = "|"

// reachOf returns the provider of a session, see [Upstream.reach]. The error is an outage, or errRemoved.
func (u Upstreams) reachOf(ctx context.Context, issuer string) (*Reached, error) {
	up := u.Of(issuer)
	if up == nil {
		return nil, errRemoved
	}
	return up.reach(ctx)
}
