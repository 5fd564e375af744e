package core

import (
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// decisive are the claims that decide something: another spelling of one of them is refused, so that a reader that
// folds case sees the same caller.
var decisive = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "scp", "typ", "cnf", "nonce", "at_hash", "c_hash", "events"}

// verifyAccess is the whole check of an access token at a guard: of the provider's tokens, or in broker mode of own and
// trusted issuers' ones. The error is a 401 with one text for every reason, or a 503 when the keys are out of reach.
// remembered says that the token came before.
func (a *Auth) verifyAccess(ctx context.Context, raw string) (token *IDToken, remembered bool, err error) {
	token = a.verified.find(raw, time.Now())
	remembered = token != nil
	if !remembered {
		if token, err = a.verifyAnew(ctx, raw); err != nil {
			return nil, false, err
		}
		a.verified.keep(token)
	}
	if a.broker != nil {
		if err := a.broker.checkRevoked(ctx, token); err != nil {
			return nil, remembered, err
		}
	}
	return token, remembered, nil
}

func (a *Auth) verifyAnew(ctx context.Context, raw string) (*IDToken, error) {
	if a.broker != nil {
		return a.broker.verify(ctx, raw)
	}
	return a.verifyProviderAccess(ctx, raw)
}

// verifyProviderAccess checks an access token of the provider: form, key, signature, kind, claims, in this order.
func (a *Auth) verifyProviderAccess(ctx context.Context, raw string) (*IDToken, error) {
	token, err := jose.Parse(raw)
	if err != nil {
		return nil, fault.New(fault.Token, err)
	}
	if !isAccessType(token.Typ) {
		return nil, fault.New(fault.Token, ErrTokenKind)
	}
	verified, err := a.verify(ctx, &token)
	if err != nil {
		return nil, err
	}
	if !isAccessToken(token.Typ, verified.claims) || !a.forUs(verified) {
		return nil, fault.New(fault.Token, ErrTokenKind)
	}
	return verified, nil
}

// verify checks what every token of the provider has to fulfil: key, signature, and the claims of [Auth.read].
func (a *Auth) verify(ctx context.Context, token *jose.Token) (*IDToken, error) {
	if !token.Supported() {
		return nil, fault.New(fault.Token, jose.ErrSignature)
	}
	key, err := a.provider.keys.Find(ctx, token.Header)
	switch {
	case errors.Is(err, keyset.ErrUnknownKey):
		return nil, fault.New(fault.Token, err)
	case err != nil:
		return nil, fault.Down(fault.Keys, err)
	}
	payload, claims, err := token.Verify(key)
	if err != nil {
		return nil, fault.New(fault.Token, err)
	}
	issuer, err := a.provider.issuer(ctx)
	if err != nil {
		return nil, fault.Down(fault.Keys, err)
	}
	verified, err := read(claims, issuer, time.Now(), a.cfg.Leeway)
	if err != nil {
		return nil, fault.New(fault.Token, err)
	}
	verified.raw, verified.payload = token.Raw(), payload
	a.provider.keys.Prove(&verified.proof, token.Header, key)
	return verified, nil
}

// read is RFC 7519 section 4.1 with every registered claim typed: iss equal byte for byte, sub and exp present, exp,
// nbf and iat against the clock.
func read(claims strictjson.Object, issuer string, now time.Time, leeway time.Duration) (*IDToken, error) {
	if claims.FoldsTo(decisive...) {
		return nil, ErrClaims
	}
	t := newIDToken()
	t.claims = claims
	var errs [7]error
	t.issuer, errs[0] = claims.String("iss")
	t.subject, errs[1] = claims.String("sub")
	t.audience, errs[2] = claims.AppendStrings(t.room[:0:usualAudience], "aud")
	t.scopes, errs[3] = appendScopes(t.room[usualAudience:usualAudience], claims)
	first, expiry, err := checkTimes(claims, now, leeway)
	errs[4] = err
	t.expiry, t.since, t.until = expiry, first.Add(-leeway).UnixMilli(), expiry.Add(leeway).UnixMilli()
	_, errs[5] = claims.String("jti")
	_, errs[6] = claims.String("azp")
	for _, err := range errs {
		if err != nil {
			return nil, ErrClaims
		}
	}
	if t.issuer == "" || t.issuer != issuer || t.subject == "" {
		return nil, ErrClaims
	}
	return t, nil
}

// appendScopes is RFC 9068 section 2.2.3, and scp where a provider writes that one: each word once, behind those of into.
func appendScopes(into []string, claims strictjson.Object) ([]string, error) {
	if _, ok := claims.Get("scope"); ok {
		scope, err := claims.String("scope")
		return appendWords(into, scope), err
	}
	lists, err := claims.Strings("scp")
	for _, words := range lists {
		into = appendWords(into, words)
	}
	return into, err
}

func appendWords(into []string, words string) []string {
	for word := range strings.SplitSeq(words, " ") {
		if word != "" && !slices.Contains(into, word) {
			into = append(into, word)
		}
	}
	return into
}

