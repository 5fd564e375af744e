package core_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// The cause of a context of UntilEnded is the refusal that a guard would give.
func TestUntilEndedCause(t *testing.T) {
	for name, test := range map[string]struct {
		config func(*core.Config)
		end    func(t *testing.T, auth *core.Auth, caller *core.IDToken)
		status int
		code   string
		reason error
	}{
		"expired": {end: func(*testing.T, *core.Auth, *core.IDToken) { time.Sleep(6 * time.Minute) }, status: http.StatusUnauthorized, code: core.CodeInvalidToken, reason: core.ErrExpired},
		"ended": {config: brokered(), status: http.StatusUnauthorized, code: core.CodeInvalidToken, reason: core.ErrRevoked, end: func(t *testing.T, auth *core.Auth, caller *core.IDToken) {
			issuer, subject := caller.Person()
			if _, err := auth.EndSessions(t.Context(), issuer, subject); err != nil {
				t.Error(err)
			}
		}},
		"closed": {config: brokered(), status: http.StatusServiceUnavailable, end: func(_ *testing.T, auth *core.Auth, _ *core.IDToken) { _ = auth.Close() }},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				idp := oidctest.NewProvider(t, oidctest.WithoutNetwork(issuer), oidctest.WithAlgorithm("ES256"))
				cfg := idp.Config()
				bearer := idp.Bearer
				if test.config != nil {
					test.config(&cfg)
				}
				auth := newAuth(cfg)
				defer func() { _ = auth.Close() }()
				if test.config != nil {
					bearer = func(user string, claims ...oidctest.Claims) string { return idp.BrokerBearer(auth, user, claims...) }
				}
				decision := auth.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {bearer("alice")}}})
				if decision.Err != nil {
					t.Fatal(decision.Err)
				}
				ctx, stop := core.UntilEnded(decision.Context(t.Context()))
				defer stop()
				time.Sleep(time.Second)
				if ctx.Err() != nil {
					t.Fatal("it has ended too early")
				}
				test.end(t, auth, decision.Caller)
				<-ctx.Done()
				var refusal *core.Error
				switch cause := context.Cause(ctx); {
				case !errors.As(cause, &refusal):
					t.Fatalf("the cause is %v", cause)
				case refusal.Status != test.status || refusal.Code != test.code || !errors.Is(cause, test.reason) && test.reason != nil:
					t.Errorf("%v: %v", refusal, refusal.Err)
				}
				if ctx.Err() != context.Canceled {
					t.Error(ctx.Err())
				}
			})
		})
	}
}

// A stream that is over, or whose request ends, has no such cause.
func TestUntilEndedWithoutCause(t *testing.T) {
	idp := oidctest.NewProvider(t, oidctest.WithAlgorithm("ES256"))
	auth := newAuth(idp.Config())
	t.Cleanup(func() { _ = auth.Close() })
	decision := auth.Required().Admit(t.Context(), core.Credentials{Header: http.Header{"Authorization": {idp.Bearer("alice")}}})
	request, leave := context.WithCancel(t.Context())
	first, stop := core.UntilEnded(decision.Context(request))
	second, _ := core.UntilEnded(decision.Context(request))
	guest, _ := core.UntilEnded(request)
	stop()
	leave()
	for _, ctx := range []context.Context{first, second, guest} {
		<-ctx.Done()
		if cause := context.Cause(ctx); cause != context.Canceled {
			t.Error(cause)
		}
	}
}
