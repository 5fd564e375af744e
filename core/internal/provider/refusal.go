package provider

import (
	"context"
	"log/slog"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// notAllowed is what Keycloak answers where a user or a client may not have offline_access. No specification has it.
const notAllowed = "not_allowed"

// registered are the error codes that may stand in a log: those of RFC 6749 sections 4.1.2.1 and 5.2, RFC 7009, RFC 7591, RFC
// 8628 and RFC 8693, and Keycloak's.
var registered = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"access_denied", "unsupported_response_type", "server_error", "temporarily_unavailable", "unsupported_token_type",
	"invalid_redirect_uri", "invalid_client_metadata", "authorization_pending", "slow_down", "expired_token", "invalid_target",
	notAllowed,
}

// known returns a code that is one of the registered words, and "" for anything else: that is a text of the provider's.
func known(code string) string {
	if slices.Contains(registered, code) {
		return code
	}
	return ""
}

// Refusal is what a provider's error code means. One that is not the caller's business means that the provider does not
// want this service's request.
func Refusal(code string) *fault.Error {
	kind := fault.Client
	switch code {
	case "authorization_pending", "slow_down":
		kind = fault.Pending
	case "invalid_grant":
		kind = fault.Grant
	case "expired_token", "access_denied", "invalid_scope":
		kind = fault.Refused
	case notAllowed:
		kind, code = fault.Refused, "access_denied"
	}
	return &fault.Error{Kind: kind, Code: known(code)}
}

// refusalAt is the refusal of a call to an endpoint, with status 0 one that a browser brought; its cause says where to look.
func refusalAt(address string, status int, code string) *fault.Error {
	f := Refusal(code)
	attrs := []slog.Attr{slog.String("code", known(code)), slog.String("host", fetch.HostOf(address))}
	if status != 0 {
		attrs = append(attrs, slog.Int("status", status))
	}
	f.Err = &trouble.Mistake{Text: meaning(code), Check: fieldsOf(code), Attrs: attrs}
	return f
}

// codeOf is the error code of an answer, "" for none.
func codeOf(answer *fetch.Answer) string {
	code, err := answer.Object.String("error")
	if err != nil { // of another type
		return ""
	}
	return code
}

func meaning(code string) string {
	switch code {
	case "invalid_client":
		return "the provider does not accept the credentials of this service"
	case "unauthorized_client", "unsupported_grant_type":
		return "this client may not use this grant at the provider"
	case "invalid_redirect_uri":
		return "the redirect URI is not registered at the provider"
	case "invalid_scope":
		return "the provider does not know a scope, or this client may not ask for it"
	case notAllowed:
		return "the user, or this client, may not have offline_access"
	default:
		return "the provider refuses the request"
	}
}

// fieldsOf are the fields of the configuration that have to do with a code.
func fieldsOf(code string) string {
	switch code {
	case "invalid_client":
		return "Config.ClientID, Config.ClientSecret"
	case "unauthorized_client", "unsupported_grant_type":
		return "Config.ClientID, and the flows that the provider has switched on for it"
	case "invalid_redirect_uri", "invalid_request":
		return "Config.PublicURL, Config.RedirectURIs, and the redirect URIs that are registered at the provider"
	case "invalid_scope":
		return "Config.Scopes, Config.NoOfflineAccess"
	case notAllowed:
		return "Config.NoOfflineAccess"
	default:
		return ""
	}
}

// note logs whether the provider accepts this service, as far as an answer to one of its requests tells.
func (p *Provider) note(ctx context.Context, err error) {
	f := fault.Find(err)
	switch {
	case f == nil:
		p.registration.Seen(ctx, nil)
		p.scopes.Seen(ctx, nil)
		p.denied.Seen(ctx, nil)
	case f.Kind == fault.Client:
		p.registration.Seen(ctx, err)
	case f.Kind == fault.Refused && hasFields(f):
		p.scopes.Seen(ctx, err)
	case f.Kind == fault.Grant, f.Kind == fault.Pending, f.Kind == fault.Refused: // it talks to the user
		p.registration.Seen(ctx, nil)
	}
}

// unanswered keeps an error that says that there was no answer, or none that can be used.
func unanswered(err error) error {
	if fault.Is(err, fault.Outage) || fault.Is(err, fault.Unusable) {
		return err
	}
	return nil
}

// Denied logs that a browser came back with an error code that has to do with this service's configuration. It may be a user's
// invention, so that it is a warning.
func (p *Provider) Denied(ctx context.Context, meta *Metadata, code string) {
	if fieldsOf(code) != "" {
		p.denied.Seen(ctx, refusalAt(meta.Authorization, 0, code))
	}
}

// hasFields reports a refusal that the configuration has to do with.
func hasFields(f *fault.Error) bool {
	mistake, ok := f.Err.(*trouble.Mistake)
	return ok && mistake.Check != ""
}
