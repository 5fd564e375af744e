package oidctest

// Endpoint is the name of an endpoint of the provider, for [Provider.URL], [Provider.Fault], [Provider.Hits] and [Provider.Last].
type Endpoint string

// The endpoints of a provider. Elsewhere is none of OpenID Connect: it answers 404, and a hit means that a client has followed a [Redirect],
// or that the client of [Provider.Client] has called another host.
const (
	Discovery      Endpoint = "discovery"       // the discovery document (OpenID Connect Discovery section 4)
	JWKS           Endpoint = "jwks"            // the published keys (RFC 7517)
	Authorization  Endpoint = "authorization"   // the login page (RFC 6749 section 3.1)
	Token          Endpoint = "token"           // RFC 6749 section 3.2
	UserInfo       Endpoint = "userinfo"        // OpenID Connect Core section 5.3
	Device         Endpoint = "device"          // device authorization (RFC 8628 section 3.1)
	DevicePage     Endpoint = "device page"     // where the user types the code of a device (RFC 8628 section 3.3)
	Introspection  Endpoint = "introspection"   // RFC 7662
	Revocation     Endpoint = "revocation"      // RFC 7009
	PushedRequests Endpoint = "pushed requests" // RFC 9126 section 2, see [WithPushedRequests]
	EndSession     Endpoint = "end session"     // OpenID Connect RP-Initiated Logout
	Elsewhere      Endpoint = "elsewhere"
)

// paths has the paths of the endpoints below the issuer.
var paths = map[Endpoint]string{
	Discovery: "/.well-known/openid-configuration", JWKS: "/jwks", Authorization: "/authorize", Token: "/token",
	UserInfo: "/userinfo", Device: "/device_authorization", DevicePage: "/device", Introspection: "/introspect",
	Revocation: "/revoke", PushedRequests: "/par", EndSession: "/logout", Elsewhere: "/elsewhere",
}

// Target is the name of content that [Provider.Tamper] can change.
type Target string

// The targets of [Provider.Tamper].
const (
	IDTokens             Target = "id tokens"             // the claims of ID tokens
	AccessTokens         Target = "access tokens"         // the claims of access tokens
	TokenAnswers         Target = "token answers"         // successful responses of the token endpoint
	DeviceAnswers        Target = "device answers"        // successful responses of the device endpoint
	PushAnswers          Target = "push answers"          // successful responses of the endpoint for pushed requests
	UserInfoAnswers      Target = "userinfo answers"      // successful responses of the userinfo endpoint
	DiscoveryDocuments   Target = "discovery documents"   // the discovery document
	JWKSDocuments        Target = "jwks documents"        // the key set
	IntrospectionAnswers Target = "introspection answers" // responses of the introspection endpoint, without what surrounds them in a JWT

	// SignedIntrospectionAnswers are the claims of introspection answers that are JWTs; those about the token are in token_introspection.
	SignedIntrospectionAnswers Target = "signed introspection answers"

	errorAnswers Target = "error answers"
)

// Tamper sets a function that changes the claims or members of a target before the provider signs or sends them. In tokens, a claim that
// the function sets to nil is removed. There is one function for each target; nil removes it. The function may be called concurrently.
func (p *Provider) Tamper(target Target, change func(Claims)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tampers[target] = change
}

func (p *Provider) tamper(target Target, body Claims) {
	p.mu.Lock()
	change := p.tampers[target]
	p.mu.Unlock()
	if change != nil {
		change(body)
	}
}
