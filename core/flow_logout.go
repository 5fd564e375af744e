package core

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
)

// logout answers GET and POST logout (OpenID Connect RP-Initiated Logout section 2). It redirects a browser to the provider's
// end-session endpoint, or home; a program that posts gets that address as JSON. First it ends what the request's tokens belong
// to, at the provider and in broker mode as a whole session on every instance: a valid bearer token, in broker mode any own
// signed one, and in a POST a refresh_token. Failures are logged as changes of state. If the store does not have the end
// yet, a program gets a 503; a browser is redirected all the same.
func (f *flows) logout(ctx context.Context, request *Request) (*Response, error) {
	asked, err := readLogout(request)
	if err != nil {
		return nil, err
	}
	credentials := request.credentials()
	if f.browsers != nil {
		if answer, done, err := f.browserLogout(ctx, request, asked); done {
			return answer, err
		}
	}
	target := f.logoutTarget(asked.target)
	who, _ := f.leaver.caller(ctx, credentials)
	ending := session.Ending{Caller: who.token.verified(), Refresh: asked.refresh, Hint: asked.hint}
	if who.token == nil {
		ending.Bearer, _ = bearer(credentials.values("Authorization"))
	}
	left, err := f.logins.End(ctx, ending)
	address := f.leadOn(ctx, f.partyOf(left.From), target, asked.state, left.Hint)
	switch {
	case isNavigation(request):
		return redirect(address), nil
	case err != nil:
		return nil, err
	default:
		return jsonResponse(LogoutStart{LogoutURL: address}), nil
	}
}

// LogoutStart is the JSON answer of the logout route to a program, which then opens LogoutURL in a browser.
type LogoutStart struct {
	LogoutURL string `json:"logout_url"` // where a browser ends the session at the provider
}

// leadOn returns where a browser goes from here.
func (f *flows) leadOn(ctx context.Context, p *party, target, state, hint string) string {
	meta := p.metadata(ctx)
	switch {
	case meta.EndSession == "" && target == "":
		return "/"
	case meta.EndSession == "":
		return withState(target, state)
	}
	parameters := url.Values{"client_id": {p.ClientID}}
	setUnlessEmpty(parameters, "post_logout_redirect_uri", target)
	setUnlessEmpty(parameters, "state", state)
	setUnlessEmpty(parameters, "id_token_hint", hint)
	return endpoint(meta.EndSession, parameters)
}

// logoutRequest is what a logout asks for.
type logoutRequest struct{ target, state, hint, refresh string }

// readLogout reads the query of a GET and refuses nothing there: a repeated parameter counts as absent. A POST has its
// parameters in the form, and a refresh token is read only there, since addresses are logged.
func readLogout(request *Request) (*logoutRequest, error) {
	if request.Method != http.MethodPost {
		query := request.Query
		return &logoutRequest{target: lone(query, "post_logout_redirect_uri"), state: lone(query, "state"), hint: lone(query, "id_token_hint")}, nil
	}
	read := parameters{values: request.Form, most: maxCredential}
	asked := &logoutRequest{
		target: read.one("post_logout_redirect_uri"), state: read.one("state"), hint: read.one("id_token_hint"),
		refresh: read.one("refresh_token", "refresh-token"),
	}
	return asked, read.err()
}

// isNavigation reports whether a browser shows the answer, rather than a program reading it: any GET; a POST that says so
// (Fetch Metadata), or of a browser too old to say so that prefers a page.
func isNavigation(request *Request) bool {
	if request.Method == http.MethodGet {
		return true
	}
	if mode := request.Header.Get("Sec-Fetch-Mode"); mode != "" {
		return mode == "navigate"
	}
	return prefersPage(request.Header.Values("Accept"))
}

// prefersPage reports whether text/html is named, and liked at least as well as JSON (RFC 9110 section 12.5.1).
func prefersPage(accept []string) bool {
	quality := map[string]float64{}
	for _, line := range accept {
		for entry := range strings.SplitSeq(line, ",") {
			kind, parameters, _ := strings.Cut(entry, ";")
			quality[strings.ToLower(strings.TrimSpace(kind))] = qualityOf(parameters)
		}
	}
	page := quality["text/html"]
	return page > 0 && page >= quality["application/json"]
}

func qualityOf(parameters string) float64 {
	for parameter := range strings.SplitSeq(parameters, ";") {
		if text, ok := strings.CutPrefix(strings.ToLower(strings.TrimSpace(parameter)), "q="); ok {
			quality, _ := strconv.ParseFloat(text, 64) // what is no number is not wanted
			return quality
		}
	}
	return 1
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
