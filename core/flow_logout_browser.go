package core

import (
	"context"
	"net/http"
	"net/url"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/login"
)

// browserLogout answers a logout of a browser with a session, and one that the provider sends back. done is false for any other.
func (f *flows) browserLogout(ctx context.Context, request *Request, asked *logoutRequest) (answer *Response, done bool, err error) {
	credentials := request.credentials()
	if raw, err := bearer(credentials.values("Authorization")); raw != "" || !fault.Is(err, fault.Missing) {
		return nil, false, nil
	}
	current, _, err := f.browserCaller(ctx, &credentials, false)
	switch {
	case err == nil:
		answer, err = f.leave(ctx, request, caller{token: current.caller(), session: current}, asked)
		return answer, true, err
	case fault.Is(err, fault.Foreign), fault.Is(err, fault.Outage):
		return nil, true, err
	}
	if state, err := f.states.Open(asked.state, login.Logout); err == nil && f.states.IsCurrent(state) {
		return redirect(state.Return), true, nil
	}
	return nil, false, nil
}

// leave logs a browser out: it ends the session and redirects to the provider's logout, which redirects back to the logout route with
// a sealed state. A GET from another site gets a page with a button instead.
func (f *flows) leave(ctx context.Context, request *Request, who caller, asked *logoutRequest) (*Response, error) {
	credentials := request.credentials()
	site := credentials.values("Sec-Fetch-Site")
	if request.Method == http.MethodGet && (len(site) != 1 || site[0] != "same-origin" && site[0] != "none") {
		return f.confirmLogout(asked), nil
	}
	left, err := f.browsers.End(ctx, who.session.seat)
	p := f.partyOf(left.From)
	meta, target := p.metadata(ctx), f.home(f.logoutTarget(asked.target), asked.state)
	if meta.EndSession != "" {
		address, errSeal := f.states.SealLogout(target)
		if errSeal != nil {
			return nil, errSeal
		}
		parameters := url.Values{"client_id": {p.ClientID}, "post_logout_redirect_uri": {f.cfg.PublicURL + f.paths.Logout}, "state": {address}}
		setUnlessEmpty(parameters, "id_token_hint", left.Hint)
		target = endpoint(meta.EndSession, parameters)
	}
	var answer *Response
	switch {
	case isNavigation(request):
		answer = redirect(target)
	case err != nil:
		return f.withoutCookie(), err
	default:
		answer = jsonResponse(LogoutStart{LogoutURL: target})
	}
	addCookie(answer, f.dropSession())
	return answer, nil
}

// withoutCookie deletes the cookie together with a refusal.
func (f *flows) withoutCookie() *Response {
	answer := &Response{Header: make(http.Header)}
	addCookie(answer, f.dropSession())
	return answer
}

// home returns the final address of a logout: target if it is allowed, else Home.
func (f *flows) home(target, state string) string {
	if target == "" {
		return f.originURL(f.cfg.Sessions.Home)
	}
	return withState(target, state)
}

func (f *flows) confirmLogout(asked *logoutRequest) *Response {
	fields := map[string]string{}
	for name, value := range map[string]string{"post_logout_redirect_uri": asked.target, "state": asked.state} {
		if value != "" {
			fields[name] = value
		}
	}
	return page{
		Title: "Log out?", Text: "You are about to log out of this application.", Action: f.cfg.PublicURL + f.paths.Logout, Button: "Log out", Fields: fields,
	}.response(http.StatusOK)
}
