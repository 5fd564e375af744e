package oidctest

import (
	"time"
)

// Option is a setting of a provider.
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
	opaque, jwtType, autoLogin, noSingleSignOn              bool
	keepRefresh, noRefresh, noScope, lowerCaseType          bool
	password                                                string
	users                                                   []User   // nil: the built-in ones
	clients                                                 []Client // nil: the built-in ones
	resources, scopes                                       []string
	consent                                                 bool
	refreshExpiresIn                                        *int64
	authMethods                                             []string
}

// Lifetimes sets the lifetimes of codes and tokens. A zero value means the default in the field's comment.
type Lifetimes struct {
	Code         time.Duration // 1 min
	AccessToken  time.Duration // 5 min
	IDToken      time.Duration // 5 min
	RefreshToken time.Duration // 24 h
	Device       time.Duration // 10 min
	Interval     time.Duration // 5 s between two polls of a device
}

func defaults() settings {
	return settings{
		address: "127.0.0.1:0", algorithm: "RS256", clock: time.Now,
		life: Lifetimes{
			Code: time.Minute, AccessToken: 5 * time.Minute, IDToken: 5 * time.Minute,
			RefreshToken: 24 * time.Hour, Device: 10 * time.Minute, Interval: 5 * time.Second,
		},
		authMethods: []string{"client_secret_basic", "client_secret_post", "none"},
	}
}

// WithAddress sets the address to listen on, which must be on loopback. Default: a free port of 127.0.0.1.
func WithAddress(address string) Option { return func(s *settings) { s.address = address } }

// WithoutNetwork makes a provider that does not listen. Its issuer may be any http or https URL of a host and a path; only
// [Provider.Client] reaches it, which [Provider.Config] sets. In a testing/synctest bubble it uses the bubble's clock.
// WithAddress and WithPath have no effect beside it. Default: the provider listens on loopback, and its address is the
// issuer.
func WithoutNetwork(issuer string) Option { return func(s *settings) { s.issuer = issuer } }

// WithKeyID sets the kid of the first signing key. Default: a random one.
func WithKeyID(kid string) Option { return func(s *settings) { s.keyID = kid } }

// WithAutoLogin skips the login page if login_hint names a user, and logs that user in, also with prompt=none.
func WithAutoLogin() Option { return func(s *settings) { s.autoLogin = true } }

// WithoutSingleSignOn shows the login page at every login, and prompt=none always fails: the provider sets no session cookie, and each login
// has a sid of its own. It is for tests in which one browser logs in as several users. Default: a browser that has logged in is not asked again.
func WithoutSingleSignOn() Option { return func(s *settings) { s.noSingleSignOn = true } }

// WithUsers replaces the built-in users.
func WithUsers(users ...User) Option { return func(s *settings) { s.users = users } }

// WithPassword sets the password of every user who has none of their own. Default: a button is enough.
func WithPassword(password string) Option { return func(s *settings) { s.password = password } }

// WithClients replaces the built-in clients. [Provider.Config] and the functions that mint tokens are for the client "app" all the same.
func WithClients(clients ...Client) Option { return func(s *settings) { s.clients = clients } }

// WithPath puts the issuer under a path ("/realms/demo"). Default: none.
func WithPath(path string) Option { return func(s *settings) { s.path = path } }

// WithAlgorithm sets the signing algorithm: RS256 (default), RS384 … PS512, ES256, ES384, ES512 or EdDSA.
func WithAlgorithm(algorithm string) Option { return func(s *settings) { s.algorithm = algorithm } }

// WithClock sets the provider's clock. Default: time.Now.
func WithClock(clock func() time.Time) Option { return func(s *settings) { s.clock = clock } }

// WithLifetimes sets lifetimes.
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

// WithoutDeviceFlow removes the device endpoint.
func WithoutDeviceFlow() Option { return func(s *settings) { s.noDevice = true } }

// WithoutUserInfo removes the userinfo endpoint.
func WithoutUserInfo() Option { return func(s *settings) { s.noUserInfo = true } }

// WithoutRevocation removes the revocation endpoint.
func WithoutRevocation() Option { return func(s *settings) { s.noRevocation = true } }

// WithoutEndSession removes the end-session endpoint.
func WithoutEndSession() Option { return func(s *settings) { s.noEndSession = true } }

// WithoutIssParameter omits iss from authorization responses (RFC 9207).
func WithoutIssParameter() Option { return func(s *settings) { s.noIss = true } }

// WithDevicePKCE requires a code_challenge of public clients at the device endpoint, as Keycloak can.
func WithDevicePKCE() Option { return func(s *settings) { s.deviceNeedsPKCE = true } }

// WithOpaqueTokens issues access tokens that are not JWTs.
func WithOpaqueTokens() Option { return func(s *settings) { s.opaque = true } }

// WithJWTType sets the typ of access tokens to "JWT" instead of "at+jwt" (RFC 9068).
func WithJWTType() Option { return func(s *settings) { s.jwtType = true } }

// WithoutRotation keeps refresh tokens valid after use and issues no new one on a refresh.
func WithoutRotation() Option { return func(s *settings) { s.keepRefresh = true } }

// WithoutRefreshTokens issues no refresh tokens.
func WithoutRefreshTokens() Option { return func(s *settings) { s.noRefresh = true } }

// WithoutScope omits scope from token answers.
func WithoutScope() Option { return func(s *settings) { s.noScope = true } }

// WithLowerCaseType answers with token_type "bearer" instead of "Bearer".
func WithLowerCaseType() Option { return func(s *settings) { s.lowerCaseType = true } }

// WithRefreshExpiresIn adds refresh_expires_in, in seconds, as Keycloak does. Keycloak sends 0 for an offline token.
func WithRefreshExpiresIn(seconds int64) Option {
	return func(s *settings) { s.refreshExpiresIn = &seconds }
}

// WithAuthMethods sets the client authentication methods that the provider announces and accepts: client_secret_basic,
// client_secret_post, none. Default: all three. Without a method, it accepts all and announces none.
func WithAuthMethods(methods ...string) Option { return func(s *settings) { s.authMethods = methods } }
