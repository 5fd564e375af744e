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
// Use it for streams and WebSockets, which otherwise outlive the session. Except with ctx, the context's [context.Cause] is then an
// [*Error] that says why, as a guard would: 401, or 503 if the Auth is closed. Call the returned function when the stream is over. Without a
// caller, or for a guest, the context ends only with ctx and with that function. Safe for concurrent use.
func UntilEnded(ctx context.Context) (context.Context, context.CancelFunc) {
	found, _ := ctx.Value(callerKey{}).(*admitted)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := func() { cancel(nil) }
	if found == nil || found.token.IsGuest() || found.auth == nil {
		return ctx, stop
	}
	var watching sync.WaitGroup
	watching.Go(func() {
		ticker := time.NewTicker(endPause)
		defer ticker.Stop()
		for {
			if err := found.ended(ctx); err != nil {
				cancel(refusalOf(err))
				return
			}
			select {
			case <-ticker.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return ctx, func() { stop(); watching.Wait() }
}

// ended returns a fault if the token has expired or the session has ended, nil if not. An error counts as not.
func (a *admitted) ended(ctx context.Context) error {
	token, kind := a.token.verified(), fault.Token
	if a.session != nil {
		kind = fault.Ended
	}
	if a.auth.closed.Load() {
		return fault.Down(fault.Service, errClosed)
	}
	if !token.Good(time.Now()) {
		return fault.New(kind, fault.ErrExpired)
	}
	if err := a.auth.tenants.check(ctx, token, kind); fault.Is(err, kind) {
		return err
	}
	if a.session != nil && a.auth.browsers.HasEnded(ctx, a.session.seat) || a.session == nil && a.auth.verifier.HasEnded(ctx, token) {
		return fault.New(kind, fault.ErrRevoked)
	}
	return nil
}
