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

// mode is all in which passthrough and broker mode differ for whoever uses an application.
type mode struct {
	name  string
	parts []part // what this mode alone has

	// configure switches the mode on; the store is that of broker mode.
	configure func(*core.Config, *testStore)
	// access makes the token that guards take out of an access token of the provider.
	access func(s *site, providers string) string
	// badTokens are access tokens that somebody could try, by what is wrong with each.
	badTokens func(a setup, s *site) map[string]string
	// hold makes a guard wait that has not seen a token yet, and tells when it does.
	hold func(s *site, waits chan<- struct{})

	withoutKeys    string // a guard that has not seen a token yet, when the provider's keys are out of reach
	nameless       string // userinfo about an alice to whom the provider gives no name
	userInfoFaults []userInfoFault
	refreshGone    string // the token route about a refresh token that is not known, or no more
	bookGone       string // the same where the request names its grant_type: RFC 6749 section 5.2
	badSubject     string // the token route about an exchange of what is no token
	clientsHint    string // what becomes at logout of the parameter id_token_hint=h
	sessionsHint   string // the hint that the logout of a login adds
	revoked        string // the kind of token that the logout of a login revokes at the provider
	jwks           string // the jwks route; "" when there is none
	noToken        string // the revoke route about a request without a token; "" when there is none
	withoutToken   string // what the error of a Mount without a token route says; "" when that is fine
}

// userInfoFault is a fault of the provider's userinfo, and the answer about an alice of whose name only the provider
// knows.
type userInfoFault struct {
	name  string
	fault oidctest.Fault
	want  string
}

const aliceInfo = `{"username":"alice","last_name":"Adams","first_name":"Alice","pw_name":"alice","email":"alice@example.org"}`

// passthroughMode: the guards take the provider's tokens, and the provider keeps the sessions.
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

// brokerMode: the guards take tokens of this service, and its store keeps the sessions.
func brokerMode() *mode {
	known := jsonWith(http.StatusOK, aliceInfo) // an own token says it all: the provider is not asked
	return &mode{
		name:           "broker",
		parts:          brokerParts(),
		configure:      func(cfg *core.Config, s *testStore) { cfg.Broker, cfg.Store = &core.BrokerConfig{}, s },
		access:         (*site).exchanged,
		badTokens:      badOwnTokens,
		hold:           func(s *site, waits chan<- struct{}) { s.store.hang(waits) },
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
