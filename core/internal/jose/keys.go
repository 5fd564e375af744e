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

// Bounds of an RSA key: below the first it is weak, above the second one check costs too much.
const (
	minRSABits = 2048
	maxRSABits = 8192
)

// ErrKeySet says that a document is no JWK set, or holds no key that this package can use.
var ErrKeySet = errors.New("jose: no usable key set")

// Key is a public key with the one algorithm that it verifies.
type Key struct {
	ID     string // "" when the document gives none
	Alg    string // RS256 … PS512, ES256, ES384, ES512, EdDSA
	Public any    // *rsa.PublicKey, *ecdsa.PublicKey or ed25519.PublicKey
}

// Equal reports whether two keys are the same: name, algorithm and number.
func (k Key) Equal(other Key) bool {
	public, ok := k.Public.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.ID == other.ID && k.Alg == other.Alg && public.Equal(other.Public)
}

// Set is the usable keys of one issuer.
type Set []Key

// ParseSet reads a JWK set. Keys of unknown type, curve, use or strength, symmetric and private ones are skipped one by
// one (RFC 7517 section 5), as are RSA keys of the broken generator of CVE-2017-15361 (ROCA). A key without alg gets the
// algorithm that fits its type; an RSA key that of rsaAlg. A document without a usable key is [ErrKeySet].
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

// keyNames are the members that decide what a key is: the JOSE library folds the case of some of them.
var keyNames = []string{"kty", "use", "key_ops", "alg", "kid", "crv", "n", "e", "x", "y", "d", "k"}

// maxExponent is the length of an RSA exponent in base64url: the JOSE library cuts one that does not fit an int.
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
	return Key{ID: kid, Alg: alg, Public: public}, slices.Contains(algs, alg)
}

// forVerifying is RFC 7517 sections 4.2 and 4.3: a key for something else verifies nothing.
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

// RSAAlgorithms lists the algorithms of RFC 7518 that an RSA key can verify.
var RSAAlgorithms = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}

// fitting returns a key in the form that verifiers take, with the algorithms that fit it: none for a key that is weak,
// broken, private or of another kind.
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

func soundRSA(key *rsa.PublicKey) bool {
	bits := key.N.BitLen()
	return bits >= minRSABits && bits <= maxRSABits && key.N.Bit(0) == 1 && key.E > 2 && key.E%2 == 1 && !hasROCAFingerprint(key.N)
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

// Find returns the key that a token names. A token without kid finds the only key of its algorithm, and none where
// there are several: nobody guesses.
func (s Set) Find(token Header) (Key, bool) {
	alg := canonical(token.Alg)
	fits := func(key Key) bool { return key.Alg == alg && (!token.HasKey || key.ID == token.KeyID) }
	i := slices.IndexFunc(s, fits)
	if i < 0 || slices.ContainsFunc(s[i+1:], fits) {
		return Key{}, false
	}
	return s[i], true
}
