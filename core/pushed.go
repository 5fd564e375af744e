package core

import (
	"context"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// PushedRequests says when logins are pushed, for [Config.PushedRequests].
type PushedRequests string

// The values of [Config.PushedRequests].
const (
	// PushWhenOffered pushes every login if the provider's document requires it, and those of a client with a secret or a key if it
	// names an endpoint for them. A public client pushes only if required: it cannot authenticate, so that a push proves little.
	PushWhenOffered PushedRequests = ""
	// PushAlways pushes every login, for a provider that requires it of this client alone, or of a public client.
	PushAlways PushedRequests = "always"
	// PushNever pushes no login, for a provider whose offer does not work for this client.
	PushNever PushedRequests = "never"
)

// pushes reports whether logins are pushed.
func (p *party) pushes(meta *provider.Metadata) bool {
	switch p.PushedRequests {
	case PushAlways:
		return true
	case PushNever:
		return false
	default:
		return meta.PushedOnly || meta.PushedRequests != "" && !p.up.Provider.Client.IsPublic()
	}
}

// authorizationURL returns the address to which a login sends the browser: with all parameters, or with the request_uri of a request that
// was pushed for this login, and nothing else beside client_id (RFC 9126 section 4). A push that fails is never replaced by the parameters:
// whoever stops the push would decide how the login is sent.
func (p *party) authorizationURL(ctx context.Context, meta *provider.Metadata, parameters url.Values) (string, error) {
	if !p.pushes(meta) {
		return endpoint(meta.Authorization, parameters), nil
	}
	pushed, err := p.up.Provider.Push(ctx, meta, parameters)
	if err != nil {
		return "", err
	}
	return p.pushedURL(meta, pushed), nil
}

func (p *party) pushedURL(meta *provider.Metadata, requestURI string) string {
	return endpoint(meta.Authorization, url.Values{"client_id": {p.ClientID}, "request_uri": {requestURI}})
}
