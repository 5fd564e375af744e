package core

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/login"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
)

// callbackRoute answers GET callback of one provider, where the provider sends the browser after a login, and the browser goes after a posted
// answer. Once the state has been opened, the answer always deletes the login's cookie.
func (f *flows) callbackRoute(p *party) func(context.Context, *Request) (*Response, error) {
	return func(ctx context.Context, request *Request) (*Response, error) {
		if p.asks.posted && f.browsers != nil && request.Query.Has(arrivalParam) {
			return f.arrive(ctx, p, request)
		}
		ctx, panicked := f.begin(ctx, Event{Kind: eventLogin, Part: grantCallback})
		if panicked != nil {
			return nil, panicked
		}
		answer, _, err := f.comeBack(ctx, p, request, request.Query)
		return answer, f.endAnswer(ctx, eventLogin, grantCallback, err)
	}
}

// comeBack ends a login with the provider's answer. The state is nil if it could not be opened.
func (f *flows) comeBack(ctx context.Context, at *party, request *Request, values url.Values) (*Response, *login.State, error) {
	if f.ownCallback(at) == "" {
		return nil, nil, &Error{Status: http.StatusInternalServerError, Code: CodeServerError, Detail: "The callback needs PublicURL in the configuration."} // no try later will find one
	}
	p, err := readCallback(values)
	if err != nil {
		return nil, nil, err
	}
	state, err := f.states.Open(p.state, login.Browser)
	if err != nil {
		f.logState(ctx, request)
		return nil, nil, err
	}
	answer, err := f.finish(ctx, request, at, p, state)
	if err != nil && f.browsers != nil {
		if back := f.leadBack(ctx, request, p, state, err); back != nil {
			answer, err = back, nil
		}
	}
	if answer == nil {
		answer = &Response{Header: make(http.Header)}
	}
	addCookie(answer, f.states.Drop(state))
	return answer, state, err
}

// callbackQuery holds the provider's parameters (RFC 6749 sections 4.1.2 and 4.1.2.1, RFC 9207).
type callbackQuery struct{ code, state, fault, issuer string }

func readCallback(query url.Values) (*callbackQuery, error) {
	read := parameters{values: query}
	p := &callbackQuery{code: read.one("code"), state: read.one("state"), fault: read.one("error"), issuer: read.one("iss")}
	if err := read.err(); err != nil {
		return nil, err
	}
	if p.state == "" || p.code == "" && p.fault == "" {
		return nil, badRequest(CodeInvalidRequest, "Missing code or state")
	}
	return p, nil
}

// finish redeems the code. Before that it checks that this browser began the login (RFC 9700 section 4.7), that the state has
// not been used before, and that the answer comes from the provider at which it began: by the route, and by iss (RFC 9207).
func (f *flows) finish(ctx context.Context, request *Request, from *party, p *callbackQuery, state *login.State) (*Response, error) {
	if state.Provider != f.tag(from) || state.Redirect != f.ownCallback(from) || !state.BoundTo(cookieValue(request, state.Cookie)) {
		return nil, fault.New(fault.State, nil)
	}
	if err := f.states.Spend(state); err != nil {
		return nil, err
	}
	at, err := f.logins.Prepare(ctx, from.up)
	if err != nil {
		return nil, err
	}
	if p.issuer != "" && !isFrom(at, p.issuer) || p.issuer == "" && at.Meta.IssInAnswers {
		return nil, errAnotherProvider()
	}
	if p.fault != "" {
		at.Provider.Denied(ctx, at.Meta, p.fault)
		return nil, f.weakLogin(ctx, state, providerFault(p.fault))
	}
	check := session.Check{Nonce: state.Nonce, IDToken: session.Always, Scope: state.Scope, StepUp: state.StepUp}
	if f.browsers != nil {
		answer, err := f.logIn(ctx, request, at, codeForm(p.code, state.Verifier, state.Redirect), check, state)
		if err == nil {
			f.remember(from, answer)
		}
		return answer, f.weakLogin(ctx, state, err)
	}
	tokens, err := f.logins.Redeem(ctx, at, codeForm(p.code, state.Verifier, state.Redirect), check)
	if err != nil {
		return nil, f.weakLogin(ctx, state, err)
	}
	token := tokenOf(tokens)
	answer, err := f.onLogin(ctx, request, token)
	if err != nil {
		return nil, err
	}
	if answer != nil {
		answer = answer.owned()
	} else {
		answer = jsonResponse(token)
	}
	f.remember(from, answer)
	return answer, nil
}

// isFrom reports whether iss of an answer names the provider (RFC 9207 section 2.4).
func isFrom(at *session.Reached, issuer string) bool {
	return issuer == at.Meta.Issuer || at.Issuer.Spellings.Has(issuer)
}

func errAnotherProvider() error {
	return badRequest(CodeInvalidRequest, "The answer is not from the provider of this login.")
}

