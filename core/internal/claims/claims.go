// Package claims reads the claims of a token or a document about a person. It checks the types of the registered claims, and
// their times against the clock. It does not verify signatures.
package claims

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Token contains the claims of one token or document. [Token.Read] or [Document] fills it once; after that it is read-only and
// safe for concurrent use. A nil Token has no claims.
type Token struct {
	Raw              string // the token as received; "": there is none
	Issuer, Subject  string
	Audience, Scopes []string
	Expiry           time.Time
	Object           strictjson.Object // all claims

	since, until int64 // the token is valid between them, leeway included; Unix milliseconds
	rules        *Rules
	roles        atomic.Pointer[[]string] // once somebody has asked

	room [usualAudience + usualScopes]string // for Audience and Scopes
}

// Numbers of entries that fit without another allocation.
const (
	usualAudience = 2
	usualScopes   = 6
)

// Rules are the settings for reading the tokens of one service.
type Rules struct {
	Leeway     time.Duration // how far clocks may differ
	Client     string        // the client whose roles count; "" is none
	AllClients bool          // the roles of every client count
}

// decisive lists the claims that affect a decision. A token with another spelling of one of them is refused, because a reader
// that ignores case would see another caller.
var decisive = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "scp", "typ", "token_use", "cnf", "nonce", "at_hash", "c_hash", "events"}

// Read fills t from verified claims. It checks, in this order, that the registered claims have their types (RFC 7519 section
// 4.1), that iss equals issuer byte for byte, that sub and exp are present, and exp, nbf and iat against now. The error is one
// of the reasons of package fault.
func (t *Token) Read(object strictjson.Object, issuer string, now time.Time, rules *Rules) error {
	if object.FoldsTo(decisive...) {
		return fault.ErrClaims
	}
	t.Object, t.rules = object, rules
	switch {
	case !t.readTexts():
		return fault.ErrClaims
	case t.Issuer != issuer:
		return fault.ErrIssuer
	case t.Subject == "":
		return fault.ErrClaims
	}
	first, expiry, err := readTimes(object, now, rules.Leeway)
	if err != nil {
		return err
	}
	t.Expiry, t.since, t.until = expiry, first.Add(-rules.Leeway).UnixMilli(), expiry.Add(rules.Leeway).UnixMilli()
	return nil
}

// readTexts reads the claims that are strings or lists of strings, and reports whether all have their types.
func (t *Token) readTexts() bool {
	issuer, errIssuer := t.Object.String("iss")
	subject, errSubject := t.Object.String("sub")
	audience, errAudience := t.Object.AppendStrings(t.room[:0:usualAudience], "aud")
	scopes, errScopes := appendScopes(t.room[usualAudience:usualAudience], t.Object)
	_, errID := t.Object.String("jti")
	_, errParty := t.Object.String("azp")
	t.Issuer, t.Subject, t.Audience, t.Scopes = issuer, subject, audience, scopes
	return errIssuer == nil && errSubject == nil && errAudience == nil && errScopes == nil && errID == nil && errParty == nil
}

// Document reads a JSON object about a person, such as a userinfo answer. No claim is required.
func Document(object strictjson.Object, rules *Rules) *Token {
	return &Token{Object: object, rules: rules}
}

// Good reports whether the token is valid at this time. It must not allocate: it runs on every request.
func (t *Token) Good(now time.Time) bool {
	at := now.UnixMilli()
	return at < t.until && at >= t.since
}

// Payload returns the text of all claims.
func (t *Token) Payload() string { return t.Object.Text() }

// Size returns roughly how many bytes of memory the token takes.
func (t *Token) Size() int {
	const perClaim, rest, step = 8, 500, 256
	text := len(t.Raw) + len(t.Payload())
	return (text+step-1)/step*step + t.Object.Len()*perClaim + rest // memory comes in steps
}

// appendScopes appends the words of the claim scope (RFC 9068 section 2.2.3), or of scp if there is no scope, each once.
func appendScopes(into []string, object strictjson.Object) ([]string, error) {
	if _, ok := object.Get("scope"); ok {
		scope, err := object.String("scope")
		return appendWords(into, scope), err
	}
	lists, err := object.Strings("scp")
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
