package session

import (
	"context"
	"log/slog"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// errOpaque tells the operator that guards cannot verify the provider's access tokens.
var errOpaque = &trouble.Mistake{
	Text:  "they are no signed JWTs: register an API (an audience or a resource) for this service at the provider, look them up with Tokens, or use broker mode",
	Check: "Config.Tokens, Config.Broker, Config.Scopes, and the provider's settings",
}

func newOpaque(log *slog.Logger) *trouble.Trouble {
	return trouble.New(log, slog.LevelWarn, "the provider's access tokens", "verified by guards")
}

// given returns the tokens for a client, and logs when guards cannot verify their access token, or can again.
func (p *Passthrough) given(ctx context.Context, login *Grant) *Tokens {
	tokens := &login.Tokens
	tokens.RefreshToken = p.ups.marked(login.from.Upstream, tokens.RefreshToken)
	if login.from.Opaque != nil { // guards look them up
		return tokens
	}
	if _, err := jose.Parse(tokens.AccessToken); err != nil {
		p.opaque.Seen(ctx, errOpaque)
	} else {
		p.opaque.Seen(ctx, nil)
	}
	return tokens
}
