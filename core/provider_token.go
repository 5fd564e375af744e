package core

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// ErrNoProviderToken is the error of [Auth.AccessToken] if the caller has no usable access token of the provider: for a guest, for a token of
// another service (BrokerConfig.TrustedIssuers), for an exchanged token, for a session that has ended, and for one whose access token has
// expired and that has no refresh token.
var ErrNoProviderToken = errors.New("core: no access token of the provider is known for this caller")

// AccessToken returns the provider's access token of the caller in the context, for calls to other services on the caller's behalf. Without
// Config.Broker, this is the caller's bearer token. For a browser session, and for a token that this service issued (Config.Broker), it is the
// one that the store contains; if that expires within 30 seconds, or within half of its lifetime if that is shorter, one instance refreshes it
// first and the others wait. The token is a secret.
//
// The error is [ErrNoProviderToken], or that of a store or provider that cannot be reached: pass either to [Auth.Answer].
// A refresh and the wait for it end after Config.Timeout plus two seconds at the latest, and with ctx. Safe for concurrent use.
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

// UntilEnded returns a context that ends when the caller's token expires, when the caller's session reaches its Lifetime or is ended (at most
// about two seconds after another instance ended it), when the Auth is closed, and with ctx. The IdleTimeout of a session does not end it.
// Use it for streams and WebSockets, which otherwise outlive the session. Call the returned function when the stream is over. Without a
// caller, or for a guest, the context ends only with ctx and with that function. Safe for concurrent use.
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
	if fault.Is(a.auth.tenants.check(ctx, token, fault.Ended), fault.Ended) {
		return true
	}
	if a.session != nil {
		return a.auth.browsers.HasEnded(ctx, a.session.seat)
	}
	return a.auth.verifier.HasEnded(ctx, token)
}
