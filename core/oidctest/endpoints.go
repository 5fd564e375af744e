package oidctest

// Endpoint names an endpoint of the provider.
type Endpoint string

// The endpoints. Elsewhere is the target of [Redirect]: a hit means that a client has followed it.
const (
	Discovery     Endpoint = "discovery"
	JWKS          Endpoint = "jwks"
	Authorization Endpoint = "authorization"
	Token         Endpoint = "token"
	UserInfo      Endpoint = "userinfo"
	Device        Endpoint = "device"
	DevicePage    Endpoint = "device page"
	Introspection Endpoint = "introspection"
	Revocation    Endpoint = "revocation"
	EndSession    Endpoint = "end session"
	Elsewhere     Endpoint = "elsewhere"
)

// paths has the paths of the endpoints below the issuer.
var paths = map[Endpoint]string{
	Discovery: "/.well-known/openid-configuration", JWKS: "/jwks", Authorization: "/authorize", Token: "/token",
	UserInfo: "/userinfo", Device: "/device_authorization", DevicePage: "/device", Introspection: "/introspect",
	Revocation: "/revoke", EndSession: "/logout", Elsewhere: "/elsewhere",
}

// Target names content that [Provider.Tamper] can change.
type Target string

// The targets of Tamper.
const (
	IDTokens             Target = "id tokens"
	AccessTokens         Target = "access tokens"
	TokenAnswers         Target = "token answers"
	DeviceAnswers        Target = "device answers"
	UserInfoAnswers      Target = "userinfo answers"
	DiscoveryDocuments   Target = "discovery documents"
	JWKSDocuments        Target = "jwks documents"
	IntrospectionAnswers Target = "introspection answers"

	errorAnswers Target = "error answers"
)

// Tamper calls a function to change the claims or members of this target before they are signed or sent; in tokens, a claim
// set to nil is removed. A nil function ends it. The function may be called concurrently.
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