// checkTimes returns from when on and until when the claims hold.
func checkTimes(claims strictjson.Object, now time.Time, leeway time.Duration) (from, until time.Time, err error) {
	at, slack := float64(now.UnixNano())/1e9, leeway.Seconds()
	exp, ok, err := claims.Number("exp", false)
	if err != nil || !ok || exp+slack <= at {
		return from, until, ErrClaims
	}
	first := 0.0
	for _, name := range []string{"nbf", "iat"} {
		start, ok, err := claims.Number(name, false)
		if err != nil || ok && start-slack > at {
			return from, until, ErrClaims
		}
		first = max(first, start)
	}
	return unixTime(first), unixTime(exp), nil
}

// unixTime turns seconds into a time; far ones become the last second of the year 9999, so that nothing wraps.
func unixTime(seconds float64) time.Time {
	const last = 253402300799
	return time.Unix(int64(math.Max(-last, math.Min(last, seconds))), 0)
}

// isAccessType is RFC 9068 section 2.1, and the types that providers without it write; RFC 8725 section 3.11.
func isAccessType(typ string) bool { return isAnyOf(typ, "", "JWT") || saysAccess(typ) }

func saysAccess(typ string) bool { return isAnyOf(typ, "at+jwt", "application/at+jwt") }

// isAccessToken keeps out what the same provider signs for another use: ID tokens, refresh tokens, logout tokens (RFC
// 8725 section 3.12), and tokens bound to a key that a bearer does not prove (RFC 7800).
func isAccessToken(typ string, claims strictjson.Object) bool {
	kind, err := claims.String("typ")
	if err != nil || isAnyOf(kind, "ID", "Refresh", "Offline", "Logout") {
		return false
	}
	forbidden := []string{"cnf", "events"}
	if !saysAccess(typ) && !strings.EqualFold(kind, "Bearer") {
		forbidden = append(forbidden, "nonce", "at_hash", "c_hash")
	}
	return !slices.ContainsFunc(forbidden, func(name string) bool { _, ok := claims.Get(name); return ok })
}

func isAnyOf(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(text, word) })
}

// forUs is the audience rule of the guards, see [Config.Audience].
func (a *Auth) forUs(token *IDToken) bool {
	if len(a.cfg.Audience) > 0 {
		return a.cfg.Audience[0] == AnyAudience || slices.ContainsFunc(token.audience, func(aud string) bool { return slices.Contains(a.cfg.Audience, aud) })
	}
	azp, _ := token.claims.String("azp") // of another type: no claim of ours
	client, _ := token.claims.String("client_id")
	return slices.Contains(token.audience, a.cfg.ClientID) || azp == a.cfg.ClientID || client == a.cfg.ClientID
}

// verifyIDToken is OpenID Connect Core section 3.1.3.7. nonce "" leaves the nonce out: where PKCE alone binds the code,
// and after a refresh. The error is an [*Error] whose cause says no more than the kind of fault, or a 503.
func (a *Auth) verifyIDToken(ctx context.Context, raw, accessToken, nonce string) (*IDToken, error) {
	token, err := jose.Parse(raw)
	if err != nil || !isAnyOf(token.Typ, "", "JWT") {
		return nil, fault.New(fault.Token, ErrTokenKind)
	}
	verified, err := a.verify(ctx, &token)
	if err != nil {
		return nil, err
	}
	if !a.issuedToUs(verified) || !hasNonce(verified.claims, nonce) || !hashFits(verified.claims, token.Alg, accessToken) {
		return nil, fault.New(fault.Token, ErrClaims)
	}
	return verified, nil
}

// issuedToUs: the audience is this client; others beside it only with azp, and azp is this client (points 3 to 5). iat
// is there (section 2).
func (a *Auth) issuedToUs(token *IDToken) bool {
	azp, err := token.claims.String("azp")
	if err != nil || azp != "" && azp != a.cfg.ClientID || azp == "" && len(token.audience) > 1 {
		return false
	}
	kind, err := token.claims.String("typ")
	if err != nil || isAnyOf(kind, "Bearer", "Refresh", "Offline", "Logout") {
		return false
	}
	_, dated := token.claims.Get("iat")
	_, event := token.claims.Get("events") // a logout token, or another security event (RFC 8417)
	return dated && !event && slices.Contains(token.audience, a.cfg.ClientID)
}

func hasNonce(claims strictjson.Object, nonce string) bool {
	got, err := claims.String("nonce")
	return err == nil && (nonce == "" || subtle.ConstantTimeCompare([]byte(got), []byte(nonce)) == 1)
}

// hashFits is section 3.1.3.8: at_hash, when it is there, is the left half of the access token's hash.
func hashFits(claims strictjson.Object, alg, accessToken string) bool {
	want, err := claims.String("at_hash")
	if _, ok := claims.Get("at_hash"); !ok || err != nil {
		return err == nil
	}
	var sum []byte
	switch {
	case strings.HasSuffix(alg, "256"):
		h := sha256.Sum256([]byte(accessToken))
		sum = h[:]
	case strings.HasSuffix(alg, "384"):
		h := sha512.Sum384([]byte(accessToken))
		sum = h[:]
	default: // 512, and SHA-512 for Ed25519
		h := sha512.Sum512([]byte(accessToken))
		sum = h[:]
	}
	got := base64.RawURLEncoding.EncodeToString(sum[:len(sum)/2])
	return subtle.ConstantTimeCompare([]byte(got), []byte(want)) == 1
}
