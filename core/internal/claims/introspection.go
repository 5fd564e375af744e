package claims

import (
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// ReadAnswer fills t from what the issuer says about an opaque token (RFC 7662 section 2.2). It is [Token.Read] with these differences:
// iss may be absent, scope may be a list, exp may be a text, and without exp the token is valid until end.
func (t *Token) ReadAnswer(object strictjson.Object, issuer string, now, end time.Time, rules *Rules) error {
	if object.FoldsTo(decisive...) || object.FoldsTo("active", "token_type") {
		return fault.ErrClaims
	}
	t.Object, t.rules = object, rules
	scopes, err := answeredScopes(object)
	switch {
	case err != nil, !t.readAnswered():
		return fault.ErrClaims
	case t.Has("iss") && t.Issuer != issuer:
		return fault.ErrIssuer
	case t.Subject == "":
		return fault.ErrClaims
	}
	t.Issuer, t.Scopes = issuer, scopes
	return t.readAnsweredTimes(now, end)
}

// readAnswered is readTexts without the scopes.
func (t *Token) readAnswered() bool {
	for _, name := range []string{"jti", "azp", "client_id", "token_type"} {
		if _, err := t.Object.String(name); err != nil {
			return false
		}
	}
	issuer, errIssuer := t.Object.String("iss")
	subject, errSubject := t.Object.String("sub")
	audience, errAudience := t.Object.Strings("aud")
	t.Issuer, t.Subject, t.Audience = issuer, subject, audience
	return errIssuer == nil && errSubject == nil && errAudience == nil
}

// answeredScopes returns the words of scope, a text or a list of texts, or of scp.
func answeredScopes(object strictjson.Object) ([]string, error) {
	if scope, ok := object.Get("scope"); !ok || !strings.HasPrefix(scope, "[") {
		return appendScopes(nil, object)
	}
	list, err := object.Strings("scope")
	var scopes []string
	for _, words := range list {
		scopes = appendWords(scopes, words)
	}
	return scopes, err
}

func (t *Token) readAnsweredTimes(now, end time.Time) error {
	at, slack := float64(now.UnixNano())/1e9, t.rules.Leeway.Seconds()
	exp, ok, err := t.Object.Number("exp", true)
	switch {
	case err != nil:
		return fault.ErrClaims
	case ok && exp+slack <= at:
		return fault.ErrExpired
	case ok:
		end = Time(exp)
	}
	first := 0.0
	for _, name := range []string{"nbf", "iat"} {
		start, ok, err := t.Object.Number(name, true)
		switch {
		case err != nil:
			return fault.ErrClaims
		case ok && start-slack > at:
			return fault.ErrNotYetValid
		}
		first = max(first, start)
	}
	t.Expiry, t.since, t.until = end, Time(first).Add(-t.rules.Leeway).UnixMilli(), end.Add(t.rules.Leeway).UnixMilli()
	return nil
}
