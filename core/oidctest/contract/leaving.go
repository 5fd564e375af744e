package contract

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// patience is how long an expected event may take on a busy machine.
const patience = 20 * time.Second

// testLeaving: when the client disconnects, handlers and waits for keys end, if the framework cancels the context.
func testLeaving(t *testing.T, a setup) {
	t.Run("handler", func(t *testing.T) {
		if a.Differences.NoCancellation {
			t.Skip("this framework does not tell handlers that the client has left")
		}
		started, ended := make(chan struct{}), make(chan error, 1)
		s := a.open(t, plan{build: func(app App) {
			app.Group("/guarded", Required()).Handle("/wait", func(ctx context.Context, _ ...*core.IDToken) []byte {
				close(started)
				select {
				case <-ctx.Done():
					ended <- ctx.Err()
				case <-time.After(patience):
					ended <- errors.New("it never ended")
				}
				return nil
			})
		}})
		connection := s.dial("GET /guarded/wait HTTP/1.1", s.bearer("alice"))
		wait(t, started)
		if err := connection.Close(); err != nil {
			t.Fatal(err)
		}
		if err := <-ended; !errors.Is(err, context.Canceled) {
			t.Errorf("the handler's context: %v", err)
		}
	})
	t.Run("waiting for keys", func(t *testing.T) {
		if a.Differences.NoCancellation {
			t.Skip("this framework does not tell handlers that the client has left")
		}
		refusedWith := make(chan error, 1)
		first := a.open(t, plan{})
		line := first.bearer("alice")
		s := a.open(t, plan{beside: first, config: func(cfg *core.Config) {
			cfg.Timeout = time.Minute
			cfg.OnError = func(ctx context.Context, _ *core.Request, _ *core.Error) *core.Response {
				refusedWith <- ctx.Err()
				return nil
			}
		}})
		asked := make(chan struct{})
		s.hold(s, asked)
		connection := s.dial("GET /me HTTP/1.1", line)
		wait(t, asked)
		if err := connection.Close(); err != nil {
			t.Fatal(err)
		}
		select {
		case err := <-refusedWith:
			if !errors.Is(err, context.Canceled) {
				t.Errorf("the guard's context: %v", err)
			}
		case <-time.After(patience):
			t.Error("the guard waits for nobody")
		}
	})
	t.Run("a login is finished", func(t *testing.T) { leavingCallback(t, a) })
}

// leavingCallback: a code can be redeemed only once, so its exchange continues without the browser, on every framework.
func leavingCallback(t *testing.T, a setup) {
	loggedIn := make(chan string, 1)
	s := a.open(t, plan{config: func(cfg *core.Config) {
		cfg.OnLogin = func(_ context.Context, _ *core.Request, tokens *core.Token) *core.Response {
			loggedIn <- tokens.Caller().Subject()
			return nil
		}
		cfg.OnError = func(_ context.Context, _ *core.Request, refusal *core.Error) *core.Response {
			loggedIn <- fmt.Sprintf("nobody: %v: %v", refusal, refusal.Err)
			return nil
		}
	}})
	query, cookies := s.begin(ownCallback, "alice")
	asked, release := make(chan struct{}), make(chan struct{})
	s.idp.Tamper(oidctest.TokenAnswers, func(oidctest.Claims) {
		close(asked)
		<-release
	})
	connection := s.dial("GET "+callback+"?"+query.Encode()+" HTTP/1.1", "Cookie: "+cookies)
	wait(t, asked)
	if err := connection.Close(); err != nil {
		t.Fatal(err)
	}
	close(release)
	select {
	case subject := <-loggedIn:
		if subject != "alice" {
			t.Errorf("the code is spent, and logged in is %q", subject)
		}
	case <-time.After(patience):
		t.Error("the code is spent, and nobody is logged in")
	}
}

func wait(t *testing.T, happened <-chan struct{}) {
	t.Helper()
	select {
	case <-happened:
	case <-time.After(patience):
		t.Fatal("it never happened")
	}
}
