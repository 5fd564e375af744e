package session

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// End ends the session of an own token on every instance, and revokes what it held at the provider. The hint is the
// session's own; a client's is not passed on.
func (b *Broker) End(ctx context.Context, meta *provider.Metadata, caller *verify.Token, _ string) string {
	if caller == nil || caller.Issuer != b.cfg.Issuer {
		return "" // a trusted issuer ends its own sessions
	}
	ctx, cancel := provider.Detached(ctx) // a logout that was asked for is not given up because the browser goes on
	defer cancel()
	id, until := sessionOf(&caller.Token), caller.Expiry.Add(2*b.cfg.Leeway)
	if life := time.Now().Add(b.tokenLife()); life.After(until) { // a newer token of the session
		until = life
	}
	b.feed.Add(id, until)
	data, err := b.endStored(ctx, id, until)
	b.endTrouble.Seen(ctx, err)
	var r record
	if data == nil || json.Unmarshal(data, &r) != nil {
		return ""
	}
	b.up.Provider.Forsake(ctx, meta, r.Refresh)
	return strings.TrimSpace(r.IDToken)
}

// endStored ends a session in the store and returns its data; nil where there is none.
func (b *Broker) endStored(ctx context.Context, id string, until time.Time) ([]byte, error) {
	open := b.opened() // an end is queued also when the store has been away for long
	if open == nil {
		var err error
		if open, err = b.ready(ctx); err != nil {
			return nil, err
		}
	}
	return open.families.End(ctx, id, until)
}
