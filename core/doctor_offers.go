package core

import (
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// googleIssuer issues opaque access tokens to everybody.
const googleIssuer = "https://accounts.google.com"

// examineOffers compares what the provider offers with what the configuration uses.
func (a visit) examineOffers(f *findings, e *provider.Examination, tables []Paths) {
	for _, endpoint := range []struct{ member, address string }{{"authorization_endpoint", e.Meta.Authorization}, {"token_endpoint", e.Meta.Token}} {
		if endpoint.address == "" {
			f.wrong("offers", "", "The discovery document has no %s, so that nobody can log in: enable the authorization code flow at the provider.", endpoint.member)
		}
	}
	a.examineLoginOffers(f, e)
	a.examineRouteOffers(f, e.Meta, tables)
	a.examineSessionOffers(f, e, tables)
	a.examineTokens(f, e.Meta)
	if list := offered(e); len(list) > 0 {
		f.ok("offers", "The provider offers %s.", strings.Join(list, ", "))
	}
}

// examineTokens reports access tokens that guards cannot verify: those of logins in this process, and those of Google.
func (a visit) examineTokens(f *findings, meta *provider.Metadata) {
	switch {
	case a.party.looksUp():
		a.examineLookups(f, meta)
	case a.logins.GivesOpaque():
		f.wrong("access tokens", "Tokens: core.Opaque,", "The provider's access tokens are opaque, so that guards refuse them: look them up at the provider with Config.Tokens, or register an API (an audience or a resource) for this service there, or use Config.Sessions for pages or broker mode for clients with tokens.")
	case a.cfg.Broker == nil && meta.Issuer == googleIssuer:
		f.note("access tokens", "Tokens: core.GoogleTokenInfo,", "Google's access tokens are opaque, so that guards refuse them: look them up with Config.Tokens, or use Config.Sessions for pages, or broker mode for clients with tokens.")
	case a.cfg.Broker == nil && !a.party.takesAnyAudience():
		f.ok("access tokens", "Guards accept access tokens for the audience %s; that the provider issues such ones, only a login shows.", strings.Join(a.party.audiences(), " or "))
	}
}

// examineLookups reports lookups of opaque tokens that cannot work.
func (a visit) examineLookups(f *findings, meta *provider.Metadata) {
	switch {
	case a.party.Tokens != GoogleTokenInfo && meta.Introspection == "" && a.party.introspection().Endpoint == "":
		f.wrong("access tokens", "", "The discovery document has no introspection_endpoint, so that no opaque token can be looked up: enable it at the provider, or write its address into Config.Introspection.Endpoint.")
	case a.party.introspection().Signed && len(meta.SignedLookups) > 0 && !slices.ContainsFunc(meta.SignedLookups, provider.Verifies):
		f.wrong("access tokens", "", "Introspection.Signed is set, and the provider signs its answers with none of the algorithms that can be verified here: register another introspection_signed_response_alg there, or remove Signed.")
	case a.party.introspection().Signed && len(meta.SignedLookups) == 0:
		f.note("access tokens", "", "Introspection.Signed is set, and the discovery document does not announce signed answers (introspection_signing_alg_values_supported): if the provider does not sign them, every lookup fails.")
	default:
		f.ok("access tokens", "Opaque access tokens are looked up at the provider; they must be for the audience %s.", strings.Join(a.party.audiences(), " or "))
	}
}

// offered names what the document offers.
func offered(e *provider.Examination) []string {
	var list []string
	for _, offer := range []struct {
		name string
		is   bool
	}{
		{"browser login", e.Meta.Authorization != ""}, {"device login", e.Meta.Device != ""}, {"userinfo", e.Meta.UserInfo != ""}, {"logout", e.Meta.EndSession != ""}, {"revocation", e.Meta.Revocation != ""},
		{"back-channel logout", e.Offers.BackChannelLogout}, {"iss in answers", e.Meta.IssInAnswers},
		{"introspection", e.Offers.Introspection}, {"pushed authorization requests", e.Meta.PushedRequests != ""},
	} {
		if offer.is {
			list = append(list, offer.name)
		}
	}
	return list
}

func (a visit) examineLoginOffers(f *findings, e *provider.Examination) {
	offers := e.Offers
	a.examinePushes(f, e.Meta)
	a.examineResponseMode(f, offers.ResponseModes)
	if len(offers.Challenges) > 0 && !slices.Contains(offers.Challenges, "S256") {
		f.note("offers", "", "The provider does not announce PKCE with S256, which every login here sends: enable it at the provider, or nothing but the state protects the codes.")
	}
	if !e.Meta.IssInAnswers {
		f.note("offers", "", "The provider does not send iss in its answers (RFC 9207): enable it if other providers send browsers to this callback, too.")
	}
	for _, scope := range a.party.Scopes {
		if len(offers.Scopes) > 0 && !slices.Contains(offers.Scopes, scope) {
			f.note("scopes", "", "The provider does not announce the scope %s of Config.Scopes: a login that asks for it may be refused.", scope)
		}
	}
}

// examinePushes compares Config.PushedRequests with what the provider requires and offers.
func (a visit) examinePushes(f *findings, meta *provider.Metadata) {
	switch {
	case a.party.pushes(meta) && meta.PushedRequests == "":
		f.wrong("offers", "", "Logins have to be pushed, and the discovery document has no pushed_authorization_request_endpoint: no login can begin. Enable it at the provider, or remove Config.PushedRequests.")
	case meta.PushedOnly && !a.party.pushes(meta):
		f.wrong("offers", `PushedRequests: core.PushWhenOffered,`, "The provider requires pushed authorization requests, and Config.PushedRequests is core.PushNever: it refuses every login.")
	}
}

// examineResponseMode compares Config.ResponseMode with the modes that the provider announces; without a list they are query and fragment
// (OpenID Connect Discovery section 3).
func (a visit) examineResponseMode(f *findings, modes []string) {
	posts := slices.Contains(modes, formPost)
	switch {
	case a.party.ResponseMode == formPost && posts:
		f.ok("offers", "The provider announces form_post, in which it answers logins here.")
	case a.party.ResponseMode == formPost && len(modes) == 0:
		f.note("offers", "", "Config.ResponseMode is form_post, and the provider does not announce its response modes: only a login shows whether it knows this one.")
	case a.party.ResponseMode == formPost:
		f.wrong("offers", "", "Config.ResponseMode is form_post, and the provider does not announce it (response_modes_supported): it may refuse every login. Remove ResponseMode.")
	case posts && !slices.Contains(modes, "query"):
		f.wrong("offers", `ResponseMode: "form_post",`, "The provider does not announce answers in the query (response_modes_supported), but form_post: it may refuse every login.")
	}
}

// examineRouteOffers notes mounted routes that need what the provider does not offer.
func (a visit) examineRouteOffers(f *findings, meta *provider.Metadata, tables []Paths) {
	for _, route := range []struct {
		off      bool
		of       func(Paths) string
		line     string
		sentence string
	}{
		{meta.Device == "", func(p Paths) string { return p.Device }, "Device: core.Off,", "The provider offers no device login, so that the device route answers with an error: enable it, or switch the route off."},
		{meta.EndSession == "", func(p Paths) string { return p.Logout }, "", "The provider offers no logout: the logout route ends the session here, and the next login at the provider may ask nothing."},
		{meta.UserInfo == "", func(p Paths) string { return p.UserInfo }, "", "The provider offers no userinfo: names and addresses are those in the tokens."},
	} {
		if route.off && serves(tables, route.of) {
			f.note("offers", route.line, "%s", route.sentence)
		}
	}
}

// examineSessionOffers notes what sessions in the store miss.
func (a visit) examineSessionOffers(f *findings, e *provider.Examination, tables []Paths) {
	if a.vault == nil {
		return
	}
	if e.Offers.BackChannelLogout {
		for _, address := range a.publicAddresses(tables, func(p Paths) string { return p.BackChannelLogout }) {
			f.note("back-channel logout", address, "Register this back-channel logout URI at the provider, so that a logout there ends the sessions here.")
		}
	} else {
		f.note("back-channel logout", "", "The provider offers no back-channel logout: a session here continues after a logout there.")
	}
	if len(e.Offers.Grants) > 0 && !slices.Contains(e.Offers.Grants, "refresh_token") {
		f.note("offers", "", "The provider announces no refresh tokens: sessions do not notice changed roles, and in broker mode they end with the first access token.")
	}
	if e.Meta.Revocation == "" {
		f.note("offers", "", "The provider offers no revocation: the refresh tokens of ended sessions stay valid there until they expire.")
	}
}
