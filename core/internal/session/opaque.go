package session

import (
	"context"
	"log/slog"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// errOpaque is what an operator has to know of a provider whose access tokens no guard can verify.
var errOpaque = &trouble.Mistake{
	Text:  "they are no signed JWTs: register an API (an audience or a resource) for this service at the provider, or use broker mode",
	Check: "Config.Broker, Config.Scopes, and the provider's settings",
}

func newOpaque(log *slog.Logger) *trouble.Trouble {
	return trouble.New(log, slog.LevelWarn, "the provider's access tokens", "verified by guards")
}

// given notes whether guards can verify what a client gets, and returns it.
func (p *Passthrough) given(ctx context.Context, tokens *Tokens) *Tokens {
	if _, err := jose.Parse(tokens.AccessToken); err != nil {
		p.opaque.Seen(ctx, errOpaque)
	} else {
		p.opaque.Seen(ctx, nil)
	}
	return tokens
}
