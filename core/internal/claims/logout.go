package claims

import (
	"slices"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Logout is the content of a logout token: one session at the issuer, or all sessions of a person. Subject or Session is "".
type Logout struct {
	Issuer, Subject, Session string
	ID                       string // jti
}

const (
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
	logoutAge   = 5 * time.Minute // how old a logout token may be
	maxID       = 255             // bytes of a jti
)

// ReadLogout reads the verified claims of a logout token (OpenID Connect Back-Channel Logout section 2.6). The error is one of the reasons
// of package fault.
func ReadLogout(object strictjson.Object, issuer, client string, now time.Time, leeway time.Duration) (*Logout, error) {
	got, errIssuer := object.String("iss")
	audience, errAudience := object.Strings("aud")
	logout := &Logout{Issuer: issuer}
	var errSubject, errSession, errID error
	logout.Subject, errSubject = object.String("sub")
	logout.Session, errSession = object.String("sid")
	logout.ID, errID = object.String("jti")
	events, errEvents := object.Object("events")
	_, isLogout := events.Get(logoutEvent)
	_, errEvent := events.Object(logoutEvent)
	switch {
	case object.FoldsTo("iss", "aud", "iat", "exp", "jti", "sub", "sid", "events", "nonce"),
		errIssuer != nil, errAudience != nil, errSubject != nil, errSession != nil, errID != nil, errEvents != nil, errEvent != nil:
		return nil, fault.ErrClaims
	case got != issuer:
		return nil, fault.ErrIssuer
	case !slices.Contains(audience, client):
		return nil, fault.ErrAudience
	}
	if object.Has("nonce") || !isLogout { // only ID tokens have a nonce; null is one too
		return nil, fault.ErrTokenKind
	}
	if logout.ID == "" || len(logout.ID) > maxID || logout.Subject == "" && logout.Session == "" {
		return nil, fault.ErrClaims
	}
	if _, named := object.Get("sid"); named {
		if logout.Session == "" {
			return nil, fault.ErrClaims
		}
		logout.Subject = "" // that session alone
	}
	return logout, logoutTimes(object, now, leeway)
}

func logoutTimes(object strictjson.Object, now time.Time, leeway time.Duration) error {
	iat, ok, err := object.Number("iat", false)
	if err != nil || !ok {
		return fault.ErrClaims
	}
	age := now.Sub(Time(iat))
	switch {
	case age < -leeway:
		return fault.ErrNotYetValid
	case age > logoutAge+leeway:
		return fault.ErrExpired
	}
	exp, ok, err := object.Number("exp", false)
	switch {
	case err != nil:
		return fault.ErrClaims
	case ok && !Time(exp).Add(leeway).After(now):
		return fault.ErrExpired
	}
	return nil
}
