package oidctest

import (
	"net/url"
	"slices"
	"strings"
)

// WithResources sets the services for which clients may request access tokens with the parameter resource (RFC 8707), at the authorization,
// device and token endpoints. The parameter may occur several times. The aud claim of such a token contains the requested resources; at the
// token endpoint, a client may request a part of those of the login. A request for another resource gets the error invalid_target. Default:
// the provider ignores the parameter.
func WithResources(resources ...string) Option {
	return func(s *settings) { s.resources = resources }
}

// WithScopes sets the scopes that the provider announces and grants, in addition to openid. A request for another scope gets the error
// invalid_scope. Default: the provider announces openid, profile, email and offline_access, and grants every scope.
func WithScopes(scopes ...string) Option {
	return func(s *settings) { s.scopes = append([]string{"openid"}, scopes...) }
}

// granted returns the error code for scopes and resources that a request must not have, "" if there are none.
func (p *Provider) granted(request url.Values) string {
	unknown := func(scope string) bool { return !slices.Contains(p.set.scopes, scope) }
	if len(p.set.scopes) > 0 && slices.ContainsFunc(strings.Fields(request.Get("scope")), unknown) {
		return "invalid_scope"
	}
	if _, ok := p.resources(request, nil); !ok {
		return "invalid_target"
	}
	return ""
}

// resources returns the resources of a request, those of its login if it names none; false if one is not allowed.
func (p *Provider) resources(request url.Values, login []string) ([]string, bool) {
	asked := request["resource"]
	switch {
	case len(p.set.resources) == 0:
		return nil, true
	case len(asked) == 0:
		return login, true
	}
	among := p.set.resources
	if len(login) > 0 {
		among = login
	}
	unknown := func(resource string) bool { return !slices.Contains(among, resource) }
	return asked, !slices.ContainsFunc(asked, unknown)
}

// repeats reports whether a parameter is given twice (RFC 6749 section 3.1) that must not be: several resources may be requested.
func (p *Provider) repeats(values url.Values) bool {
	for name, list := range values {
		if len(list) > 1 && !(name == "resource" && len(p.set.resources) > 0) {
			return true
		}
	}
	return false
}

// audienceOf returns aud of a client's access tokens.
func (p *Provider) audienceOf(id string) any {
	client, _ := p.client(id)
	if len(client.Audience) == 0 {
		return id
	}
	return oneOrMany(client.Audience)
}

// oneOrMany writes aud: a text for one name, a list for several (RFC 7519 section 4.1.3).
func oneOrMany(names []string) any {
	if len(names) == 1 {
		return names[0]
	}
	return slices.Clone(names)
}
