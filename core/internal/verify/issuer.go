// Package verify decides whether a token is valid. Each issuer whose tokens this service accepts is one [Issuer] in a table: the
// provider, this service itself, trusted services. All tokens are verified in the same way and share one cache; the differences
// are fields of Issuer.
package verify

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/keyset"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"github.com/go-oidc-auth/oidcauth/core/internal/tokencache"
)

// Keys are the keys of one issuer.
type Keys interface {
	Find(context.Context, jose.Header) (jose.Key, error)
	Prove(jose.Header, jose.Key) keyset.Proof
}

// Issuer describes one issuer: its name, its keys, and which of its tokens are accepted. Read-only once in use.
type Issuer struct {
	// ID is the claim iss, byte for byte. Empty: Discover returns it.
	ID string
	// Discover returns the claim iss if it is known only from the issuer's document. It is Base, or Base and a slash.
	Discover func(context.Context) (string, error)
	Base     string
	// Spellings are the texts that tokens may have as iss, if there are others than ID; then ID is not empty. nil: ID alone.
	Spellings Spellings
	// Keys are the issuer's keys. Down is the part that is reported as unreachable if they are.
	Keys Keys
	Down fault.Part
	// Algorithms are those that the issuer may sign with; nil: all supported ones. In either case a token must be signed with the
	// algorithm of its key. NamedKeys requires a kid.
	Algorithms []string
	NamedKeys  bool
	// IDAlgorithm is the only accepted algorithm of ID tokens and logout tokens (id_token_signed_response_alg); empty: the algorithm
	// of the key.
	IDAlgorithm string
	// Audience reports whether an access token is for this service; typed means that its header has the type of RFC 9068. Want
	// and Hint are for the log of a refusal: the accepted audiences, and which setting would accept the token ("" for none).
	// Hint may be nil.
	Audience func(token *claims.Token, typed bool) bool
	Want     []string
	Hint     func(*claims.Token) string
	// Marked requires that an access token can be distinguished from an ID token, for an issuer that signs both for one audience.
	Marked bool
	// Name sets the IDs by which an access token can be revoked, and Ended reports whether it was. Both may be nil: then tokens
	// cannot be revoked.
	Name  func(*Token)
	Ended func(ctx context.Context, token *Token) (bool, error)

	// Until is the time until which the row counts without asking [Verifier.Resolve] again, in Unix milliseconds. nil: it always counts.
	Until *atomic.Int64

	Rules *claims.Rules
	// New makes an empty token with its Owner.
	New func() *Token
}

// Token is a verified token. It is shared and read-only.
type Token struct {
	claims.Token
	// Owner is the value that the application sees for this token.
	Owner any
	// Session is the ID by which the token can be revoked, "" if it cannot. All is the ID of everything that its person began
	// before Begun.
	Session, All string
	Begun        int64 // Unix seconds

	issuer *Issuer
	proof  keyset.Proof            // nil: it is not cached
	node   tokencache.Node[*Token] // its place in the cache
}

// CouldBe reports whether the claim iss of this issuer's tokens can be name. It fetches nothing.
func (i *Issuer) CouldBe(name string) bool {
	if i.Spellings != nil {
		return i.Spellings.Has(name)
	}
	if i.ID != "" {
		return name == i.ID
	}
	return name == i.Base || len(name) == len(i.Base)+1 && name[:len(i.Base)] == i.Base && name[len(i.Base)] == '/'
}

// counts reports whether the row counts without asking again. It must not allocate: it runs on every request.
func (i *Issuer) counts(now time.Time) bool {
	return i.Until == nil || now.UnixMilli() < i.Until.Load()
}

// name returns the claim iss that tokens must have. The error is an outage.
func (i *Issuer) name(ctx context.Context) (string, error) {
	if i.ID != "" {
		return i.ID, nil
	}
	name, err := i.Discover(ctx)
	if err != nil {
		return "", fault.Down(i.Down, err)
	}
	return name, nil
}

// Access verifies an access token of this issuer: form, issuer, key, signature, claims, kind and audience, in this order.
// The error is a fault of kind Token with its reason, or an outage.
func (i *Issuer) Access(ctx context.Context, raw string) (*Token, error) {
	token, err := parseAccess(nil, raw)
	if err != nil {
		return nil, err
	}
	name, err := i.claimedBy(ctx, &token)
	if err != nil {
		return nil, err
	}
	return i.access(ctx, &token, name)
}

// claimedBy returns the token's iss if that is a name of the issuer. It refuses any other token before keys are fetched for it.
func (i *Issuer) claimedBy(ctx context.Context, token *jose.Token) (string, error) {
	issuer, err := token.UnverifiedIssuer()
	if err != nil {
		return "", fault.New(fault.Token, err)
	}
	if !i.CouldBe(issuer) {
		return "", anotherIssuer(cmp.Or(i.ID, i.Base))
	}
	if i.Spellings != nil {
		return issuer, nil
	}
	name, err := i.name(ctx)
	if err == nil && issuer != name {
		err = anotherIssuer(name)
	}
	return name, err
}

