package provider

import (
	"context"
	"log/slog"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// Obtain is [Provider.Token] for a token that this service presents to another one. The error is a fault: of kind Grant if the provider does
// not accept the caller's token in form any more, of kind Client for every other refusal, else of kind Outage, Unusable or Internal. Its lines
// in the log are not those of logins: a client may do the one and not the other.
func (p *Provider) Obtain(ctx context.Context, meta *Metadata, form url.Values) (*Answer, error) {
	ctx, end := p.cfg.Observe.Call(ctx, observe.Token)
	answer, err := p.token(ctx, meta, form)
	if f := fault.Find(err); f != nil && isRefusal(f, form.Has("subject_token")) {
		err = &fault.Error{Kind: fault.Client, Err: &trouble.Mistake{
			Text:  "the provider refuses a token for another service",
			Attrs: []slog.Attr{slog.String("code", f.Code), slog.String("grant", form.Get("grant_type")), slog.String("host", fetch.HostOf(meta.Token))},
			Check: "the audience, resource and scopes of core.As, and what this client may do at the provider",
		}}
	}
	end(err)
	if !fault.Is(err, fault.Grant) {
		p.obtained.Seen(ctx, err)
	}
	return answer, err
}

// isRefusal reports whether the provider refuses this service, and not the token of its caller.
func isRefusal(f *fault.Error, withCaller bool) bool {
	switch f.Kind {
	case fault.Outage, fault.Unusable, fault.Internal:
		return false
	case fault.Grant:
		return !withCaller
	default:
		return true
	}
}
