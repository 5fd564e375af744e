package verify

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"log/slog"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
)

// Login has the values that an ID token must match.
type Login struct {
	Client      string // the client id
	AccessToken string // the access token in the same answer
	Nonce       string // "" after a refresh, and if only PKCE protects the code
}

// IDToken verifies an ID token (OpenID Connect Core section 3.1.3.7). The error is a fault of kind Token with its reason, or an
// outage.
func (i *Issuer) IDToken(ctx context.Context, raw string, login Login) (*Token, error) {
	token, err := jose.Parse(raw)
	switch {
	case err != nil:
		return nil, fault.New(fault.Token, err)
	case !isAnyOf(token.Typ, "", "JWT"):
		return nil, fault.New(fault.Token, fault.ErrTokenKind)
	case !i.isRegistered(token.Alg):
		return nil, fault.New(fault.Token, fault.ErrSignature)
	}
	name, err := i.nameFor(ctx, &token)
	if err != nil {
		return nil, err
	}
	verified, err := i.verify(ctx, &token, name)
	if err != nil {
		return nil, err
	}
	switch {
	case !isIDToken(&verified.Token):
		return nil, fault.New(fault.Token, fault.ErrTokenKind)
	case !isIssuedTo(&verified.Token, login.Client):
		return nil, &fault.Error{Kind: fault.Token, Err: fault.ErrAudience, Want: []slog.Attr{slog.Any("want_audience", []string{login.Client})}}
	case !verified.Has("iat"), !hasNonce(&verified.Token, login.Nonce), !hashFits(&verified.Token, token.Alg, login.AccessToken): // section 2, for iat
		return nil, fault.New(fault.Token, fault.ErrClaims)
	}
	return verified, nil
}

// nameFor returns the iss that an ID token must have. The error is a fault of kind Token, or an outage.
func (i *Issuer) nameFor(ctx context.Context, token *jose.Token) (string, error) {
	if i.Spellings != nil {
		return i.claimedBy(ctx, token)
	}
	return i.name(ctx)
}

// isRegistered reports whether an ID token or a logout token may have this algorithm: any that the key has, or only the one that is
// registered for this client (point 7). EdDSA and Ed25519 are the same (RFC 9864).
func (i *Issuer) isRegistered(alg string) bool {
	return i.IDAlgorithm == "" || isSameAlgorithm(alg, i.IDAlgorithm)
}

func isSameAlgorithm(a, b string) bool {
	return a == b || isAnyOf(a, "EdDSA", "Ed25519") && isAnyOf(b, "EdDSA", "Ed25519")
}

// isIDToken excludes tokens that the issuer signs for other purposes. A token with events is a logout token or another security
// event (RFC 8417).
func isIDToken(token *claims.Token) bool {
	kind, err := token.Object.String("typ")
	return err == nil && !isAnyOf(kind, "Bearer", "Refresh", "Offline", "Logout") && !token.Has("events")
}

// isIssuedTo reports whether aud contains the client. With other audiences azp is required, and azp must be the client (points 3
// to 5). The type of azp was checked before.
func isIssuedTo(token *claims.Token, client string) bool {
	azp := token.Text("azp")
	if azp == "" && len(token.Audience) > 1 || azp != "" && azp != client {
		return false
	}
	return slices.Contains(token.Audience, client)
}

func hasNonce(token *claims.Token, nonce string) bool {
	got, err := token.Object.String("nonce")
	return err == nil && (nonce == "" || subtle.ConstantTimeCompare([]byte(got), []byte(nonce)) == 1)
}

// hashFits reports whether at_hash, if present, is the left half of the access token's hash (section 3.1.3.8).
func hashFits(token *claims.Token, alg, accessToken string) bool {
	want, err := token.Object.String("at_hash")
	if !token.Has("at_hash") || err != nil {
		return err == nil
	}
	sum := hashOf(alg, accessToken)
	got := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// hashOf hashes text with the hash function of a signature algorithm.
func hashOf(alg, text string) []byte {
	switch {
	case strings.HasSuffix(alg, "256"):
		sum := sha256.Sum256([]byte(text))
		return sum[:]
	case strings.HasSuffix(alg, "384"):
		sum := sha512.Sum384([]byte(text))
		return sum[:]
	default: // 512, and SHA-512 for Ed25519
		sum := sha512.Sum512([]byte(text))
		return sum[:]
	}
}
