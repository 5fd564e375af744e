package provider

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// Key signs the assertions with which a client authenticates (RFC 7523 section 2.2).
type Key struct {
	*jose.Signer
	Audience string // the claim aud; "": the provider's issuer
}

// assertionType is the client_assertion_type of a JWT (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// How long an assertion is valid, and how far in the past it begins, so that it is valid at a provider whose clock is behind.
const (
	assertionLife = time.Minute
	assertionPast = 5 * time.Second
)

// maxSigning is how many signatures may be under way at a time. A Sign that hangs keeps its place, because nothing can end it.
const maxSigning = 32

// assertion has the claims of RFC 7523 section 3 and OpenID Connect Core section 9.
type assertion struct {
	Issuer   string `json:"iss"`
	Subject  string `json:"sub"`
	Audience string `json:"aud"`
	ID       string `json:"jti"`
	IssuedAt int64  `json:"iat"`
	Expires  int64  `json:"exp"`
}

// assert adds a new assertion to the form of one request, if the client has a key. The error is a fault: of kind Client if the
// provider does not take the algorithm, Internal if the key panics, else of kind Outage.
func (p *Provider) assert(ctx context.Context, client Client, meta *Metadata, form url.Values) error {
	if client.key == nil {
		return nil
	}
	if len(meta.authAlgorithms) > 0 && !slices.Contains(meta.authAlgorithms, client.key.Alg) {
		return &fault.Error{Kind: fault.Client, Err: &trouble.Mistake{
			Text:  "the provider does not take assertions of clients with this algorithm",
			Attrs: []slog.Attr{slog.String("algorithm", client.key.Alg), slog.String("offered", trouble.Printable(strings.Join(meta.authAlgorithms, " ")))},
			Check: "Config.ClientKey",
		}}
	}
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	signed, err := p.signed(ctx, client.key, client.assertion(meta.Issuer))
	p.signing.Seen(ctx, err)
	switch {
	case fault.Is(err, fault.Internal):
		return err
	case err != nil:
		return fault.Down(fault.Signer, err)
	}
	form.Set("client_assertion_type", assertionType)
	form.Set("client_assertion", signed)
	return nil
}

func (c Client) assertion(issuer string) assertion {
	begin := time.Now().Add(-assertionPast)
	a := assertion{
		Issuer: c.ID, Subject: c.ID, Audience: issuer, ID: rand.Text(),
		IssuedAt: begin.Unix(), Expires: begin.Add(assertionLife).Unix(),
	}
	if c.key.Audience != "" {
		a.Audience = c.key.Audience
	}
	return a
}

var errNotSigned = errors.New("the signature is not one of the public key: the key ignores the options of crypto.Signer, or Public returns another key")

// signed returns a signed assertion, or the error of the key or of ctx. The key may be in another place, and crypto.Signer has no context:
// so it signs in a goroutine of its own, which ends when Sign returns.
func (p *Provider) signed(ctx context.Context, key *Key, claims assertion) (string, error) {
	type result struct {
		token string
		err   error
	}
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return "", unsigned(ctx.Err())
	}
	done := make(chan result, 1)
	go func() {
		defer func() { <-p.places }()
		var r result
		panicked := p.cfg.Called(ctx, "Config.ClientKey.Signer", func() {
			if r.token, r.err = key.Sign("JWT", claims); r.err == nil && !key.Verifies(r.token) {
				r.err = errNotSigned
			}
		})
		if r.err != nil {
			r.err = unsigned(r.err)
		}
		if panicked != nil {
			r.err = panicked
		}
		done <- r
	}()
	select {
	case r := <-done:
		return r.token, r.err
	case <-ctx.Done():
		return "", unsigned(ctx.Err())
	}
}

func unsigned(cause error) error { return &trouble.Mistake{Err: cause, Check: "Config.ClientKey"} }
