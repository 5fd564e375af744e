package core

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// ErrNoProviderToken is the error of [Auth.AccessToken] for a caller without a usable access token of the provider: a guest, a token of a
// trusted service, an exchanged token, an ended session, and a session whose access token has expired without a refresh token.
var ErrNoProviderToken = errors.New("core: no access token of the provider is known for this caller")

// AccessToken returns the provider's access token of the caller in the context, for calls to other services on the caller's behalf. In
// passthrough mode this is the caller's bearer token. For a session and for an own token it is the stored one; if it expires within 30
// seconds, one instance refreshes it first. The token is a secret. The error is [ErrNoProviderToken] or an outage, see [Auth.Answer].
func (a *Auth) AccessToken(ctx context.Context) (string, error) {
	found, _ := ctx.Value(callerKey{}).(*admitted)
	if found == nil || found.token.IsGuest() {
		return "", ErrNoProviderToken
	}
	token := found.token.verified()
	if found.session == nil && a.broker == nil {
		return token.Raw, nil
	}
	if a.vault == nil || token.Session == "" {
		return "", ErrNoProviderToken
	}
	text, err := a.vault.ProviderToken(ctx, token.Session)
	if fault.Is(err, fault.Ended) {
		return "", ErrNoProviderToken
	}
	return text, err
}

// endPause is the interval at which [UntilEnded] checks.
const endPause = 250 * time.Millisecond

// UntilEnded returns a context that ends when the caller's token expires or the caller's session ends, about two seconds after
// another instance has ended it. Use it for streams and WebSockets, which otherwise outlive the session. Call the returned function when
// the stream is over. Without a caller, the context ends only with ctx.
func UntilEnded(ctx context.Context) (context.Context, context.CancelFunc) {
	found, _ := ctx.Value(callerKey{}).(*admitted)
	ctx, cancel := context.WithCancel(ctx)
	if found == nil || found.token.IsGuest() || found.auth == nil {
		return ctx, cancel
	}
	var watching sync.WaitGroup
	watching.Add(1)
	go func() {
		defer watching.Done()
		defer cancel()
		ticker := time.NewTicker(endPause)
		defer ticker.Stop()
		for !found.hasEnded(ctx) {
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	}()
	return ctx, func() { cancel(); watching.Wait() }
}

// hasEnded reports whether the token has expired or the session has ended. An error counts as no.
func (a *admitted) hasEnded(ctx context.Context) bool {
	token := a.token.verified()
	if !token.Good(time.Now()) || a.auth.closed.Load() {
		return true
	}
	if a.session != nil {
		return a.auth.browsers.HasEnded(ctx, a.session.seat)
	}
	return a.auth.verifier.HasEnded(ctx, token)
}
