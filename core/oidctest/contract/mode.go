package contract

import (
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// setup is an adapter in one mode of the library.
type setup struct {
	Adapter
	*mode
}

// mode has all differences between passthrough and broker mode for the users of an application.
type mode struct {
	name  string
	parts []part // the tests for this mode only

	// configure enables the mode; the store is for broker mode.
	configure func(*core.Config, *testStore)
	// access converts an access token of the provider to one that guards accept.
	access func(s *site, providers string) string
	// badTokens returns access tokens that must be refused, by their fault.
	badTokens func(a setup, s *site) map[string]string
	// hold makes a guard without cached keys wait, and signals when it does.
	hold func(s *site, waits chan<- struct{})

	issues         bool   // guards accept tokens of this service
	withoutKeys    string // a guard without cached keys while the provider's keys are unreachable
	nameless       string // userinfo about an alice to whom the provider gives no name
	userInfoFaults []userInfoFault
	refreshGone    string // the token route for an unknown or ended refresh token
	bookGone       string // the same where the request names its grant_type: RFC 6749 section 5.2
	badSubject     string // the token route for an exchange of something that is not a token
	clientsHint    string // what logout makes of the parameter id_token_hint=h
	sessionsHint   string // the hint that the logout of a login adds
	revoked        string // the kind of token that the logout of a login revokes at the provider
	jwks           string // the jwks route; "" when there is none
	noToken        string // the revoke route about a request without a token; "" when there is none
	withoutToken   string // what the error of a Mount without a token route says; "" when that is fine
}

// userInfoFault is a fault of the provider's userinfo, and the answer for an alice whose name only the provider has.
type userInfoFault struct {
	name  string
	fault oidctest.Fault
	want  string
}

const aliceInfo = `{"username":"alice","last_name":"Adams","first_name":"Alice","pw_name":"alice","email":"alice@example.org"}`

// passthroughMode: the guards accept the provider's tokens, and the provider keeps the sessions.
func passthroughMode() *mode {
	nonsense := refused(http.StatusBadGateway, "server_error", "The OIDC provider gave an unusable answer.")
	return &mode{
		name:      "passthrough",
		parts:     []part{{"no public URL", testNoPublicURL}},
		configure: func(*core.Config, *testStore) {},
		access:    func(_ *site, providers string) string { return providers },
		badTokens: badProviderTokens,
		hold: func(s *site, waits chan<- struct{}) {
			s.idp.Tamper(oidctest.DiscoveryDocuments, func(oidctest.Claims) {
				close(waits)
				s.idp.Fault(oidctest.JWKS, oidctest.Hang())
			})
		},
		withoutKeys:    outage(http.StatusServiceUnavailable, "OIDC server unavailable, cannot validate token."),
		nameless:       jsonWith(http.StatusNotFound, `{"detail":""}`),
		userInfoFaults: userInfoFaults(outage(http.StatusServiceUnavailable, "The OIDC provider cannot be reached."), nonsense, nonsense, badToken()),
		refreshGone:    spentGrant(),
		bookGone:       spentGrant(),
		badSubject:     badRequest("unsupported_grant_type", "this grant_type is not offered"),
		clientsHint:    "&id_token_hint=h",
		revoked:        "access_token",
	}
}

// brokerMode: the guards accept tokens of this service, and its store keeps the sessions.
func brokerMode() *mode {
	known := jsonWith(http.StatusOK, aliceInfo) // an own token has all claims: the provider is not called
	return &mode{
		name:           "broker",
		parts:          brokerParts(),
		configure:      func(cfg *core.Config, s *testStore) { cfg.Broker, cfg.Store = &core.BrokerConfig{}, s },
		access:         (*site).exchanged,
		badTokens:      badOwnTokens,
		hold:           func(s *site, waits chan<- struct{}) { s.store.hang(waits) },
		issues:         true,
		withoutKeys:    seen("alice", 2), // own tokens need no keys of the provider
		nameless:       known,            // the subject is the name
		userInfoFaults: userInfoFaults(known, known, known, known),
		refreshGone:    refused(http.StatusUnauthorized, "invalid_grant", "Session expired or not found. Please re-authenticate.", challenge),
		bookGone:       refused(http.StatusBadRequest, "invalid_grant", "Session expired or not found. Please re-authenticate."),
		badSubject:     refused(http.StatusBadRequest, "invalid_grant", "Invalid token"),
		clientsHint:    "", // the session knows its own
		sessionsHint:   "&id_token_hint=…",
		revoked:        "refresh_token",
		jwks:           published(1),
		noToken:        invalid("Missing token"),
		withoutToken:   "token endpoint",
	}
}

func userInfoFaults(outage, page, somebody, unauthorized string) []userInfoFault {
	return []userInfoFault{
		{"outage", oidctest.Refused(), outage},
		{"page", oidctest.HTML(http.StatusOK), page},
		{"somebody", oidctest.Reply(http.StatusOK, "application/json", `{"sub":"bob","preferred_username":"bob"}`), somebody},
		{"unauthorized", oidctest.Status(http.StatusUnauthorized), unauthorized},
	}
}