// logIn begins the session of a browser and redirects to the address to return to.
func (f *flows) logIn(ctx context.Context, request *Request, at *session.Reached, form url.Values, check session.Check, state *login.State) (*Response, error) {
	arriving := request.credentials()
	cookie, seat, err := f.logins.LogIn(ctx, at, form, check, session.Arrival{
		Begun: time.UnixMilli(state.Issued), Old: arriving.cookie(f.cfg.Sessions.CookieName), Agent: agentOf(request),
	})
	if err != nil {
		return nil, err
	}
	var answer *Response
	if request.Method == http.MethodPost {
		answer, err = f.sendOn(state, cookie)
	} else {
		answer, err = f.land(ctx, request, seat, cookie, state.Return)
	}
	if err != nil {
		_, _ = f.browsers.End(ctx, seat) // nobody gets its cookie
	}
	return answer, err
}

// land answers the browser that gets the cookie of a new session.
func (f *flows) land(ctx context.Context, request *Request, seat *session.Seat, cookie, returnTo string) (*Response, error) {
	token := &Token{TokenType: "Bearer", Expires: seat.Expires.Unix(), RefreshExpires: seat.Expires.Unix(), Scope: strings.Join(sessionOf(seat).caller().Scopes(), " "), caller: sessionOf(seat).caller()}
	answer, err := f.onLogin(ctx, request, token)
	if err != nil {
		return nil, err
	}
	if answer != nil {
		answer = answer.owned()
	} else {
		answer = redirect(f.originURL(returnTo))
	}
	addCookie(answer, f.sessionCookie(cookie, int(f.cfg.Sessions.Lifetime/time.Second)))
	addCookie(answer, f.countCookie(request))
	return answer, nil
}

// silentFaults are the errors for prompt=none if the provider would have to show a page (OpenID Connect Core section 3.1.2.6).
var silentFaults = []string{"login_required", "interaction_required", "account_selection_required", "consent_required"}

// leadBack returns a redirect to the address to return to for two failures that a person need not see, nil for all others: a silent
// login of a guest, and a used callback in the history of a browser that is logged in.
func (f *flows) leadBack(ctx context.Context, request *Request, p *callbackQuery, state *login.State, err error) *Response {
	if state.Return == "" {
		return nil
	}
	if state.Silent && (slices.Contains(silentFaults, p.fault) || kindOf(err) == fault.Weak) && !fault.Is(err, fault.State) {
		return redirect(f.originURL(state.Return))
	}
	if !fault.Is(err, fault.State) || !f.isLoggedIn(ctx, request) {
		return nil
	}
	return redirect(f.originURL(state.Return))
}

// isLoggedIn reports whether the browser has a session.
func (f *flows) isLoggedIn(ctx context.Context, request *Request) bool {
	credentials := request.credentials()
	_, _, err := f.browserCaller(ctx, &credentials, false)
	return err == nil
}

// maxAgent is the maximum length of a stored User-Agent, in bytes.
const maxAgent = 256

func agentOf(request *Request) string {
	agent := strings.Map(func(r rune) rune {
		if r < 0x20 || r > 0x7e {
			return -1
		}
		return r
	}, request.Header.Get("User-Agent"))
	return agent[:min(len(agent), maxAgent)]
}

// loginFaults lists the provider's error codes that are passed on (RFC 6749 section 4.1.2.1, OpenID Connect Core section
// 3.1.2.6).
var loginFaults = []string{
	"invalid_request", "unauthorized_client", "access_denied", "unsupported_response_type", "invalid_scope", "server_error",
	"temporarily_unavailable", "interaction_required", "login_required", "account_selection_required", "consent_required",
}

// providerFault answers a callback with an error of the provider: it passes on a known code, never the provider's text. It is a fault of
// kind Weak if the provider says that it cannot log the person in as was asked.
func providerFault(code string) error {
	if code == CodeUnmetAuthentication {
		return fault.New(fault.Weak, nil)
	}
	if !slices.Contains(loginFaults, code) {
		code = CodeInvalidRequest
	}
	e := badRequest(code, code+": the provider did not log the user in")
	e.people = "The provider did not log you in. You can log in again."
	return e
}

// owned returns a copy whose header may be changed, because an application may return the same Response for many requests.
func (r *Response) owned() *Response {
	header := r.Header.Clone()
	if header == nil {
		header = make(http.Header)
	}
	return &Response{Status: r.Status, Header: header, Body: r.Body}
}

func cookieValue(request *Request, name string) string {
	for _, cookie := range cookies(request) {
		if cookie.Name == name {
			return cookie.Value
		}
	}
	return ""
}

func cookies(request *Request) []*http.Cookie {
	return (&http.Request{Header: http.Header{"Cookie": request.Header.Values("Cookie")}}).Cookies()
}

func addCookie(answer *Response, cookie *http.Cookie) {
	answer.Header.Add("Set-Cookie", cookie.String())
}
