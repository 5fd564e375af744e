package oidctest

import (
	"time"
)

// Option is a setting of a provider, for [NewProvider] and [Start]. A later option overrides an earlier one.
type Option func(*settings)

// settings holds all settings of a provider; see [defaults].
type settings struct {
	address, path, algorithm, keyID string
	issuer                          string // "": the provider listens
	file                            string
	clock                           func() time.Time
	life                            Lifetimes

	noDevice, noUserInfo, noRevocation, noEndSession, noIss bool
	deviceNeedsPKCE                                         bool
	pushed, pushedOnly                                      bool
	opaque, jwtType, autoLogin, noSingleSignOn              bool
	signedIntrospection                                     bool
	keepRefresh, noRefresh, noScope, lowerCaseType          bool
	password                                                string
	users                                                   []User   // nil: the built-in ones
	clients                                                 []Client // nil: the built-in ones
	resources, scopes                                       []string
	consent                                                 bool
	refreshExpiresIn                                        *int64
	authMethods                                             []string
	acr                                                     []string
	strictACR, noStepUp                                     bool
}

// Lifetimes contains the lifetimes of codes and tokens, for [WithLifetimes]. A field that is 0 means its default.
type Lifetimes struct {
	Code         time.Duration // of an authorization code; default 1 minute
	AccessToken  time.Duration // default 5 minutes
	IDToken      time.Duration // default 5 minutes
	RefreshToken time.Duration // of each new refresh token; default 24 hours
	Device       time.Duration // of a device code and its user code; default 10 minutes
	Interval     time.Duration // minimum time between two polls of a device (RFC 8628 section 3.5); default 5 seconds
}

func defaults() settings {
	return settings{
		address: "127.0.0.1:0", algorithm: "RS256", clock: time.Now,
		life: Lifetimes{
			Code: time.Minute, AccessToken: 5 * time.Minute, IDToken: 5 * time.Minute,
			RefreshToken: 24 * time.Hour, Device: 10 * time.Minute, Interval: 5 * time.Second,
		},
		authMethods: []string{"client_secret_basic", "client_secret_post", "private_key_jwt", "none"},
	}
}

// WithAddress sets the address to listen on, as host:port, which must be on loopback ("127.0.0.1:8090"). Default: a free port of
// 127.0.0.1.
func WithAddress(address string) Option { return func(s *settings) { s.address = address } }

// WithoutNetwork makes a provider that does not listen. Its issuer may be any http or https URL of a host and a path. Only the client of
// [Provider.Client] can call it; [Provider.Config] sets that client. In a testing/synctest bubble the provider uses the bubble's clock.
// WithAddress and WithPath have no effect beside this option. Default: the provider listens on loopback, and its address is the issuer.
func WithoutNetwork(issuer string) Option { return func(s *settings) { s.issuer = issuer } }

// WithKeyID sets the key ID (kid) of the first signing key. Default: random.
func WithKeyID(kid string) Option { return func(s *settings) { s.keyID = kid } }

// WithAutoLogin logs in the user whom the parameter login_hint names, without a login page and a password, also with prompt=none. Default:
// login_hint logs nobody in.
func WithAutoLogin() Option { return func(s *settings) { s.autoLogin = true } }

// WithoutSingleSignOn shows the login page at every login, and prompt=none always fails: the provider sets no session cookie, and each login
// has a sid of its own. It is for tests in which one browser logs in as several users. Default: a browser that has logged in is not asked again.
func WithoutSingleSignOn() Option { return func(s *settings) { s.noSingleSignOn = true } }

// WithUsers replaces the built-in users. Default: alice, bob and carol.
func WithUsers(users ...User) Option { return func(s *settings) { s.users = users } }

// WithPassword sets the password of every user whose User.Password is empty. Default: such a user logs in with a button, without a password.
func WithPassword(password string) Option { return func(s *settings) { s.password = password } }

// WithClients replaces the built-in clients. [Provider.Config] and the methods that sign tokens still use the client "app". Default:
// [ConfidentialClient] and [PublicClient].
func WithClients(clients ...Client) Option { return func(s *settings) { s.clients = clients } }

// WithPath adds a path to the issuer and to every endpoint ("/realms/demo"). Default: none.
func WithPath(path string) Option { return func(s *settings) { s.path = path } }

