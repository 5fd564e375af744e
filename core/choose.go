package core

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/login"
)

// Choice is one provider that a person can choose at a login that names none.
type Choice struct {
	Name  string // for the parameter provider of the login route
	Label string // text for people: Provider.Label, or the name
	URL   string // public address of the login at this provider, with the parameters of the request; without PublicURL only "?" and these
	Last  bool   // this browser's last login was here, up to 180 days ago; then it is the first choice
}

// lastLife is how long a browser keeps the name of the provider of its last login.
const lastLife = 180 * 24 * time.Hour

// offersChoice reports whether a login that names no provider is answered with the chooser: a person sees the answer, and the service that
// redeems the code knows from the state which provider was chosen. A client with its own code_challenge would not know it.
func (f *flows) offersChoice(request *Request, q *loginQuery) bool {
	return len(f.parties) > 1 && q.challenge == "" && showsPage(request.credentials())
}

// choose answers a login that names no provider with the chooser.
func (f *flows) choose(ctx context.Context, request *Request) (*Response, error) {
	address := "" // of this very page, if no public address is configured
	if f.cfg.PublicURL != "" {
		address = f.cfg.PublicURL + f.paths.Login
	}
	last := cookieValue(request, f.lastCookie("").Name)
	var choices []Choice
	for _, p := range f.parties {
		query := maps.Clone(request.Query)
		query.Set("provider", p.Name)
		if f.isOwnCallback(query.Get("redirect_uri")) {
			query.Set("redirect_uri", f.ownCallback(p))
		}
		choice, at := Choice{Name: p.Name, Label: p.Label, URL: endpoint(address, query), Last: p.Name == last}, len(choices)
		if choice.Last {
			at = 0
		}
		choices = slices.Insert(choices, at, choice)
	}
	answer, err := f.onChoose(ctx, request, choices)
	if err != nil || answer != nil {
		return answer, err
	}
	return page{Title: "Log in", Text: "Choose where you have an account.", Choices: choices}.response(http.StatusOK), nil
}

// lastCookie returns the cookie with the name of the provider of a login. It is not secret, and decides nothing but the order of the
// choices: a person chooses, so that nobody is sent to a provider by what somebody else did in this browser.
func (f *flows) lastCookie(name string) *http.Cookie {
	secure := f.cfg.isSecure()
	return &http.Cookie{ //nolint:gosec // without Secure only where PublicURL is http, which is loopback or AllowHTTP
		Name: login.CookiePrefix(secure) + "oidc-provider", Value: name, Path: "/", MaxAge: int(lastLife / time.Second), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	}
}

// remember adds that cookie to the answer to a login that succeeded, if people can choose.
func (f *flows) remember(p *party, answer *Response) {
	if len(f.parties) > 1 {
		addCookie(answer, f.lastCookie(p.Name))
	}
}

// onChoose calls Config.OnChoose; nil means the default page.
func (f *flows) onChoose(ctx context.Context, request *Request, choices []Choice) (answer *Response, err error) {
	if f.cfg.OnChoose == nil {
		return nil, nil
	}
	err = f.called(ctx, "Config.OnChoose", func() { answer = f.cfg.OnChoose(ctx, request, choices) })
	return answer, err
}
