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

// Login is what an ID token belongs to.
type Login struct {
	Client      string // to whom it was issued
	AccessToken string // that came with it
	Nonce       string // of the login; "" where PKCE alone binds the code, and after a refresh
}

// IDToken is OpenID Connect Core section 3.1.3.7. The error is a fault of kind Token with its reason, or an outage.
func (i *Issuer) IDToken(ctx context.Context, raw string, login Login) (*Token, error) {
	token, err := jose.Parse(raw)
	switch {
	case err != nil:
		return nil, fault.New(fault.Token, err)
	case !isAnyOf(token.Typ, "", "JWT"):
		return nil, fault.New(fault.Token, fault.ErrTokenKind)
	}
	name, err := i.name(ctx)
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

// isIDToken keeps out what the issuer signs for another use: with events it is a logout token, or another security event (RFC
// 8417).
func isIDToken(token *claims.Token) bool {
	kind, err := token.Object.String("typ")
	return err == nil && !isAnyOf(kind, "Bearer", "Refresh", "Offline", "Logout") && !token.Has("events")
}

// isIssuedTo: the audience is this client; others beside it only with azp, and azp is this client (points 3 to 5). Its type was
// checked.
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

// hashFits is section 3.1.3.8: at_hash, when it is there, is the left half of the access token's hash.
func hashFits(token *claims.Token, alg, accessToken string) bool {
	want, err := token.Object.String("at_hash")
	if !token.Has("at_hash") || err != nil {
		return err == nil
	}
	sum := hashOf(alg, accessToken)
	got := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}

// hashOf hashes with what the algorithm of a signature uses.
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
