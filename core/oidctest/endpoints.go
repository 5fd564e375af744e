package oidctest

// Endpoint is one of the provider's addresses.
type Endpoint string

// The endpoints. Elsewhere is where [Redirect] points: whoever asks it has followed.
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

// paths are where the endpoints stand below the issuer.
var paths = map[Endpoint]string{
	Discovery: "/.well-known/openid-configuration", JWKS: "/jwks", Authorization: "/authorize", Token: "/token",
	UserInfo: "/userinfo", Device: "/device_authorization", DevicePage: "/device", Introspection: "/introspect",
	Revocation: "/revoke", EndSession: "/logout", Elsewhere: "/elsewhere",
}

// Target is a kind of content that [Provider.Tamper] changes.
type Target string

// The kinds of content.
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

// Tamper lets a function change the claims or members of everything of this kind before it is signed or sent; a claim
// set to nil is left out of tokens. nil ends it. The function may be called by several requests at once.
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
