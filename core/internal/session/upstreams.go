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

// Upstreams are the providers of a service. Read-only.
type Upstreams struct {
	// All are the providers of the configuration, the main one first; there is at least one. Their names and issuers differ.
	All []*Upstream
	// Resolve returns the provider of a tenant, whose issuer is none of theirs; nil if it is not trusted. nil: there are no tenants. The
	// error is an outage or a fault of kind Internal.
	Resolve func(ctx context.Context, issuer string) (*Upstream, error)
}

// Main returns the provider that counts where none is named.
func (u Upstreams) Main() *Upstream { return u.All[0] }

// configured returns the provider of the configuration whose issuer this can be; nil if there is none. It fetches nothing.
func (u Upstreams) configured(issuer string) *Upstream {
	for _, up := range u.All {
		if up.Issuer.CouldBe(issuer) {
			return up
		}
	}
	return nil
}

// Of returns the provider whose issuer this can be, one of the configuration or a tenant's; nil if there is none. It fetches nothing. The
// error is that of Resolve.
func (u Upstreams) Of(ctx context.Context, issuer string) (*Upstream, error) {
	if up := u.configured(issuer); up != nil || u.Resolve == nil {
		return up, nil
	}
	return u.Resolve(ctx, issuer)
}

// Check refuses the sessions and own tokens of the people of an issuer that is not trusted any more. The error is a fault: of this kind, or
// that of Resolve. Without tenants it accepts all.
func (u Upstreams) Check(ctx context.Context, issuer string, kind fault.Kind) error {
	if u.Resolve == nil || issuer == "" {
		return nil
	}
	up, err := u.Of(ctx, issuer)
	if up != nil || err != nil {
		return err
	}
	return &fault.Error{Kind: kind, Err: fault.ErrRevoked}
}

// issued returns the provider that a token claims to be from, without verifying it, and the main one for any other text: use it only to
// choose who verifies it. The error is that of Resolve.
func (u Upstreams) issued(ctx context.Context, raw string) (*Upstream, error) {
	if len(u.All) == 1 && u.Resolve == nil { // most services have one provider
		return u.Main(), nil
	}
	token, err := jose.Parse(raw)
	if err != nil {
		return u.Main(), nil //nolint:nilerr // whoever verifies it says so
	}
	name, err := token.UnverifiedIssuer()
	if err != nil {
		return u.Main(), nil //nolint:nilerr // the same
	}
	up, err := u.Of(ctx, name)
	if up != nil || err != nil {
		return up, err
	}
	return u.Main(), nil
}

// Opaque looks up the tokens that are no JWTs; nil if no provider has such tokens.
func (u Upstreams) Opaque() *verify.Opaque {
	for _, up := range u.All {
		if up.Opaque != nil {
			return up.Opaque
		}
	}
	return nil
}

// subject verifies the subject token of an exchange, and returns the provider that issued it. The error is a fault.
func (u Upstreams) subject(ctx context.Context, raw string) (*Upstream, *verify.Token, error) {
	for _, up := range u.All {
		if up.Opaque.Takes(raw) {
			token, _, err := up.Opaque.Access(ctx, raw)
			return up, token, err
		}
	}
	up, err := u.issued(ctx, raw)
	if err != nil {
		return nil, nil, err
	}
	token, err := up.Subjects.Access(ctx, raw)
	return up, token, err
}

// rows returns the entries of the providers in the table of issuers.
func (u Upstreams) rows() []*verify.Issuer {
	var table []*verify.Issuer
	for _, up := range u.All {
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
			for _, up := range u.All[1:] {
				if up.Name == name {
					return up, token
				}
			}
		}
	}
	return u.Main(), text
}

// ownSubject returns the subject of a person in own tokens, whose issuer is this service: subjects of different providers must not be
// equal. For the main provider it is the provider's; for another one its name precedes it, and the tenant if it has tenants. For a
// tenant of Resolve its issuer precedes it. The error is a fault of kind Nobody.
func (u Upstreams) ownSubject(issuer, subject string) (string, error) {
	from := u.configured(issuer)
	if from != nil {
		if tenant := from.Issuer.Spellings[issuer].Tenant; tenant != "" { // the tenants of a provider are issuers of their own
			subject = tenant + subjectMark + subject
		}
	}
	if from != nil && from != u.Main() {
		return from.Name + subjectMark + subject, nil
	}
	if from == nil && u.Resolve != nil {
		return issuer + subjectMark + subject, nil
	}
	if u.Resolve != nil && strings.Contains(subject, subjectMark) && strings.Contains(subject, "://") { // it could be a person of a tenant
		return "", fault.New(fault.Nobody, errAmbiguous)
	}
	for _, up := range u.All[1:] {
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
	up, err := u.Of(ctx, issuer)
	switch {
	case err != nil:
		return nil, err
	case up == nil:
		return nil, errRemoved
	}
	return up.reach(ctx)
}
