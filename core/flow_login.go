package core

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/login"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// flows implements the routes of one route table.
type flows struct {
	*Auth
	paths    Paths  // of the table, complete
	member   *Guard // guards the userinfo route
	leaver   *Guard // guards the logout route
	person   *Guard // guards the session routes
	onlooker *Guard // the same, for requests that do not extend a session
}

func (a *Auth) flows(paths Paths) *flows {
	f := &flows{Auth: a, paths: paths, member: a.guard(false, nil), leaver: a.guard(true, []Requirement{NoDefaults})}
	sessions := []Requirement{NoDefaults, SessionOnly}
	f.person, f.onlooker = a.guard(false, sessions), a.guard(false, sessions)
	f.member.place, f.leaver.place, f.person.place, f.onlooker.place = "userinfo", "logout", "session", "session"
	f.leaver.still, f.onlooker.still = true, true
	return f
}

// ownCallback returns the public address of a provider's callback route, "" if there is none. Each provider has its own, so that the code
// of one is never sent to another (RFC 9700 section 4.4.2).
func (f *flows) ownCallback(p *party) string {
	if f.cfg.PublicURL == "" || f.paths.Callback == Off {
		return ""
	}
	return f.cfg.PublicURL + f.callbackPath(p)
}

// callbackPath returns the path of a provider's callback route.
func (f *flows) callbackPath(p *party) string {
	if p == f.main() || f.paths.Callback == Off {
		return f.paths.Callback
	}
	return f.paths.Callback + "/" + p.Name
}

// isOwnCallback reports whether uri is the callback of any provider.
func (f *flows) isOwnCallback(uri string) bool {
	return uri != "" && slices.ContainsFunc(f.parties, func(p *party) bool { return uri == f.ownCallback(p) })
}

// Limits of login parameters, in bytes.
const (
	maxRedirect    = 2048
	maxScopeText   = 4096
	maxClientState = 1024
)

// loginQuery holds the parameters of a login request.
type loginQuery struct {
	party                                     *party // nil: a person has to choose
	redirect, prompt, scope, state, challenge string
	returnTo                                  string // "" for a client's login
	offline, silent                           bool
	added                                     url.Values    // see Config.AllowAuthParams, and what stepUp asks for
	stepUp                                    claims.StepUp // what the login has to be like
}

// login answers GET login: it redirects the browser to the provider (RFC 6749 section 4.1.1, always with PKCE).
func (f *flows) login(ctx context.Context, request *Request) (*Response, error) {
	query, err := f.readLogin(ctx, request)
	if err != nil {
		return nil, err
	}
	if query.party == nil {
		return f.choose(ctx, request)
	}
	meta, err := query.party.up.Provider.Metadata(ctx)
	if err != nil {
		return nil, &Error{Status: http.StatusServiceUnavailable, Detail: "OIDC server unavailable, cannot log in.", RetryAfter: outageRetry, Err: err, kind: fault.Outage}
	}
	if meta.Authorization == "" {
		return nil, notDiscovered("authorization_endpoint")
	}
	query.demand()
	parameters := query.party.asks.parameters(query.redirect, query.scope, query.prompt, query.added)
	if query.returnTo != "" {
		if loop := f.countLogin(request); loop != nil {
			return loop, nil
		}
	}
	if query.challenge != "" { // the client keeps its own verifier and state
		parameters.Set("code_challenge", query.challenge)
		if query.state != "" {
			parameters.Set("state", query.state)
		}
		target, err := query.party.authorizationURL(ctx, meta, parameters)
		if err != nil {
			return nil, err
		}
		return redirect(target), nil
	}
	return f.loginWithState(ctx, request, meta, query, parameters)
}

// bindTo adds the parameters that bind an authorization request to a login; sealed is the state as the provider sees it.
func bindTo(parameters url.Values, state *login.State, sealed string) {
	parameters.Set("state", sealed)
	parameters.Set("nonce", state.Nonce)
	parameters.Set("code_challenge", state.Challenge())
}

func (f *flows) loginWithState(ctx context.Context, request *Request, meta *provider.Metadata, query *loginQuery, parameters url.Values) (*Response, error) {
	kind := login.Loopback
	if f.isOwnCallback(query.redirect) {
		kind = login.Browser
	}
	state := login.NewState(kind, query.redirect, query.scope)
	state.Provider = f.tag(query.party)
	var cookie *http.Cookie
	if kind == login.Browser {
		state.Return, state.Silent, state.Posted, state.StepUp = query.returnTo, query.silent, query.party.asks.posted, query.demanded()
		if state.Posted {
			parameters.Set("response_mode", formPost)
		}
		cookie = f.states.Bind(state, time.Now())
	}
	sealed, err := f.states.Seal(state)
	if err != nil {
		return nil, err
	}
	bindTo(parameters, state, sealed)
	target, err := query.party.authorizationURL(ctx, meta, parameters)
	if err != nil {
		return nil, err
	}
	answer := redirect(target)
	if cookie != nil {
		for _, old := range f.states.Crowded(cookies(request)) {
			addCookie(answer, f.states.DropOther(old, state))
		}
		addCookie(answer, cookie)
	}
	return answer, nil
}

