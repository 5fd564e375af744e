package verify

import (
	"context"
	"log/slog"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// Verifier accepts the access tokens of the issuers in its table. Safe for concurrent use.
type Verifier struct {
	named      map[string]*Issuer
	discovered []*Issuer // those without an ID
	names      []string  // the keys of named, for the log
	cache      *cache
	headers    *jose.Headers // of tokens that were verified

	// Opaque looks up the tokens that it takes; nil: all are verified here. Set it before use.
	Opaque *Opaque
	// Resolve returns the row of an issuer that is not in the table, with its ID; nil if it is not trusted. nil: no other issuers. Set it
	// before use. The error is an outage or a fault of kind Internal.
	Resolve func(ctx context.Context, name string) (*Issuer, error)
}

// manyNames is the largest number of issuers in the log line of a refusal.
const manyNames = 5

// NewVerifier makes a verifier for a table of issuers, with a cache for about cacheSize tokens; a negative size disables it.
func NewVerifier(cacheSize int, table ...*Issuer) *Verifier {
	v := &Verifier{named: make(map[string]*Issuer), cache: newCache(cacheSize), headers: jose.NewHeaders()}
	for _, issuer := range table {
		if issuer.ID == "" {
			v.discovered = append(v.discovered, issuer)
			continue
		}
		v.named[issuer.ID] = issuer
		for name := range issuer.Spellings {
			v.named[name] = issuer
		}
		if issuer.Spellings != nil && !issuer.CouldBe(issuer.ID) { // a template, which no token has
			delete(v.named, issuer.ID)
		}
		v.names = append(v.names, issuer.ID)
	}
	slices.Sort(v.names)
	return v
}

// Access verifies an access token. cached reports whether it was in the cache. The error is a fault of kind Token with its
// reason, or an outage.
func (v *Verifier) Access(ctx context.Context, raw string) (token *Token, cached bool, err error) {
	now := time.Now()
	token = v.cache.find(raw, now)
	if token != nil && !token.issuer.counts(now) {
		if token, err = v.current(ctx, token); err != nil {
			return nil, false, err
		}
	}
	cached = token != nil
	if !cached {
		if v.Opaque.Takes(raw) {
			return v.Opaque.Access(ctx, raw)
		}
		if token, err = v.verify(ctx, raw); err != nil {
			return nil, false, err
		}
		v.cache.keep(token)
	}
	if err := token.issuer.checkEnded(ctx, token); err != nil {
		return nil, cached, err
	}
	return token, cached, nil
}

// current asks again for the issuer of a cached token. It returns nil if the row was replaced or withdrawn.
func (v *Verifier) current(ctx context.Context, token *Token) (*Token, error) {
	row, err := v.Resolve(ctx, token.issuer.ID)
	if err != nil || row != token.issuer {
		return nil, err
	}
	return token, nil
}

func (v *Verifier) verify(ctx context.Context, raw string) (*Token, error) {
	token, err := parseAccess(v.headers, raw)
	if err != nil {
		return nil, err
	}
	// The issuer is not verified yet: it only chooses the keys that verify the token.
	name, err := token.UnverifiedIssuer()
	if err != nil {
		return nil, fault.New(fault.Token, err)
	}
	issuer, err := v.issuer(ctx, name)
	if err != nil {
		return nil, err
	}
	verified, err := issuer.access(ctx, &token, name)
	if err == nil {
		v.headers.Add(&token)
	}
	return verified, err
}

// issuer returns the issuer with this name. It refuses other names before any fetch for them. A name that one in the table could have is not
// asked for elsewhere.
func (v *Verifier) issuer(ctx context.Context, name string) (*Issuer, error) {
	if issuer := v.named[name]; issuer != nil {
		return issuer, nil
	}
	isListed := false
	for _, issuer := range v.discovered {
		if !issuer.CouldBe(name) {
			continue
		}
		isListed = true
		want, err := issuer.name(ctx)
		if err != nil {
			return nil, err
		}
		if want == name {
			return issuer, nil
		}
	}
	if v.Resolve != nil && !isListed {
		if issuer, err := v.Resolve(ctx, name); issuer != nil || err != nil {
			return issuer, err
		}
	}
	return nil, v.unknown(ctx, name)
}

// unknown refuses a name that no issuer has.
func (v *Verifier) unknown(ctx context.Context, name string) error {
	wanted := slices.Clip(v.names)
	for _, issuer := range v.discovered {
		want := issuer.Base
		if issuer.CouldBe(name) {
			want, _ = issuer.name(ctx) // it is cached
		}
		wanted = append(wanted, want)
	}
	return anotherIssuer(wanted[:min(len(wanted), manyNames)]...)
}

// HasEnded reports whether an accepted token has been revoked since, or its issuer withdrawn. An error counts as no.
func (v *Verifier) HasEnded(ctx context.Context, token *Token) bool {
	if token.issuer == nil {
		return false
	}
	if !token.issuer.counts(time.Now()) {
		if _, err := v.verify(ctx, token.Raw); fault.Is(err, fault.Token) {
			return true
		}
	}
	return fault.Is(token.issuer.checkEnded(ctx, token), fault.Token)
}

// checkEnded refuses a token whose session was revoked.
func (i *Issuer) checkEnded(ctx context.Context, token *Token) error {
	if token.Session == "" || i.Ended == nil {
		return nil
	}
	ended, err := i.Ended(ctx, token)
	if err != nil {
		return fault.Down(fault.Store, err)
	}
	if ended {
		return fault.New(fault.Token, fault.ErrRevoked)
	}
	return nil
}

func anotherIssuer(wanted ...string) error {
	if len(wanted) == 0 { // not known yet
		return fault.New(fault.Token, fault.ErrIssuer)
	}
	return &fault.Error{Kind: fault.Token, Err: fault.ErrIssuer, Want: []slog.Attr{slog.Any("want_issuer", wanted)}}
}
