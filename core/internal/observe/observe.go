// Package observe is how the packages below core tell what they do: core turns it into events.
package observe

import "context"

// The kinds: a document that is fetched and cached, and every other call to the provider.
const (
	Fetch = "fetch"
	Call  = "call"
)

// What is fetched and cached.
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
)

// Begin is called before a fetch or a call, and returns the context to do it in and the function to call with its error. nil
// observes nothing.
type Begin func(ctx context.Context, kind, part string) (context.Context, func(error))

// Call observes one call to an endpoint of the provider; also where nobody observes.
func (b Begin) Call(ctx context.Context, endpoint string) (context.Context, func(error)) {
	if b == nil {
		return ctx, func(error) {}
	}
	return b(ctx, Call, endpoint)
}

// Load observes each call of a load function.
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
