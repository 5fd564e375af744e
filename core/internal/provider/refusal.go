package provider

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// notAllowed is Keycloak's error code for a user or a client that may not have offline_access. No specification defines it.
const notAllowed = "not_allowed"

// registered lists the error codes that may be logged: those of RFC 6749 sections 4.1.2.1 and 5.2, RFC 7009, RFC 7591, RFC 8628
// and RFC 8693, and Keycloak's.
var registered = []string{
	"invalid_request", "invalid_client", "invalid_grant", "unauthorized_client", "unsupported_grant_type", "invalid_scope",
	"access_denied", "unsupported_response_type", "server_error", "temporarily_unavailable", "unsupported_token_type",
	"invalid_redirect_uri", "invalid_client_metadata", "authorization_pending", "slow_down", "expired_token", "invalid_target",
	notAllowed,
}

// known returns code if it is registered, else "": other codes are arbitrary text of the provider.
func known(code string) string {
	if slices.Contains(registered, code) {
		return code
	}
	return ""
}

// Refusal returns the fault for a provider's error code. A code that the caller can do nothing about is of kind Client: the
// provider refuses this service.
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

// refusalAt returns the fault for a refused call to an endpoint, with a cause that says what to check. Status 0 means that a
// browser brought the error code.
func (c Client) refusalAt(address string, status int, code string) *fault.Error {
	f := Refusal(code)
	attrs := []slog.Attr{slog.String("code", known(code)), slog.String("host", fetch.HostOf(address))}
	if status != 0 {
		attrs = append(attrs, slog.Int("status", status))
	}
	f.Err = &trouble.Mistake{Text: meaning(code), Check: c.fieldsOf(code), Attrs: attrs}
	return f
}

// codeOf returns the error code of an answer, "" if there is none.
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
		return "the user or this client may not have offline_access"
	default:
		return "the provider refuses the request"
	}
}

// fieldsOf returns the settings to check for an error code, "" if there are none.
func (c Client) fieldsOf(code string) string {
	switch code {
	case "invalid_client":
		if c.HasKey() {
			return "Config.ClientID, Config.ClientKey, and the keys registered for it at the provider"
		}
		return "Config.ClientID, Config.ClientSecret"
	case "unauthorized_client", "unsupported_grant_type":
		return "Config.ClientID, and the flows that are enabled for it at the provider"
	case "invalid_redirect_uri", "invalid_request":
		return "Config.PublicURL, Config.RedirectURIs, and the redirect URIs registered at the provider"
	case "invalid_scope":
		return "Config.Scopes, Config.NoOfflineAccess"
	case notAllowed:
		return "Config.NoOfflineAccess"
	default:
		return ""
	}
}

// note logs changes in whether the provider accepts this service, as far as the result of a request shows it.
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
	case f.Kind == fault.Grant, f.Kind == fault.Pending, f.Kind == fault.Refused: // the provider accepted this service and refused the user
		p.registration.Seen(ctx, nil)
	}
}

// unanswered returns err if there was no answer or an unusable one, else nil.
func unanswered(err error) error {
	if f := fault.Find(err); f != nil && f.Part == fault.Signer { // not asked
		return nil
	}
	if fault.Is(err, fault.Outage) || fault.Is(err, fault.Unusable) {
		return err
	}
	return nil
}

// Denied logs that a browser came back with an error code that points to the configuration of this service. It is only a
// warning, because a user can invent the code.
func (p *Provider) Denied(ctx context.Context, meta *Metadata, code string) {
	if p.Client.fieldsOf(code) != "" {
		p.denied.Seen(ctx, p.Client.refusalAt(meta.Authorization, 0, code))
	}
}

// hasFields reports whether the cause of a refusal names settings to check.
func hasFields(f *fault.Error) bool {
	var mistake *trouble.Mistake
	return errors.As(f.Err, &mistake) && mistake.Check != ""
}
