package grpcauth

import (
	"context"
	"errors"

	"github.com/go-oidc-auth/oidcauth/core"
	"google.golang.org/grpc"
)

// serve runs the handler of a stream until it returns. ctx has the caller.
func serve(ctx context.Context, server any, inner grpc.ServerStream, handler grpc.StreamHandler) error {
	s := &stream{ServerStream: inner, ctx: ctx}
	if core.IDTokenFrom(ctx).IsGuest() {
		return handler(server, s)
	}
	alive, stop := core.UntilEnded(ctx)
	defer stop()
	s.ctx = alive
	err := handler(server, &mortal{stream: s, received: make(chan outcome, 1), sent: make(chan outcome, 1)})
	if refusal := endOf(alive); refusal != nil {
		return refused(refusal)
	}
	return err
}

// stream is a stream whose context has the caller.
type stream struct {
	grpc.ServerStream

	ctx context.Context //nolint:containedctx // grpc.ServerStream has one
}

// Context returns the context with the caller.
func (s *stream) Context() context.Context { return s.ctx }

// mortal is a stream that ends with the token of its caller.
//
// A call of the inner stream that waits for the client returns only when the client acts or the interceptor has returned, and the
// interceptor returns when the handler does. So each call runs in a goroutine that the handler can leave. When the interceptor has returned,
// the server cancels the inner stream, which ends an abandoned call. No other call of the same direction follows it.
type mortal struct {
	*stream

	received, sent chan outcome // of RecvMsg and SendMsg: each has at most one call at a time (grpc.ServerStream)
}

// outcome is what a call returned, or with what it panicked.
type outcome struct {
	err      error
	panicked any
}

// RecvMsg returns an Unauthenticated status when the token has ended. The message must not be used then.
func (m *mortal) RecvMsg(message any) error {
	return m.run(m.received, m.ServerStream.RecvMsg, message)
}

// SendMsg returns an Unauthenticated status when the token has ended. Nothing is sent from then on.
func (m *mortal) SendMsg(message any) error {
	return m.run(m.sent, m.ServerStream.SendMsg, message)
}

func (m *mortal) run(done chan outcome, call func(any) error, message any) error {
	if refusal := endOf(m.ctx); refusal != nil {
		return refused(refusal)
	}
	go try(done, call, message)
	select {
	case result := <-done:
		return result.give()
	case <-m.ctx.Done():
	}
	if refusal := endOf(m.ctx); refusal != nil {
		return refused(refusal)
	}
	return (<-done).give() // the call itself has ended: the inner stream says so
}

// try calls and never blocks: done has room for one outcome.
func try(done chan<- outcome, call func(any) error, message any) {
	var result outcome
	defer func() {
		result.panicked = recover()
		done <- result
	}()
	result.err = call(message)
}

// give returns the outcome in the goroutine of the handler, where a panic meets the interceptors that recover from it.
func (o outcome) give() error {
	if o.panicked != nil {
		panic(o.panicked)
	}
	return o.err
}

// endOf returns why the token has ended, nil while it has not.
func endOf(ctx context.Context) *core.Error {
	if ctx.Err() == nil {
		return nil
	}
	var refusal *core.Error
	if errors.As(context.Cause(ctx), &refusal) {
		return refusal
	}
	return nil
}
