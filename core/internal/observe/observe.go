// Package observe lets the internal packages report fetches and calls; core turns them into events.
package observe

import "context"

// The kinds: a fetch of a document that is cached, and any other call to the provider.
const (
	Fetch = "fetch"
	Call  = "call"
)

// The documents that are fetched and cached.
const (
	Discovery   = "discovery"
	Keys        = "keys"
	TrustedKeys = "trusted_keys"
	SigningKeys = "signing_keys"
	Revocations = "revocations"
)

// The endpoints of the provider that are called.
const (
	Token      = "token"
	Device     = "device"
	UserInfo   = "userinfo"
	Revocation = "revocation"
	Push       = "pushed_request"
	Lookup     = "introspection"
)

// Begin is called before a fetch or a call. It returns the context to run it in, and a function to call with its error. nil
// means: observe nothing.
type Begin func(ctx context.Context, kind, part string) (context.Context, func(error))

// Call calls Begin for a call to an endpoint of the provider. b may be nil.
func (b Begin) Call(ctx context.Context, endpoint string) (context.Context, func(error)) {
	if b == nil {
		return ctx, func(error) {}
	}
	return b(ctx, Call, endpoint)
}

// Load returns a function that calls load and reports each call as a fetch. begin may be nil.
func Load[T any](begin Begin, document string, load func(context.Context) (T, error)) func(context.Context) (T, error) {
	if begin == nil {
		return load
	}
	return func(ctx context.Context) (T, error) {
		ctx, end := begin(ctx, Fetch, document)
		value, err := load(ctx)
		end(err)
		return value, err
	}
}
