package core

import (
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// Defaults and bounds of broker mode; each is said here once.
const (
	defaultTokenTTL    = time.Hour
	minTokenTTL        = time.Second
	maxTokenTTL        = 31 * 24 * time.Hour
	maxSessionTTL      = 400 * 24 * time.Hour
	defaultSessionMax  = 180 * 24 * time.Hour
	maxSessionMax      = 3650 * 24 * time.Hour
	defaultGrace       = 10 * time.Second
	maxGrace           = time.Minute
	defaultJWKSPath    = "/auth/v2/.well-known/jwks.json"
	defaultSubject     = "sub"
	maxTrustedIssuers  = 256
	secretKeysForStore = "a store that others may share needs keys that stay: write at least one, the same on every instance, for instance the output of: openssl rand -base64 48" //nolint:gosec // a text, no secret
)

// BrokerConfig switches broker mode on: the token route takes the provider's tokens in and gives out tokens of this
// service, which the guards accept in their place. The zero value of a field is the default said at the field.
type BrokerConfig struct {
	// Audience is what aud of the own tokens is, and has to hold in tokens of trusted issuers: federated services share
	// one. Empty: the issuer, which is PublicURL. Needed with TrustedIssuers; the Python library's default is
	// "py-oidc-auth".
	Audience string
	// TrustedIssuers lists the services whose tokens the guards accept, by their issuer: compared byte for byte. https, or
	// http on loopback. They can claim any role: list whom you trust with that. The own one is not listed.
	TrustedIssuers []string
	// PeerJWKSPath is where the trusted issuers publish their keys, after their issuer. Empty:
	// /auth/v2/.well-known/jwks.json, as everywhere by default.
	PeerJWKSPath string
	// SubjectClaim is the claim of the provider that becomes sub of the own tokens. Empty: sub, which never changes.
	// "preferred_username" is the Python library's rule: a name that can be given to somebody else. A login without the
	// claim is refused.
	SubjectClaim string

	// TokenTTL is how long an own access token lives. 0: 1 h. At most 31 days.
	TokenTTL time.Duration
	// SessionTTL is how long a session lives without a refresh; the provider's end counts where it is earlier. 0: 30
	// days. At most 400 days.
	SessionTTL time.Duration
	// SessionMax is how long a session lives at most, from its login on, however often it is refreshed. 0: 180 days. At most
	// 3650 days.
	SessionMax time.Duration
	// RefreshGrace is how long a spent refresh token gets the same answer again, for clients whose answer was lost. 0: 10
	// s. At most 1 min.
	RefreshGrace time.Duration
	// ImportKey is the signing key of a Python deployment, RSA in PEM: its tokens go on being accepted here until they
	// expire, under the same kid, for 31 days at least and for as long as it stands here. It signs only when the store has
	// no key yet.
	ImportKey []byte
}

// checkBroker adds the faults of broker mode.
func (c *Config) checkBroker(f *faults) {
	b := c.Broker
	if b == nil {
		return
	}
	if c.DiscoveryURL == "" {
		f.add("Broker", "broker mode logs people in: write DiscoveryURL")
	}
	if c.PublicURL == "" {
		f.add("PublicURL", "broker mode needs it: it is the issuer of the own tokens")
	}
	if hasControl(b.Audience) {
		f.add("Broker.Audience", "write it without control characters")
	}
	if b.PeerJWKSPath != "" && !isPath(b.PeerJWKSPath) {
		f.add("Broker.PeerJWKSPath", "write a path that begins with / and has no parameters")
	}
	c.checkIssuers(f)
	checkDuration(f, "Broker.TokenTTL", b.TokenTTL, maxTokenTTL)
	checkDuration(f, "Broker.SessionTTL", b.SessionTTL, maxSessionTTL)
	checkDuration(f, "Broker.SessionMax", b.SessionMax, maxSessionMax)
	checkDuration(f, "Broker.RefreshGrace", b.RefreshGrace, maxGrace)
	if b.TokenTTL > 0 && b.TokenTTL < minTokenTTL {
		f.add("Broker.TokenTTL", "%s: write at least %s", b.TokenTTL, minTokenTTL)
	}
	if b.ImportKey != nil {
		if _, err := jose.ParsePrivateKey(b.ImportKey); err != nil {
			f.add("Broker.ImportKey", "write an unencrypted RSA private key of at least 2048 bits in PEM, made by a sound generator")
		}
	}
}

func (c *Config) checkIssuers(f *faults) {
	issuers := c.Broker.TrustedIssuers
	if len(issuers) > 0 && c.Broker.Audience == "" {
		f.add("Broker.Audience", "write the audience that all federated services share")
	}
	if len(issuers) > maxTrustedIssuers {
		f.add("Broker.TrustedIssuers", "%d entries: write at most %d", len(issuers), maxTrustedIssuers)
	}
	seen := []string{strings.TrimSuffix(c.PublicURL, "/")}
	for i, issuer := range issuers {
		trimmed := strings.TrimSuffix(issuer, "/")
		switch fault := c.badURL(issuer); {
		case fault != "":
			f.add("Broker.TrustedIssuers", "entry %d: %s", i, fault)
		case strings.Contains(issuer, "?"):
			f.add("Broker.TrustedIssuers", "entry %d: write it without a query", i)
		case trimmed == seen[0]:
			f.add("Broker.TrustedIssuers", "entry %d is this service itself: leave it out", i)
		case slices.Contains(seen[1:], trimmed):
			f.add("Broker.TrustedIssuers", "entry %d stands there twice", i)
		}
		seen = append(seen, trimmed)
	}
}

// complete copies the configuration and fills in what was left out. publicURL is without its trailing slash.
func (b BrokerConfig) complete(publicURL string) *BrokerConfig {
	b.TrustedIssuers, b.ImportKey = slices.Clone(b.TrustedIssuers), slices.Clone(b.ImportKey)
	for _, text := range []struct {
		field    *string
		fallback string
	}{
		{&b.Audience, publicURL}, {&b.PeerJWKSPath, defaultJWKSPath}, {&b.SubjectClaim, defaultSubject},
	} {
		if *text.field == "" {
			*text.field = text.fallback
		}
	}
	for _, duration := range []struct {
		field    *time.Duration
		fallback time.Duration
	}{
		{&b.TokenTTL, defaultTokenTTL}, {&b.SessionTTL, unlimitedRefresh}, {&b.SessionMax, defaultSessionMax}, {&b.RefreshGrace, defaultGrace},
	} {
		if *duration.field == 0 {
			*duration.field = duration.fallback
		}
	}
	return &b
}
