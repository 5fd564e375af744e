package core

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// errPanicked is the cause of a refusal where a function of the application panicked.
var errPanicked = errors.New("a function of the application panicked")

// called runs a function of the application. Where that panics, called logs its name and the stack and returns a fault of kind Internal, which is a 500: the
// process goes on, and nobody passes. Of the value the log has the type alone, since it may hold anything, but for a mistake
// that Go found.
func (a *Auth) called(ctx context.Context, name string, run func()) (panicked error) {
	defer func() {
		value := recover()
		if value == nil {
			return
		}
		text := fmt.Sprintf("%T", value)
		if mistake, ok := value.(runtime.Error); ok {
			text = mistake.Error()
		}
		a.log.ErrorContext(ctx, "a function of the application panicked", "function", name, "panic", text, "stack", string(debug.Stack()))
		panicked = fault.New(fault.Internal, errPanicked)
	}()
	run()
	return nil
}

// onLogin asks the application for the answer to a login: nil where it gives none.
func (a *Auth) onLogin(ctx context.Context, request *Request, token *Token) (answer *Response, err error) {
	if a.cfg.OnLogin == nil {
		return nil, nil
	}
	if err := a.called(ctx, "Config.OnLogin", func() { answer = a.cfg.OnLogin(ctx, request, token) }); err != nil {
		return nil, err
	}
	return answer, nil
}
