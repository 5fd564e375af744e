package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"errors"
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"github.com/lestrrat-go/jwx/v2/jwk"
)

// Accepted sizes of an RSA key in bits: smaller ones are weak, larger ones take too long to verify with.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// ErrKeySet says that a document is not a JWK set, or contains no key that this package can use.
var ErrKeySet = errors.New("jose: no usable key set")

// Key is a public key and the only algorithm that it verifies. [NewKey] makes one that verifies fast.
type Key struct {
	ID     string // "" if the document gives none
	Issuer string // the member issuer, for which Microsoft Entra's keys say whose tokens they sign; "" if there is none
	Alg    string // RS256 … PS512, ES256, ES384, ES512, EdDSA
	Public any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey; must not change

	prepared *preparedRSA // of Public; nil: the standard library verifies
}

// NewKey returns a key with what its checks have in common computed once. It does not check the public key: [ParseSet] does.
func NewKey(id, alg string, public any) Key {
	key := Key{ID: id, Alg: alg, Public: public}
	if public, ok := public.(*rsa.PublicKey); ok {
		key.prepared = prepareRSA(public)
	}
	return key
}

// Equal reports whether two keys have the same ID, algorithm and public key.
func (k Key) Equal(other Key) bool {
	public, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.ID == other.ID && k.Issuer == other.Issuer && k.Alg == other.Alg && public.Equal(other.Public)
}

// Is reports whether two keys are copies of one. It is faster than Equal, which may be true of two that were parsed one after the other.
func (k Key) Is(other Key) bool {
	if k.ID != other.ID || k.Issuer != other.Issuer || k.Alg != other.Alg {
		return false
	}
	if public, ok := k.Public.(ed25519.PublicKey); ok {
		return public.Equal(other.Public)
	}
	return k.Public == other.Public // pointers
}

// Set contains the usable keys of one issuer.
type Set []Key

// ParseSet parses a JWK set. It skips unusable keys (RFC 7517 section 5): those of an unknown type, curve or use, weak,
// symmetric and private ones, and RSA keys from the broken generator of CVE-2017-15361 (ROCA). A key without alg gets the
// algorithm of its type, an RSA key rsaAlg. A document without a usable key is [ErrKeySet].
func ParseSet(document []byte, rsaAlg string) (Set, error) {
	object, err := strictjson.Parse(string(document))
	if err != nil {
		return nil, ErrKeySet
	}
	list, _ := object.Get("keys")
	entries, err := strictjson.Entries(list)
	if err != nil {
		return nil, ErrKeySet
	}
	var set Set
	for _, entry := range entries {
		if key, ok := parseKey(entry, rsaAlg); ok {
			set = append(set, key)
		}
	}
	if len(set) == 0 {
		return nil, ErrKeySet
	}
	return set, nil
}

// keyNames lists the members that define a key. Other spellings are refused, because the JOSE library ignores the case of some.
var keyNames = []string{"kty", "use", "key_ops", "alg", "kid", "crv", "n", "e", "x", "y", "d", "k"}

// maxExponent is the longest RSA exponent in base64url characters: the JOSE library truncates one that does not fit an int.
const maxExponent = 10

func parseKey(entry, rsaAlg string) (Key, bool) {
	object, err := strictjson.Parse(entry)
	if err != nil || object.FoldsTo(keyNames...) || !forVerifying(object) {
		return Key{}, false
	}
	alg, errAlg := object.String("alg")
	kid, errKid := object.String("kid")
	exponent, errExponent := object.String("e")
	if errAlg != nil || errKid != nil || errExponent != nil || len(exponent) > maxExponent {
		return Key{}, false
	}
	parsed, err := jwk.ParseKey([]byte(entry))
	if err != nil {
		return Key{}, false
	}
	var public any
	if parsed.Raw(&public) != nil {
		return Key{}, false
	}
	public, algs := fitting(public)
	switch alg = canonical(alg); {
	case alg == "" && len(algs) > 1: // RSA
		alg = rsaAlg
	case alg == "" && len(algs) == 1:
		alg = algs[0]
	}
	if !slices.Contains(algs, alg) {
		return Key{}, false
	}
	key := NewKey(kid, alg, public)
	key.Issuer = issuerOf(object)
	return key, true
}

// issuerOf returns the member issuer of a key. Of a member that is not a text it returns the JSON text, which is no issuer.
func issuerOf(object strictjson.Object) string {
	issuer, err := object.String("issuer")
	if raw, ok := object.Get("issuer"); ok && err != nil {
		return raw
	}
	return issuer
}

// forVerifying reports whether use and key_ops allow the key to verify signatures (RFC 7517 sections 4.2 and 4.3).
func forVerifying(object strictjson.Object) bool {
	use, err := object.String("use")
	if err != nil || use != "" && use != "sig" {
		return false
	}
	if _, ok := object.Get("key_ops"); !ok {
		return true
	}
	operations, err := object.Strings("key_ops")
	return err == nil && slices.Contains(operations, "verify")
}

// RSAAlgorithms lists the algorithms for RSA keys (RFC 7518).
var RSAAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}

// Algorithms lists all that this package verifies, under the names that keys use.
var Algorithms = append(slices.Clone(RSAAlgorithms), "ES256", "ES384", "ES512", "EdDSA")

// fitting returns the public key as isSignedBy needs it and the algorithms it can verify: none for a key that is weak,
// broken, private or of another type.
func fitting(public any) (any, []string) {
	switch key := public.(type) {
	case *rsa.PublicKey:
		if soundRSA(key) {
			return key, RSAAlgorithms
		}
	case *ecdsa.PublicKey:
		if alg := curveAlgorithm(key.Curve); alg != "" && onCurve(key) {
			return key, []string{alg}
		}
	case ed25519.PublicKey:
		if len(key) == ed25519.PublicKeySize {
			return key, []string{"EdDSA"}
		}
	}
	return nil, nil
}

func soundRSA(key *rsa.PublicKey) bool { return wellFormed(key) && !hasROCAFingerprint(key.N) }

func wellFormed(key *rsa.PublicKey) bool {
	bits := key.N.BitLen()
	return bits >= minRSABits && bits <= maxRSABits && key.N.Bit(0) == 1 && key.E > 2 && key.E%2 == 1
}

func onCurve(key *ecdsa.PublicKey) bool {
	_, err := key.ECDH()
	return err == nil
}

func curveAlgorithm(curve elliptic.Curve) string {
	switch curve {
	case elliptic.P256():
		return "ES256"
	case elliptic.P384():
		return "ES384"
	case elliptic.P521():
		return "ES512"
	default:
		return ""
	}
}

// Find returns the key that a token names. For a token without kid it returns the only key of its algorithm; if there are
// several, none, because choosing one would be a guess.
func (s Set) Find(token Header) (Key, bool) {
	alg := canonical(token.Alg)
	fits := func(key Key) bool { return key.Alg == alg && (!token.HasKey || key.ID == token.KeyID) }
	i := slices.IndexFunc(s, fits)
	if i < 0 || slices.ContainsFunc(s[i+1:], fits) {
		return Key{}, false
	}
	return s[i], true
}
