package core

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"
)

// logout answers GET logout: always a redirect, to the provider's end-session endpoint (OpenID Connect RP-Initiated
// Logout section 2), or home. A bearer token that is valid is revoked first: at the provider, and in broker mode with its
// whole session, on every instance. The log is told when something of that begins to fail.
func (f *flows) logout(ctx context.Context, request *Request) (*Response, error) {
	target := f.logoutTarget(lone(request.Query, "post_logout_redirect_uri"))
	state, hint := lone(request.Query, "state"), lone(request.Query, "id_token_hint")
	meta, err := f.provider.metadata(ctx)
	if err != nil { // the log knows: it is told when the document cannot be had
		meta = &metadata{}
	} else {
		f.troubles.logout.seen(ctx, endSessionFault(meta))
	}
	caller, _ := f.leaver.Admit(ctx, request.Header.Values("Authorization"))
	switch {
	case f.broker != nil:
		hint = ""
		if caller != nil {
			hint = f.endSession(ctx, meta, caller)
		}
	case caller != nil:
		f.provider.revoke(ctx, meta, caller.Raw(), "access_token")
	}
	if meta.endSession == "" {
		if target == "" {
			return redirect("/"), nil
		}
		return redirect(withState(target, state)), nil
	}
	parameters := url.Values{"client_id": {f.cfg.ClientID}}
	for name, value := range map[string]string{"post_logout_redirect_uri": target, "state": state, "id_token_hint": hint} {
		if value != "" {
			parameters.Set(name, value)
		}
	}
	return redirect(endpoint(meta.endSession, parameters)), nil
}

func endSessionFault(meta *metadata) error {
	if meta.endSession == "" {
		return errors.New("core: no end_session_endpoint is known")
	}
	return nil
}

// endSession ends the session of an own token on every instance and returns the hint for the provider's logout. The log is
// told when that begins to fail in the store.
func (f *flows) endSession(ctx context.Context, meta *metadata, caller *IDToken) (hint string) {
	if caller.Issuer() != f.broker.issuer {
		return "" // a trusted issuer ends its own sessions
	}
	ctx, cancel := detached(ctx) // a logout that was asked for is not given up because the browser goes on
	defer cancel()
	id, until := sessionOf(caller), caller.Expiry().Add(2*f.cfg.Leeway)
	if life := time.Now().Add(f.broker.tokenLife()); life.After(until) { // a newer token of the session
		until = life
	}
	f.broker.feed.Add(id, until)
	data, err := f.endStored(ctx, id, until)
	f.troubles.endSession.seen(ctx, err)
	var s session
	if data == nil || json.Unmarshal(data, &s) != nil {
		return ""
	}
	f.provider.forsake(ctx, meta, s.Refresh)
	return strings.TrimSpace(s.IDToken)
}

// endStored ends a session in the store and returns its data; nil where there is none.
func (f *flows) endStored(ctx context.Context, id string, until time.Time) ([]byte, error) {
	opened := f.broker.opened.Load() // an end is queued also when the store has been away for long
	if opened == nil {
		var err error
		if opened, _, err = f.broker.ready(ctx); err != nil {
			return nil, err
		}
	}
	return opened.families.End(ctx, id, until)
}

// lone returns a parameter that is given once and is not longer than a credential may be; anything else counts as
// absent, since a logout is never refused.
func lone(query url.Values, name string) string {
	value, err := one(query, name)
	if err != nil || len(value) > maxCredential {
		return ""
	}
	return value
}
