package core

import (
	"context"
	"errors"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// logout answers GET logout: always a redirect, to the provider's end-session endpoint (OpenID Connect RP-Initiated
// Logout section 2), or home. A bearer token that is valid is revoked first: at the provider, and in broker mode with its
// whole session, on every instance. The log is told when something of that begins to fail.
func (f *flows) logout(ctx context.Context, request *Request) (*Response, error) {
	target := f.logoutTarget(lone(request.Query, "post_logout_redirect_uri"))
	state, hint := lone(request.Query, "state"), lone(request.Query, "id_token_hint")
	meta, err := f.provider.Metadata(ctx)
	if err != nil { // the log knows: it is told when the document cannot be had
		meta = &provider.Metadata{}
	} else {
		f.noLogout.Seen(ctx, endSessionFault(meta))
	}
	caller, _ := f.leaver.Admit(ctx, request.Header.Values("Authorization"))
	hint = f.logins.End(ctx, meta, caller.verified(), hint)
	if meta.EndSession == "" {
		if target == "" {
			return redirect("/"), nil
		}
		return redirect(withState(target, state)), nil
	}
	parameters := url.Values{"client_id": {f.cfg.ClientID}}
	setUnlessEmpty(parameters, "post_logout_redirect_uri", target)
	setUnlessEmpty(parameters, "state", state)
	setUnlessEmpty(parameters, "id_token_hint", hint)
	return redirect(endpoint(meta.EndSession, parameters)), nil
}

func endSessionFault(meta *provider.Metadata) error {
	if meta.EndSession == "" {
		return errors.New("core: no end_session_endpoint is known")
	}
	return nil
}

func setUnlessEmpty(parameters url.Values, name, value string) {
	if value != "" {
		parameters.Set(name, value)
	}
}
