package core

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// Defaults and bounds of broker mode.
const (
	defaultTokenTTL   = time.Hour
	minTokenTTL       = time.Second
	maxTokenTTL       = 31 * 24 * time.Hour
	defaultSessionMax = 180 * 24 * time.Hour
	maxSessionTTL     = 400 * 24 * time.Hour // also of SessionMax
	defaultGrace      = 10 * time.Second
	maxGrace          = time.Minute
	defaultJWKSPath   = "/auth/v2/.well-known/jwks.json"
	defaultSubject    = "sub"
	defaultSigning    = "RS256"
	maxTrustedIssuers = 256
)

// BrokerConfig enables broker mode: this service issues tokens of its own, and the guards accept those instead of the
// provider's. Each field documents the default that its zero value selects. Printing or logging a BrokerConfig shows no key.
type BrokerConfig struct {
	// Audience is the aud claim of tokens issued here; tokens of trusted issuers must contain it too, so federated services
	// share one. Empty: the issuer, which is PublicURL. Required with TrustedIssuers. The Python library's default is
	// "py-oidc-auth".
	Audience string
	// TrustedIssuers lists the issuers of other services whose tokens the guards accept, compared byte for byte; New does not
	// convert them to lower case. https, or http on loopback. Their tokens can contain any role: list only services that you
	// trust with that. This service itself must not be in the list. Empty: none. At most 256.
	TrustedIssuers []string
	// PeerJWKSPath is appended to a trusted issuer to form the URL of its public keys. Empty:
	// /auth/v2/.well-known/jwks.json, the default path of that route.
	PeerJWKSPath string
	// SubjectClaim is the provider's claim that becomes sub of tokens issued here. Empty: sub, which never changes. A login
	// without the claim is refused with 403; "email" counts only if the same document says that the address is verified. The
	// Python library uses "preferred_username", a name that can later be given to another person.
	SubjectClaim string

	// SigningAlgorithm signs tokens issued here: RS256 (RSA of 2048 bits), ES256 (P-256) or EdDSA (Ed25519; RFC 8037). Empty: RS256.
	// ES256 and EdDSA cost less and make shorter tokens, but Python services cannot verify them: a Python service that trusts this
	// one refuses every token, its own too, while a key of another kind than RSA is published here. If the stored key has another
	// algorithm, the first instance to start with this setting adds a key of this one, which is published at once and signs after
	// ten minutes, on every instance; the previous key verifies until the last token it signed has expired.
	SigningAlgorithm string
	// TokenTTL is the lifetime of an access token issued here. 0: 1 h. At least 1 s, at most 31 days.
	TokenTTL time.Duration
	// SessionTTL is how long a session lives without a refresh; it ends earlier if the provider's refresh token does. 0: 30
	// days, or SessionMax if that is shorter. At most SessionMax.
	SessionTTL time.Duration
	// SessionMax is how long a session lives in total, however often it is refreshed; then the person must log in again. 0:
	// 180 days. At most 400 days.
	SessionMax time.Duration
	// RefreshGrace is the grace period in which a refresh token that was already used gets the same answer again, for clients
	// that lost the answer. 0: 10 s. At most 1 min.
	RefreshGrace time.Duration
	// ImportKey is the signing key of a Python deployment, RSA in PEM. Guards accept tokens that it signed, under the same kid,
	// for at least 31 days and as long as the key is configured. It signs new tokens only if the store has no key yet. nil: no
	// key is imported.
	ImportKey []byte
}