func (f *flows) readLogin(ctx context.Context, request *Request) (*loginQuery, error) {
	read := parameters{values: request.Query}
	q := &loginQuery{
		redirect: read.one("redirect_uri"), prompt: read.one("prompt"), scope: read.one("scope"), state: read.one("state"),
		challenge: read.one("code_challenge"),
	}
	method, offline := read.one("code_challenge_method"), read.one("offline_access")
	returnTo, name, sealed := read.one("return_to"), read.one("provider"), read.one(stepUpParam)
	if err := read.err(); err != nil {
		return nil, err
	}
	if err := f.target(q, name, sealed); err != nil {
		return nil, err
	}
	if err := f.browserLogin(ctx, request, q, returnTo); err != nil {
		return nil, err
	}
	if sealed != "" && q.returnTo == "" {
		return nil, badRequest(CodeInvalidRequest, "The parameter "+stepUpParam+" is for logins of browsers alone.")
	}
	if len(q.redirect) > maxRedirect || !f.mayRedirect(q.party, q.redirect) {
		f.logRedirect(ctx)
		return nil, badRequest(CodeInvalidRequest, "This redirect_uri is not allowed.")
	}
	if err := f.checkChallenge(q, method); err != nil {
		return nil, err
	}
	q.offline = strings.EqualFold(offline, "true") && !f.cfg.NoOfflineAccess
	var err error
	if q.prompt, q.silent, err = readPrompt(q.prompt, q.returnTo != "" && sealed == ""); err != nil {
		return nil, err
	}
	if q.scope, err = f.loginScope(q.party, q.scope, q.offline); err != nil {
		return nil, err
	}
	q.added, err = q.party.asks.asked(request.Query)
	if err == nil && name == "" && sealed == "" && f.offersChoice(request, q) {
		q.party = nil
	}
	return q, err
}

// checkChallenge checks code_challenge and state. The client must send an S256 challenge if its redirect URI is neither the
// own callback nor loopback, because only it can hold the verifier; a loopback client may send one; the own callback must not
// have one.
func (f *flows) checkChallenge(q *loginQuery, method string) error {
	own := f.isOwnCallback(q.redirect)
	switch {
	case q.challenge == "" && !own && !isLoopbackCallback(q.redirect):
		return badRequest(CodeInvalidRequest, "This redirect_uri needs a code_challenge of method S256.")
	case q.challenge == "" && method != "", q.challenge != "" && (method != "S256" || !isChallenge(q.challenge)):
		return badRequest(CodeInvalidRequest, "The code_challenge has to be one of method S256.")
	case q.challenge != "" && own:
		return badRequest(CodeInvalidRequest, "The own callback takes no code_challenge.")
	case len(q.state) > maxClientState || hasControl(q.state):
		return badRequest(CodeInvalidRequest, "The state is too long or malformed.")
	}
	return nil
}

// isChallenge reports whether text has the form of an S256 challenge: a SHA-256 hash in base64url (RFC 7636 section 4.2).
func isChallenge(text string) bool {
	return len(text) == 43 && isAlphanumeric(text, "-_")
}

// readPrompt accepts the values of OpenID Connect Core section 3.1.2.1. It drops none, as the Python library does, but where it
// stands alone at a login for a session: then the provider shows nothing.
func readPrompt(text string, forSession bool) (prompt string, silent bool, err error) {
	words := claims.Distinct(strings.Fields(text))
	for _, word := range words {
		if !slices.Contains([]string{"none", "login", "consent", "select_account"}, word) {
			return "", false, badRequest(CodeInvalidRequest, "This prompt is not one of login, consent, select_account and none.")
		}
	}
	if forSession && slices.Equal(words, []string{"none"}) {
		return "none", true, nil
	}
	return strings.Join(slices.DeleteFunc(words, func(word string) bool { return word == "none" }), " "), false, nil
}

// loginScope keeps the requested scopes that are configured or standard. openid always comes first.
func (f *flows) loginScope(p *party, asked string, offline bool) (string, error) {
	if len(asked) > maxScopeText {
		return "", badRequest(CodeInvalidScope, "invalid_scope: the scope is too long")
	}
	words := p.Scopes
	if asked != "" {
		allowed := append([]string{"openid", "profile", "email", "offline_access"}, p.Scopes...)
		words = slices.DeleteFunc(strings.Fields(asked), func(word string) bool { return !slices.Contains(allowed, word) })
	}
	return f.scopeText(words, offline), nil
}

// scopeText joins the scopes: openid first, offline_access only if requested and allowed.
func (f *flows) scopeText(words []string, offline bool) string {
	all := append([]string{"openid"}, words...)
	if offline {
		all = append(all, "offline_access")
	}
	if f.cfg.NoOfflineAccess {
		all = slices.DeleteFunc(all, func(word string) bool { return word == "offline_access" })
	}
	return strings.Join(claims.Distinct(all), " ")
}

// notDiscovered is the error for an endpoint that the discovery document lacks.
func notDiscovered(name string) error {
	return &fault.Error{Kind: fault.Unusable, Part: fault.Endpoint, Name: name}
}

// endpoint appends parameters to a URL that may already have a query.
func endpoint(address string, parameters url.Values) string {
	if len(parameters) == 0 {
		return address
	}
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + parameters.Encode()
}
