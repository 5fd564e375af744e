package core

import (
	"crypto"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// ClientKey is a private key with which this service authenticates at the provider, in the place of a secret: private_key_jwt of OpenID
// Connect Core section 9 and RFC 7523. Each request to the token, device, revocation and pushed authorization request endpoints gets an
// assertion of its own, valid for one minute. The route client-keys publishes the public key; register its address, or the key, at the
// provider. Printing or logging a ClientKey shows no private key.
type ClientKey struct {
	// PEM is an unencrypted private key: RSA of 2048 to 8192 bits, on the curve P-256, or Ed25519, in PKCS#8, PKCS#1 or SEC 1. Required
	// without Signer.
	PEM []byte
	// Signer is a key outside this process, such as one in a KMS or HSM, in the place of PEM. Its Public method must return an
	// *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey, without waiting: New calls it. Its Sign method must be safe for concurrent
	// use. crypto.Signer has no context, so nothing can end a Sign that waits: a request that needs it is refused after Config.Timeout,
	// with 503, while Sign runs on in a goroutine; at most 32 run at a time. An error of Sign is a 503, too, and its text is logged; a
	// panic is a 500.
	Signer crypto.Signer
	// Algorithm signs the assertions: RS256 or PS256 for RSA, ES256 for P-256, EdDSA for Ed25519. If the discovery document lists
	// algorithms and not this one, requests are refused with 502 and a line in the log. Empty: that of the key; RS256 for RSA.
	Algorithm string
	// KeyID is the kid of the assertions and of the published key. Empty: the SHA-256 thumbprint of the key (RFC 7638).
	KeyID string
	// Audience is the claim aud of the assertions, for a provider that insists on another one than its issuer, commonly the address of
	// its token endpoint. Copy it from the provider's documentation. Empty: the issuer alone, which no other provider can make this
	// service sign for.
	Audience string
	// Other is published beside this key and signs nothing: the next key before a rotation, the previous one after it. Its Audience and
	// Other must be empty. nil: only this key is published.
	Other *ClientKey
}

// Format prints the settings without the key, the same for every verb.
func (k ClientKey) Format(f fmt.State, _ rune) { printFields(f, "core.ClientKey", k.shown()) }

// LogValue returns the settings without the key.
func (k ClientKey) LogValue() slog.Value { return slog.GroupValue(k.shown()...) }

// MarshalJSON returns the settings without the key, for logs. The result cannot be unmarshalled again.
func (k ClientKey) MarshalJSON() ([]byte, error) { return json.Marshal(fieldMap(k.shown())) }

func (k ClientKey) shown() []slog.Attr {
	fields := []slog.Attr{
		slog.String("PEM", hide(len(k.PEM) > 0)),
		slog.String("Signer", typeName(k.Signer)),
		slog.String("Algorithm", k.Algorithm),
		slog.String("KeyID", k.KeyID),
		slog.String("Audience", shownAddress(k.Audience)),
		slog.Bool("Other", k.Other != nil),
	}
	return slices.DeleteFunc(fields, isUnset)
}

const maxKeyID = 256 // bytes

// check adds the errors of the key; none contains a part of it.
func (k *ClientKey) check(f *faults, field string) {
	switch {
	case len(k.PEM) > 0 && k.Signer != nil:
		f.add(field, "both PEM and Signer are set: remove one")
	case len(k.PEM) == 0 && k.Signer == nil:
		f.add(field, "without a key: write PEM or Signer")
	case k.Algorithm != "" && !slices.Contains(jose.ClientAlgorithms, k.Algorithm):
		f.add(field+".Algorithm", "%q: write RS256, PS256, ES256 or EdDSA, or leave it empty", k.Algorithm)
	default:
		switch _, err := k.signer(); {
		case errors.Is(err, jose.ErrNoKey):
			f.add(field+".PEM", "not a usable key: write an unencrypted private key in PEM; docs/client-keys.md makes one with openssl")
		case errors.Is(err, jose.ErrKeyAlgorithm):
			f.add(field+".Algorithm", "%q does not fit the key: write RS256 or PS256 for RSA, ES256 for P-256, EdDSA for Ed25519, or leave it empty", k.Algorithm)
		case err != nil:
			f.add(field, "not a usable key: write an RSA key of 2048 to 8192 bits, made by a sound generator, a key on P-256, or an Ed25519 key")
		}
	}
	if len(k.KeyID) > maxKeyID || hasControl(k.KeyID) {
		f.add(field+".KeyID", "write at most %d bytes without control characters, or leave it empty", maxKeyID)
	}
	if hasControl(k.Audience) {
		f.add(field+".Audience", "it contains control characters: remove them")
	}
}

// signer returns the key as it signs.
func (k *ClientKey) signer() (signer *jose.Signer, err error) {
	private := k.Signer
	if private == nil {
		if private, err = jose.ParseKey(k.PEM); err != nil {
			return nil, err
		}
	}
	defer func() {
		if recover() != nil { // Public of a nil pointer
			signer, err = nil, jose.ErrKeyType
		}
	}()
	return jose.WrapSigner(private, k.Algorithm, k.KeyID)
}

// checkClientKeys adds the errors of a key and its Other.
func checkClientKeys(f *faults, key *ClientKey, field string) {
	key.check(f, field+"ClientKey")
	other := key.Other
	if other == nil {
		return
	}
	other.check(f, field+"ClientKey.Other")
	if other.Other != nil || other.Audience != "" {
		f.add(field+"ClientKey.Other", "it only publishes a key: remove its Audience and Other")
	}
	one, err := key.signer()
	two, errOther := other.signer()
	if err == nil && errOther == nil && one.ID == two.ID {
		f.add(field+"ClientKey.Other", "it has the KeyID of ClientKey: write another key, or another KeyID")
	}
}

// checkClientAuth adds the errors of the settings that say how this client authenticates.
func (p *Provider) checkClientAuth(f *faults, field string) {
	if p.ClientKey != nil {
		checkClientKeys(f, p.ClientKey, field)
		if p.ClientSecret != "" {
			f.add(field+"ClientSecret", "it is set beside ClientKey: remove one, a client authenticates in one way")
		}
	}
	switch method := p.TokenEndpointAuthMethod; method {
	case "":
	case provider.SecretBasic, provider.SecretPost:
		if p.ClientSecret == "" {
			f.add(field+"TokenEndpointAuthMethod", "%q needs a secret: write ClientSecret, or leave this empty", method)
		}
	case provider.PrivateKeyJWT:
		if p.ClientKey == nil {
			f.add(field+"TokenEndpointAuthMethod", "%q needs a key: write ClientKey, or leave this empty", method)
		}
	default:
		f.add(field+"TokenEndpointAuthMethod", "%q: write %s, %s or %s, or leave it empty", method, provider.SecretBasic, provider.SecretPost, provider.PrivateKeyJWT)
	}
	switch p.PushedRequests {
	case PushWhenOffered, PushAlways, PushNever:
	default:
		f.add(field+"PushedRequests", "%q: write core.PushAlways or core.PushNever, or leave it empty", p.PushedRequests)
	}
}

// client returns the identity of this service at the provider. The configuration has been checked.
func (p *Provider) client() (provider.Client, error) {
	if p.ClientKey == nil {
		return provider.NewClient(p.ClientID, p.ClientSecret, p.TokenEndpointAuthMethod), nil
	}
	signer, err := p.ClientKey.signer()
	if err != nil {
		return provider.Client{}, fmt.Errorf("core: Config.ClientKey: %w", err)
	}
	return provider.NewKeyClient(p.ClientID, &provider.Key{Signer: signer, Audience: p.ClientKey.Audience}), nil
}

// clientKeys returns the public keys of this service at its providers as a JWK set (RFC 7517 section 5), nil without a key. A key that
// several providers know is in it once.
func (c *Config) clientKeys() ([]byte, error) {
	var signers []*jose.Signer
	for _, p := range c.all() {
		for key := p.ClientKey; key != nil; key = key.Other {
			signer, err := key.signer()
			if err != nil {
				return nil, fmt.Errorf("core: Config.ClientKey: %w", err)
			}
			if !slices.ContainsFunc(signers, func(other *jose.Signer) bool { return other.ID == signer.ID }) {
				signers = append(signers, signer)
			}
		}
	}
	if signers == nil {
		return nil, nil
	}
	return jose.MarshalSet(signers...)
}
