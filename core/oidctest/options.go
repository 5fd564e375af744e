package oidctest

import (
	"time"
)

// Option changes a provider before it starts.
type Option func(*settings)

// settings are all knobs of a provider; the defaults are those of [defaults].
type settings struct {
	address, path, algorithm, keyID string
	issuer                          string // "": the provider listens
	file                            string
	clock                           func() time.Time
	life                            Lifetimes

	noDevice, noUserInfo, noRevocation, noEndSession, noIss bool
	deviceNeedsPKCE                                         bool
	opaque, jwtType, autoLogin                              bool
	keepRefresh, noRefresh, noScope, lowerCaseType          bool
	refreshExpiresIn                                        *int64
	authMethods                                             []string
}

// Lifetimes says how long things of the provider last. A zero value keeps the default beside it.
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

// WithAddress sets where the provider listens, on loopback. Default: a free port of 127.0.0.1.
func WithAddress(address string) Option { return func(s *settings) { s.address = address } }

// WithoutNetwork makes a provider that listens nowhere: issuer is its name, an http or https URL of any host, and
// [Provider.Client] alone reaches it, which [Provider.Config] sets. In a testing/synctest bubble it works on the bubble's
// clock. Default: it listens on loopback, and its issuer is where. An address or a path counts for nothing beside it.
func WithoutNetwork(issuer string) Option { return func(s *settings) { s.issuer = issuer } }

// WithKeyID sets the name of the first signing key. Default: a random one.
func WithKeyID(kid string) Option { return func(s *settings) { s.keyID = kid } }

// WithAutoLogin lets a login whose login_hint names a user pass without the page.
func WithAutoLogin() Option { return func(s *settings) { s.autoLogin = true } }

// WithPath puts the issuer under a path ("/realms/demo"). Default: none.
func WithPath(path string) Option { return func(s *settings) { s.path = path } }

// WithAlgorithm sets the signing algorithm: RS256 (default), RS384 … PS512, ES256, ES384, ES512 or EdDSA.
func WithAlgorithm(algorithm string) Option { return func(s *settings) { s.algorithm = algorithm } }

// WithClock sets the provider's clock. Default: time.Now.
func WithClock(clock func() time.Time) Option { return func(s *settings) { s.clock = clock } }

// WithLifetimes changes lifetimes.
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

// WithoutDeviceFlow leaves the device endpoint out.
func WithoutDeviceFlow() Option { return func(s *settings) { s.noDevice = true } }

// WithoutUserInfo leaves the userinfo endpoint out.
func WithoutUserInfo() Option { return func(s *settings) { s.noUserInfo = true } }

// WithoutRevocation leaves the revocation endpoint out.
func WithoutRevocation() Option { return func(s *settings) { s.noRevocation = true } }

// WithoutEndSession leaves the end-session endpoint out.
func WithoutEndSession() Option { return func(s *settings) { s.noEndSession = true } }

// WithoutIssParameter leaves iss out of the answers to a login (RFC 9207).
func WithoutIssParameter() Option { return func(s *settings) { s.noIss = true } }

// WithDevicePKCE demands a code_challenge of public clients at the device endpoint, as Keycloak can.
func WithDevicePKCE() Option { return func(s *settings) { s.deviceNeedsPKCE = true } }

// WithOpaqueTokens makes access tokens that are no JWTs.
func WithOpaqueTokens() Option { return func(s *settings) { s.opaque = true } }

// WithJWTType writes "JWT" as the type of access tokens instead of "at+jwt" (RFC 9068).
func WithJWTType() Option { return func(s *settings) { s.jwtType = true } }

// WithoutRotation keeps a refresh token good and answers a refresh without a new one.
func WithoutRotation() Option { return func(s *settings) { s.keepRefresh = true } }

// WithoutRefreshTokens gives no refresh tokens.
func WithoutRefreshTokens() Option { return func(s *settings) { s.noRefresh = true } }

// WithoutScope leaves scope out of token answers.
func WithoutScope() Option { return func(s *settings) { s.noScope = true } }

// WithLowerCaseType answers token_type "bearer".
func WithLowerCaseType() Option { return func(s *settings) { s.lowerCaseType = true } }

// WithRefreshExpiresIn adds refresh_expires_in, in seconds, as Keycloak does; 0 is what it says of an offline token.
func WithRefreshExpiresIn(seconds int64) Option {
	return func(s *settings) { s.refreshExpiresIn = &seconds }
}

// WithAuthMethods sets which ways of client authentication discovery names and the provider takes: client_secret_basic,
// client_secret_post, none. Default: all three. Nothing named: all are taken, and discovery says nothing.
func WithAuthMethods(methods ...string) Option { return func(s *settings) { s.authMethods = methods } }