func parseAccess(headers *jose.Headers, raw string) (jose.Token, error) {
	token, err := headers.Parse(raw)
	if err == nil && !isAccessType(token.Typ) {
		err = fault.ErrTokenKind
	}
	if err != nil {
		return token, fault.New(fault.Token, err)
	}
	return token, nil
}

func (i *Issuer) access(ctx context.Context, token *jose.Token, name string) (*Token, error) {
	verified, err := i.verify(ctx, token, name)
	switch {
	case err != nil:
		return nil, err
	case !i.isAccessToken(token.Typ, &verified.Token):
		return nil, fault.New(fault.Token, fault.ErrTokenKind)
	case !i.Audience(&verified.Token, saysAccess(token.Typ)):
		return nil, i.anotherAudience(&verified.Token)
	}
	if i.Name != nil {
		i.Name(verified)
	}
	return verified, nil
}

func (i *Issuer) anotherAudience(token *claims.Token) error {
	want := []slog.Attr{slog.Any("want_audience", i.Want)}
	if i.Hint != nil {
		if hint := i.Hint(token); hint != "" {
			want = append(want, slog.String("hint", hint))
		}
	}
	return &fault.Error{Kind: fault.Token, Err: fault.ErrAudience, Want: want}
}

// verify checks what all tokens have in common: key, signature and the registered claims.
func (i *Issuer) verify(ctx context.Context, token *jose.Token, name string) (*Token, error) {
	switch {
	case !token.Supported(), !i.maySignWith(token.Alg):
		return nil, fault.New(fault.Token, fault.ErrSignature)
	case i.NamedKeys && !token.HasKey:
		return nil, fault.New(fault.Token, fault.ErrUnknownKey)
	}
	key, object, err := i.signed(ctx, token)
	if err != nil {
		return nil, err
	}
	verified := i.New()
	switch err := verified.Read(object, name, time.Now(), i.Rules); {
	case errors.Is(err, fault.ErrIssuer):
		return nil, anotherIssuer(name)
	case err != nil:
		return nil, fault.New(fault.Token, err)
	}
	if err := i.settle(&verified.Token, key); err != nil {
		return nil, fault.New(fault.Token, err)
	}
	verified.Raw, verified.issuer = token.Raw(), i
	verified.proof = i.Keys.Prove(token.Header, key)
	return verified, nil
}

// signed verifies the signature of a token, and returns its key and its claims. The error is a fault of kind Token with its reason, or an
// outage.
func (i *Issuer) signed(ctx context.Context, token *jose.Token) (jose.Key, strictjson.Object, error) {
	key, err := i.key(ctx, token)
	if err != nil {
		return jose.Key{}, strictjson.Object{}, err
	}
	object, err := token.Verify(key)
	if err != nil {
		return jose.Key{}, strictjson.Object{}, fault.New(fault.Token, err)
	}
	return key, object, nil
}

func (i *Issuer) maySignWith(alg string) bool {
	return i.Algorithms == nil || slices.Contains(i.Algorithms, alg)
}

// key returns the key that a token names. The error is a fault of kind Token, or an outage.
func (i *Issuer) key(ctx context.Context, token *jose.Token) (jose.Key, error) {
	key, err := i.Keys.Find(ctx, token.Header)
	switch {
	case errors.Is(err, fault.ErrUnknownKey):
		return key, fault.New(fault.Token, err)
	case err != nil:
		return key, fault.Down(i.Down, err)
	}
	return key, nil
}

// isAccessType accepts the type of RFC 9068 section 2.1 and those of providers that do not implement it (RFC 8725 section 3.11).
func isAccessType(typ string) bool { return isAnyOf(typ, "", "JWT") || saysAccess(typ) }

func saysAccess(typ string) bool { return isAnyOf(typ, "at+jwt", "application/at+jwt") }

// isAccessToken excludes tokens that the issuer signs for other purposes: ID tokens, refresh tokens, logout tokens (RFC 8725
// section 3.12), and tokens bound to a key, which a bearer does not prove to have (RFC 7800).
func (i *Issuer) isAccessToken(typ string, token *claims.Token) bool {
	kind, err := token.Object.String("typ")
	if err != nil || isAnyOf(kind, "ID", "Refresh", "Offline", "Logout") || token.Has("cnf") || token.Has("events") {
		return false
	}
	use, err := token.Object.String("token_use") // Amazon Cognito
	if err != nil || isAnyOf(use, "id") {
		return false
	}
	if saysAccess(typ) || isAnyOf(kind, "Bearer") {
		return true
	}
	return !slices.ContainsFunc(idTokenClaims, token.Has) && (!i.Marked || isAnyOf(use, "access") || slices.ContainsFunc(accessClaims, token.Has))
}

// Claims that distinguish tokens whose header and typ do not. An ID token from a refresh or a device login may have neither nonce
// nor at_hash, so their absence proves nothing; but it never has one of accessClaims. cid is used by Okta, appid and azpacr by
// Microsoft Entra.
var (
	idTokenClaims = []string{"nonce", "at_hash", "c_hash"}
	accessClaims  = []string{"scope", "scp", "client_id", "cid", "appid", "azpacr"}
)

func isAnyOf(text string, words ...string) bool {
	return slices.ContainsFunc(words, func(word string) bool { return strings.EqualFold(text, word) })
}
