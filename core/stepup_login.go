package core

import (
	"context"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/login"
)

// stepUpParam is the parameter of the login route with what a guard demands of the login. It is sealed: whoever makes a link cannot set
// acr_values and max_age with it, as far as AllowAuthParams does not permit them.
const stepUpParam = "step_up"

// loginFor returns the public address of the login that mends a refusal; returnTo may be "". For a session whose login is not enough it is
// a login at the session's provider with what was demanded.
func (a *Auth) loginFor(ctx context.Context, refusal *Error, returnTo string) string {
	address := a.loginURL(returnTo)
	if !refusal.isStepUp() {
		return address
	}
	up, err := a.logins.Upstreams.Of(ctx, refusal.issuer)
	if err != nil || up == nil { // the provider was removed: the session ends with the next request
		return address
	}
	sealed, err := a.states.SealStepUp(a.tag(a.partyOf(up)), refusal.stepUp)
	if err != nil {
		return address
	}
	return endpoint(address, url.Values{stepUpParam: {sealed}})
}

// target sets the provider of a login and what the login has to be like: what Config.Require demands of every login, and what a guard has
// sealed. Both name the provider if there is a demand; they must not differ.
func (f *flows) target(q *loginQuery, name, sealed string) error {
	q.stepUp = f.member.stepUp
	if sealed == "" {
		if q.party = f.named(name); q.party == nil {
			return errUnknownProvider()
		}
		return nil
	}
	tag, demand, err := f.states.OpenStepUp(sealed)
	if err != nil {
		return err
	}
	if q.party = f.named(tag); q.party == nil || name != "" && name != q.party.Name {
		return errUnknownProvider()
	}
	var ok bool
	if q.stepUp, ok = q.stepUp.And(demand); !ok {
		return fault.New(fault.State, nil) // sealed before the configuration changed
	}
	return nil
}

// demand adds the parameters that ask the provider for a login like q.stepUp. They replace those of the query. max_age=0 goes with
// prompt=login, which means the same (OpenID Connect Core section 3.1.2.1): some providers understand only one of the two.
func (q *loginQuery) demand() {
	if len(q.stepUp.ACR) > 0 {
		q.added.Set("acr_values", strings.Join(q.stepUp.ACR, " "))
	}
	if !q.stepUp.Bounded {
		return
	}
	q.added.Set("max_age", strconv.FormatInt(q.stepUp.Seconds(), 10))
	if words := strings.Fields(q.prompt); q.stepUp.Seconds() == 0 && !q.silent && !slices.Contains(words, "login") {
		q.prompt = strings.Join(append(words, "login"), " ")
	}
}

// demanded returns what the state of a login keeps, nil for nothing.
func (q *loginQuery) demanded() *claims.StepUp {
	if q.stepUp.IsZero() {
		return nil
	}
	return &q.stepUp
}

// weakLogin turns the fault of a login that is not what was asked for into a refusal that leads back to the page; any other error it returns
// as it is. It is an answer and no redirect: the guard of that page would begin the same login again, for ever.
func (f *flows) weakLogin(ctx context.Context, state *login.State, err error) error {
	if !fault.Is(err, fault.Weak) {
		return err
	}
	if state.StepUp != nil {
		f.log.LogAttrs(ctx, slog.LevelDebug, "a login is not what was asked for", wantedOf(state.StepUp)...)
	}
	e := refusalOf(err)
	if state.Return != "" {
		e.retry = f.originURL(state.Return)
	}
	return e
}

// errWeak answers a login at which the provider did not confirm what was asked for.
func errWeak() *Error {
	return &Error{
		Status: http.StatusForbidden, Code: CodeUnmetAuthentication, Detail: "The provider did not confirm the login that is needed.",
		people: "This page needs a stronger or more recent login, and the provider did not confirm one. Perhaps your account there has no second factor. If you were logged in before, you still are.",
	}
}