// WithAlgorithm sets the signing algorithm: RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512 or EdDSA. Default: RS256.
func WithAlgorithm(algorithm string) Option { return func(s *settings) { s.algorithm = algorithm } }

// WithClock sets the provider's clock, to which [Provider.Advance] adds. The function is called concurrently. Default: time.Now.
func WithClock(clock func() time.Time) Option { return func(s *settings) { s.clock = clock } }

// WithLifetimes sets the lifetimes of codes and tokens. Fields that are 0 stay as they are. Default: see [Lifetimes].
func WithLifetimes(life Lifetimes) Option {
	return func(s *settings) {
		for _, pair := range []struct{ into, value *time.Duration }{
			{&s.life.Code, &life.Code}, {&s.life.AccessToken, &life.AccessToken}, {&s.life.IDToken, &life.IDToken},
			{&s.life.RefreshToken, &life.RefreshToken}, {&s.life.Device, &life.Device}, {&s.life.Interval, &life.Interval},
		} {
			if *pair.value != 0 {
				*pair.into = *pair.value
			}
		}
	}
}

// WithoutDeviceFlow removes the device authorization endpoint and its page.
func WithoutDeviceFlow() Option { return func(s *settings) { s.noDevice = true } }

// WithoutUserInfo removes the userinfo endpoint.
func WithoutUserInfo() Option { return func(s *settings) { s.noUserInfo = true } }

// WithoutRevocation removes the revocation endpoint.
func WithoutRevocation() Option { return func(s *settings) { s.noRevocation = true } }

// WithoutEndSession removes the end-session endpoint.
func WithoutEndSession() Option { return func(s *settings) { s.noEndSession = true } }

// WithoutIssParameter omits the parameter iss from authorization responses. Default: iss is there (RFC 9207).
func WithoutIssParameter() Option { return func(s *settings) { s.noIss = true } }

// WithDevicePKCE makes the device endpoint require a code_challenge, as Keycloak does for clients with a PKCE method. Default: it is optional.
func WithDevicePKCE() Option { return func(s *settings) { s.deviceNeedsPKCE = true } }

// WithOpaqueTokens issues access tokens that are random texts. Default: access tokens are JWTs (RFC 9068).
func WithOpaqueTokens() Option { return func(s *settings) { s.opaque = true } }

// WithSignedIntrospection announces introspection answers that are JWTs (RFC 9701), and sends them to clients whose header Accept names
// their type. Default: answers are JSON.
func WithSignedIntrospection() Option { return func(s *settings) { s.signedIntrospection = true } }

// WithJWTType sets the header typ of access tokens to "JWT". Default: "at+jwt" (RFC 9068 section 2.1).
func WithJWTType() Option { return func(s *settings) { s.jwtType = true } }

// WithoutRotation keeps refresh tokens valid after use, and issues no new one at a refresh. Default: each refresh issues a new refresh
// token, and the use of an old one ends the login (RFC 9700 section 4.14).
func WithoutRotation() Option { return func(s *settings) { s.keepRefresh = true } }

// WithoutRefreshTokens issues no refresh tokens.
func WithoutRefreshTokens() Option { return func(s *settings) { s.noRefresh = true } }

// WithoutScope omits scope from token responses.
func WithoutScope() Option { return func(s *settings) { s.noScope = true } }

// WithLowerCaseType sets token_type in token responses to "bearer". Default: "Bearer".
func WithLowerCaseType() Option { return func(s *settings) { s.lowerCaseType = true } }

// WithRefreshExpiresIn adds refresh_expires_in, in seconds, to token responses, as Keycloak does. Keycloak sends 0 for an offline token.
// Default: it is absent.
func WithRefreshExpiresIn(seconds int64) Option {
	return func(s *settings) { s.refreshExpiresIn = &seconds }
}

// WithAuthMethods sets the client authentication methods that the provider announces in its discovery document: client_secret_basic,
// client_secret_post, private_key_jwt, none. It accepts only those from clients with a secret or a key; a public client is always accepted.
// Without an argument the provider announces no methods and accepts all. Default: all four.
func WithAuthMethods(methods ...string) Option { return func(s *settings) { s.authMethods = methods } }
