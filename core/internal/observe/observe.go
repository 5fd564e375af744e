// Package observe is how the packages below core tell what they do: core turns it into events.
package observe

import "context"

// What is fetched and cached.
const (
	Discovery   = "discovery"
	Keys        = "keys"
	TrustedKeys = "trusted_keys"
	SigningKeys = "signing_keys"
	Revocations = "revocations"
)

// Begin is told that a document is about to be fetched, and returns the context of the fetch and what to call with its
// error. nil observes nothing.
type Begin func(ctx context.Context, document string) (context.Context, func(error))

// Load observes each call of a load function.
func Load[T any](begin Begin, document string, load func(context.Context) (T, error)) func(context.Context) (T, error) {
	if begin == nil {
		return load
	}
	return func(ctx context.Context) (T, error) {
		ctx, end := begin(ctx, document)
		value, err := load(ctx)
		end(err)
		return value, err
	}
}
