package oidctest

import (
	"net/url"
	"slices"
	"strings"
)

// WithACR gives logins an authentication context class, the claim acr of ID tokens and access tokens, and access tokens the claim auth_time.
// It is the first of values, or, at a login with the parameter acr_values, the first of these that is one of values. A browser whose login has
// another one is shown the login page again. The discovery document announces the values. If acr_values has none of them, the login has the
// first (OpenID Connect Core section 3.1.2.1 makes it a wish), unless there is [WithStrictACR]. Default: no acr, and acr_values is ignored.
func WithACR(values ...string) Option { return func(s *settings) { s.acr = values } }

// WithStrictACR answers the error unmet_authentication_requirements to a login whose acr_values has no value of [WithACR]. Default: the login
// succeeds with the first of WithACR.
func WithStrictACR() Option { return func(s *settings) { s.strictACR = true } }

// WithoutStepUp ignores acr_values and max_age: a browser that has logged in is not asked again, and keeps the acr and the auth_time of its
// login. Default: both are obeyed.
func WithoutStepUp() Option { return func(s *settings) { s.noStepUp = true } }

// acrFor returns the acr of a login with these parameters, "" without WithACR. obeyed: the parameters can be met.
func (p *Provider) acrFor(query url.Values) (acr string, obeyed bool) {
	if len(p.set.acr) == 0 {
		return "", true
	}
	asked := strings.Fields(query.Get("acr_values"))
	for _, value := range asked {
		if !p.set.noStepUp && slices.Contains(p.set.acr, value) {
			return value, true
		}
	}
	return p.set.acr[0], len(asked) == 0
}

// isUnmet reports whether a request asks for an acr that this provider insists that it does not have.
func (p *Provider) isUnmet(query url.Values) bool {
	_, obeyed := p.acrFor(query)
	return p.set.strictACR && !obeyed
}

// isTooWeak reports whether the login of a browser has another acr than the request asks for, and a new one would have it.
func (p *Provider) isTooWeak(query url.Values, session signedIn) bool {
	asked := strings.Fields(query.Get("acr_values"))
	_, obeyed := p.acrFor(query)
	return !p.set.noStepUp && len(p.set.acr) > 0 && len(asked) > 0 && obeyed && !slices.Contains(asked, session.acr)
}

// addLogin adds acr and auth_time of a login to the claims of its access token, unless they are there. A service has no login.
func (p *Provider) addLogin(claims Claims, login *family) {
	if len(p.set.acr) == 0 || login.grant.authTime == 0 {
		return
	}
	for name, value := range map[string]any{"acr": login.grant.acr, "auth_time": login.grant.authTime} {
		if _, given := claims[name]; !given {
			claims[name] = value
		}
	}
}
