package core

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// errPanicked is the cause of a refusal after a function of the application panicked.
var errPanicked = errors.New("a function of the application panicked")

// called runs a function of the application. If it panics, called logs its name and the stack and returns a fault of kind
// Internal, a 500: the process continues, and the request is refused. It logs the text of the panic only for runtime errors;
// any other value may contain secrets, so only its type is logged.
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

// onLogin returns the application's answer to a login, nil if it has none.
func (a *Auth) onLogin(ctx context.Context, request *Request, token *Token) (answer *Response, err error) {
	if a.cfg.OnLogin == nil {
		return nil, nil
	}
	if err := a.called(ctx, "Config.OnLogin", func() { answer = a.cfg.OnLogin(ctx, request, token) }); err != nil {
		return nil, err
	}
	return answer, nil
}
