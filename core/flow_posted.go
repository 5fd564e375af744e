package core

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/login"
)

// arrivalParam is the parameter of the callback route for the navigation that follows a posted answer.
const arrivalParam = "arrival"

// postedCallback answers POST callback, to which the provider's page posts the answer of a login (OAuth 2.0 Form Post Response Mode). It is
// the one route that takes a form of another site: the login's cookie, which is SameSite=None, shows that this browser began the login, and
// nothing else counts. Browsers do not send the other cookies of this site, which are SameSite=Lax. So with Sessions the browser makes one
// more navigation, see [flows.arrive]: there the session ends that it had before.
func (f *flows) postedCallback(p *party) func(context.Context, *Request) (*Response, error) {
	return func(ctx context.Context, request *Request) (*Response, error) { return f.takeForm(ctx, p, request) }
}

func (f *flows) takeForm(ctx context.Context, p *party, request *Request) (*Response, error) {
	ctx, panicked := f.begin(ctx, Event{Kind: eventLogin, Part: grantCallback})
	if panicked != nil {
		return nil, panicked
	}
	answer, state, err := f.comeBackByForm(ctx, p, request)
	err = f.endAnswer(ctx, eventLogin, grantCallback, err)
	if fault.Is(err, fault.State) && state != nil && state.Return != "" { // perhaps sent twice: the browser may be logged in
		if onward, errOn := f.sendOn(state, ""); errOn == nil {
			addCookie(onward, f.states.Drop(state))
			return onward, nil
		}
	}
	if err == nil && f.browsers != nil && answer.Status == http.StatusFound {
		answer.Status = http.StatusSeeOther
	}
	return answer, err
}

func (f *flows) comeBackByForm(ctx context.Context, p *party, request *Request) (*Response, *login.State, error) {
	kind, _, err := mime.ParseMediaType(request.Header.Get("Content-Type"))
	if err != nil || kind != "application/x-www-form-urlencoded" {
		return nil, nil, badRequest(CodeInvalidRequest, "The answer of the provider has to be a urlencoded form.")
	}
	return f.comeBack(ctx, p, request, request.Form)
}

// sendOn redirects the browser to the callback route of this site, where it gets the session's cookie; "" means that the login did not
// work. The address has the cookie sealed, and is worth nothing without another cookie, which this answer sets.
func (f *flows) sendOn(state *login.State, session string) (*Response, error) {
	arrival := state.NewArrival(session)
	bound := f.states.Bind(arrival, time.Now())
	sealed, err := f.states.Seal(arrival)
	if err != nil {
		return nil, err
	}
	answer := redirect(endpoint(state.Redirect, url.Values{arrivalParam: {sealed}}))
	answer.Status = http.StatusSeeOther
	if session != "" {
		addCookie(answer, bound)
	}
	return answer, nil
}

// arrive answers the navigation that follows a posted answer: it ends the session that the browser had before, and sets the cookie of the new
// one. If the login did not work, it redirects a browser that is logged in to the address to return to.
func (f *flows) arrive(ctx context.Context, p *party, request *Request) (*Response, error) {
	arrival, err := f.states.Open(lone(request.Query, arrivalParam), login.Arrival)
	if err != nil {
		return nil, err
	}
	answer, err := f.seat(ctx, p, request, arrival)
	if fault.Is(err, fault.State) && f.isLoggedIn(ctx, request) { // also the back button
		answer, err = redirect(f.originURL(arrival.Return)), nil
	}
	if arrival.Session == "" {
		return answer, err
	}
	if answer == nil {
		answer = &Response{Header: make(http.Header)}
	}
	addCookie(answer, f.states.Drop(arrival))
	return answer, err
}

func (f *flows) seat(ctx context.Context, p *party, request *Request, arrival *login.State) (*Response, error) {
	if arrival.Session == "" || arrival.Redirect != f.ownCallback(p) || !arrival.BoundTo(cookieValue(request, arrival.Cookie)) {
		return nil, fault.New(fault.State, nil)
	}
	if err := f.states.Spend(arrival); err != nil {
		return nil, err
	}
	seat, _, err := f.browsers.Admit(ctx, arrival.Session, false)
	if err != nil {
		return nil, err
	}
	arriving := request.credentials()
	f.browsers.Replace(ctx, arriving.cookie(f.cfg.Sessions.CookieName), seat)
	answer, err := f.land(ctx, request, seat, arrival.Session, arrival.Return)
	if err != nil {
		_ = f.vault.EndOne(ctx, seat.ID) // nobody gets its cookie
	}
	return answer, err
}
