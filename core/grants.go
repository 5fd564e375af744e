package core

import (
	"context"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/session"
)

// Grant types of RFC 8628 section 3.4 and RFC 8693 section 2.1.
const (
	deviceGrant   = "urn:ietf:params:oauth:grant-type:device_code"
	exchangeGrant = "urn:ietf:params:oauth:grant-type:token-exchange"
)

// grant is one grant of the token route. The table serves the route and the counters.
type grant struct {
	name   string   // its grant_type
	fields []string // the spellings of the field with its credential
	named  bool     // the field counts only if grant_type names this grant
	run    func(*flows, context.Context, *tokenForm) (*session.Tokens, error)
	kind   string // of the event, and its part
	part   string
}

// grants lists the grants in the order in which their credentials are read.
var grants = []grant{
	{
		name: "authorization_code", fields: []string{"code"},
		run: (*flows).code, kind: eventLogin, part: grantCode,
	},
	{
		name: "refresh_token", fields: []string{"refresh-token", "refresh_token"},
		run: (*flows).refresh, kind: eventRefresh,
	},
	{
		name: deviceGrant, fields: []string{"device-code", "device_code"},
		run: (*flows).deviceCode, kind: eventLogin, part: grantDevice,
	},
	{
		name: exchangeGrant, fields: []string{"subject_token"}, named: true,
		run: (*flows).exchange, kind: eventLogin, part: grantExchange,
	},
}

// isGrant reports whether a grant_type is in the table.
func isGrant(name string) bool {
	return slices.ContainsFunc(grants, func(g grant) bool { return g.name == name })
}

// tokenForm is the form of the token route: the fields of the Python library, with hyphens or underscores.
type tokenForm struct {
	grant              *grant
	grantType          string // the request's grant_type, "" if absent
	credential         string // the code or token
	redirect, verifier string // only with a code
	provider           string // name of the provider that issued the code, if the client began the login with its own challenge
	issuer             string // iss of the answer with the code, if the client passes it on (RFC 9207)
	read               parameters
}

// readToken reads the form, which must contain exactly one grant; a grant_type must name that grant. The form is never nil;
// its grant is nil if the error left it undecided.
func readToken(read parameters) (*tokenForm, error) {
	form := &tokenForm{redirect: read.one("redirect_uri", "redirect-uri"), verifier: read.one("code_verifier", "code-verifier"), provider: read.one("provider"), issuer: read.one("iss")}
	form.grantType = read.one("grant_type", "grant-type")
	var given []*grant
	for i := range grants {
		g := &grants[i]
		if g.named && form.grantType != g.name {
			continue
		}
		if credential := read.one(g.fields...); credential != "" {
			given, form.credential = append(given, g), credential
		}
	}
	form.read = read
	if err := form.choose(given); err != nil {
		return form, err
	}
	form.grant = given[0]
	return form, nil
}

// choose returns an error unless exactly one grant is given and grant_type fits it.
func (t *tokenForm) choose(given []*grant) error {
	isNamed := func(g *grant) bool { return g.name == t.grantType }
	switch {
	case t.read.fault != nil:
		return t.read.fault
	case t.grantType != "" && !isGrant(t.grantType):
		return badRequest(CodeUnsupportedGrantType, "unsupported_grant_type: this grant_type is not offered")
	case len(given) == 0:
		return badRequest(CodeInvalidRequest, "Missing (device) code or refresh_token")
	case t.grantType != "" && !slices.ContainsFunc(given, isNamed):
		return badRequest(CodeInvalidRequest, "The grant_type names another grant than the parameters.")
	case len(given) > 1:
		return badRequest(CodeInvalidRequest, "More than one grant is given.")
	}
	return nil
}
