// Package claims reads what a token or a document says about a person: the registered claims, typed and held against the
// clock, and those that applications ask for. Nothing here knows whether a signature was checked.
package claims

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Token is what one token says. It is filled once, by [Token.Read] or [Document], and read-only from then on; safe for
// concurrent use then. Every method works on nil, which says nothing.
type Token struct {
	Raw, Payload     string
	Issuer, Subject  string
	Audience, Scopes []string
	Expiry           time.Time
	Object           strictjson.Object // all claims; parts of Payload

	since, until int64 // Unix milliseconds, between which it is good; the leeway is in them
	rules        *Rules
	rolesOnce    sync.Once
	allRoles     []string

	room [usualAudience + usualScopes]string // for the lists
}

// So many entries are made together with the rest.
const (
	usualAudience = 2
	usualScopes   = 6
)

// Rules are how tokens are read, the same for all of one service.
type Rules struct {
	Leeway     time.Duration // how far clocks may differ
	Client     string        // the client whose roles count; "" is none
	AllClients bool          // the roles of every client count
}

// decisive are the claims that decide something: another spelling of one of them is refused, so that a reader that
// folds case sees the same caller.
var decisive = []string{"iss", "sub", "aud", "exp", "nbf", "iat", "jti", "azp", "client_id", "scope", "scp", "typ", "token_use", "cnf", "nonce", "at_hash", "c_hash", "events"}

// Read fills t from claims whose signature was checked: RFC 7519 section 4.1 with every registered claim typed; iss equal
// byte for byte to issuer, sub and exp present, exp, nbf and iat against the clock, in this order. The error is one of
// fault's reasons.
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

// readTexts reads the claims that are texts, and reports whether all have their types.
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

// Document reads a JSON object that the provider has said about a person: no claim is asked for. The error is that of the
// strict parser.
func Document(text string, rules *Rules) (*Token, error) {
	object, err := strictjson.Parse(text)
	if err != nil {
		return nil, err
	}
	return &Token{Object: object, rules: rules}, nil
}

// Good reports whether the clock is between the token's times. It must not allocate: it runs on every request.
func (t *Token) Good(now time.Time) bool {
	at := now.UnixMilli()
	return at < t.until && at >= t.since
}

// Size is about how many bytes the token takes.
func (t *Token) Size() int {
	const perClaim, rest = 32, 700
	return len(t.Raw) + len(t.Payload) + cap(t.Object)*perClaim + rest
}

// appendScopes is RFC 9068 section 2.2.3, and scp where a provider writes that one: each word once, behind those of into.
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