// checkBroker adds the errors of Broker.
func (c *Config) checkBroker(f *faults) {
	b := c.Broker
	if b == nil {
		return
	}
	if c.main.DiscoveryURL == "" {
		f.add("Broker", "set without DiscoveryURL: write DiscoveryURL, which broker mode needs for logins")
	}
	if c.PublicURL == "" {
		f.add("PublicURL", "empty: write it, it is the issuer of the tokens of broker mode")
	}
	if hasControl(b.Audience) {
		f.add("Broker.Audience", "%q: remove the control characters", b.Audience)
	}
	if b.PeerJWKSPath != "" && !isPath(b.PeerJWKSPath) {
		f.add("Broker.PeerJWKSPath", "%s: write a path that begins with / and has no parameters", quoted(b.PeerJWKSPath))
	}
	c.checkIssuers(f)
	if b.SigningAlgorithm != "" && !slices.Contains(jose.OwnAlgorithms, b.SigningAlgorithm) {
		f.add("Broker.SigningAlgorithm", "%q: write RS256, ES256 or EdDSA", b.SigningAlgorithm)
	}
	checkDuration(f, "Broker.TokenTTL", b.TokenTTL, maxTokenTTL)
	checkDuration(f, "Broker.SessionTTL", b.SessionTTL, maxSessionTTL)
	checkDuration(f, "Broker.SessionMax", b.SessionMax, maxSessionTTL)
	checkDuration(f, "Broker.RefreshGrace", b.RefreshGrace, maxGrace)
	if b.TokenTTL > 0 && b.TokenTTL < minTokenTTL {
		f.add("Broker.TokenTTL", "%s: write at least %s", b.TokenTTL, minTokenTTL)
	}
	if longest := cmp.Or(b.SessionMax, defaultSessionMax); longest > 0 && b.SessionTTL > longest && b.SessionTTL <= maxSessionTTL {
		f.add("Broker.SessionTTL", "%s: write at most SessionMax, which is %s", b.SessionTTL, longest)
	}
	if b.ImportKey != nil {
		if _, err := jose.ParseRSAKey(b.ImportKey); err != nil {
			f.add("Broker.ImportKey", "not a usable key: write an unencrypted RSA private key of at least 2048 bits in PEM, made by a sound generator")
		}
	}
}

func (c *Config) checkIssuers(f *faults) {
	issuers := c.Broker.TrustedIssuers
	if len(issuers) > 0 && c.Broker.Audience == "" {
		f.add("Broker.Audience", "empty beside TrustedIssuers: write the audience that all federated services share")
	}
	if len(issuers) > maxTrustedIssuers {
		f.add("Broker.TrustedIssuers", "%d entries: write at most %d", len(issuers), maxTrustedIssuers)
	}
	seen := []string{strings.TrimSuffix(c.PublicURL, "/")}
	for i, issuer := range issuers {
		trimmed := strings.TrimSuffix(issuer, "/")
		switch fault := c.badURL(issuer); {
		case fault != "":
			f.add("Broker.TrustedIssuers", "entry %d, %s", i, fault)
		case strings.Contains(issuer, "?"):
			f.add("Broker.TrustedIssuers", "entry %d, %s: remove the query", i, quoted(issuer))
		case trimmed == seen[0]:
			f.add("Broker.TrustedIssuers", "entry %d, %s, is this service itself: remove it", i, quoted(issuer))
		case slices.Contains(seen[1:], trimmed):
			f.add("Broker.TrustedIssuers", "entry %d, %s, is a duplicate: remove it", i, quoted(issuer))
		}
		seen = append(seen, trimmed)
	}
}

// complete returns a copy with every default filled in. publicURL must have no trailing slash.
func (b BrokerConfig) complete(publicURL string) *BrokerConfig {
	b.TrustedIssuers, b.ImportKey = slices.Clone(b.TrustedIssuers), slices.Clone(b.ImportKey)
	b.Audience = cmp.Or(b.Audience, publicURL)
	b.PeerJWKSPath = cmp.Or(b.PeerJWKSPath, defaultJWKSPath)
	b.SubjectClaim = cmp.Or(b.SubjectClaim, defaultSubject)
	b.SigningAlgorithm = cmp.Or(b.SigningAlgorithm, defaultSigning)
	b.TokenTTL = cmp.Or(b.TokenTTL, defaultTokenTTL)
	b.SessionMax = cmp.Or(b.SessionMax, defaultSessionMax)
	b.SessionTTL = cmp.Or(b.SessionTTL, min(unlimitedRefresh, b.SessionMax))
	b.RefreshGrace = cmp.Or(b.RefreshGrace, defaultGrace)
	return &b
}
