package core

import (
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
)

// maxACR is the greatest length of the values of one requirement in bytes, with a space between two: the state of a login contains them,
// and the callback's request line must stay below fiber's limit of 4 KiB.
const maxACR = 512

// ACR requires how the person has authenticated (RFC 9470): the claim acr must be one of the values. The comparison is exact, and no value
// counts as more than another: list all that are enough, the preferred one first. A missing acr, and one of another type, is refused. The
// refusal is a 401 with the error insufficient_user_authentication and acr_values; with Config.Sessions, a person with a session is
// redirected to a login at the provider of the session that asks for the values, and comes back with a new session. For tokens issued in
// broker mode and for sessions, acr is that of the login, and a refresh does not change it. In Config.Require it also applies to every login,
// which then asks for the values. Without a value it is never met, nor with one that acr_values cannot carry: empty, with a space, a quote or
// a backslash, or beyond ASCII. All values together have at most 512 bytes, with a space between two.
func ACR(values ...string) Requirement {
	list := claims.Distinct(values)
	if len(list) == 0 {
		return Requirement{fault: "ACR: " + emptyList}
	}
	for _, value := range list {
		if !isScope(value) { // the characters are the same
			return Requirement{fault: "ACR: an entry cannot be sent in acr_values: write ASCII without spaces, quotes and backslashes"}
		}
	}
	if len(strings.Join(list, " ")) > maxACR {
		return Requirement{fault: "ACR: the values are too long: write at most " + strconv.Itoa(maxACR) + " bytes"}
	}
	return Requirement{kind: kindStepUp, name: "ACR " + strings.Join(list, ", "), stepUp: claims.StepUp{ACR: list}}
}

// MaxAge requires a recent login (RFC 9470): the claim auth_time must be at most d ago, plus Config.Leeway. An auth_time that is missing, is
// not a number, or is in the future by more than Leeway is refused. The refusal is that of [ACR], with max_age in whole seconds, rounded down.
// 0 requires a login within Leeway, so that the person has to log in for this very request. For tokens issued in broker mode and for
// sessions, auth_time is that of the login: a refresh is no login. A negative duration is never met.
func MaxAge(d time.Duration) Requirement {
	if d < 0 {
		return Requirement{fault: "MaxAge: no login is younger than that: write a duration that is not negative"}
	}
	return Requirement{kind: kindStepUp, name: "MaxAge " + d.String(), stepUp: claims.StepUp{MaxAge: d, Bounded: true}}
}

const differentACR = "ACR: no value is in all of the lists, and a login has only one"

// addStepUp joins a demand with those of the guard, so that one login meets them all.
func (g *Guard) addStepUp(r Requirement) {
	joined, ok := g.stepUp.And(&r.stepUp)
	if !ok {
		g.add(Requirement{fault: differentACR})
		return
	}
	g.stepUp = joined
}

// excludesLogins reports whether no login can meet all of the parts.
func excludesLogins(parts []Requirement) bool {
	var all claims.StepUp
	for i := range parts {
		joined, ok := all.And(&parts[i].stepUp)
		if !ok {
			return true
		}
		all = joined
	}
	return false
}

// isEnough reports whether the login of the caller is like this. It runs on every request and must not allocate.
func (g *Guard) isEnough(token *IDToken, demand *claims.StepUp) bool {
	return demand.IsZero() || demand.MetBy(token.claims(), time.Now(), g.auth.cfg.Leeway)
}

// meetsStepUp checks the login last: a new one changes nothing for a caller who lacks something else. also are demands of requirements that
// a better login would meet. The refusal names all demands at once.
func (g *Guard) meetsStepUp(token *IDToken, also *claims.StepUp) error {
	if also == nil && g.isEnough(token, &g.stepUp) {
		return nil
	}
	all, ok := joinStepUps(&g.stepUp, also)
	if !ok {
		return insufficient(lacksClaims)
	}
	return lacksLogin(token, all)
}

// joinStepUps joins two demands, each of which may be nil; ok is false if no login can meet both.
func joinStepUps(one, other *claims.StepUp) (both *claims.StepUp, ok bool) {
	switch {
	case one == nil:
		return other, true
	case other == nil:
		return one, true
	}
	joined, ok := one.And(other)
	return &joined, ok
}

// lacksLogin returns the refusal of a caller whose login is not enough (RFC 9470 section 3).
func lacksLogin(token *IDToken, demand *claims.StepUp) *Error {
	e := &Error{
		Status: http.StatusUnauthorized, Code: CodeInsufficientUserAuthentication, Detail: "A stronger or more recent login is needed.",
		kind: fault.Lacking, want: wantedOf(demand), stepUp: demand,
	}
	if token.token.Raw == "" { // a session's claims are no token
		e.issuer, _ = token.Person()
	}
	return e
}

// wantedOf returns a demand for the log.
func wantedOf(demand *claims.StepUp) (want []slog.Attr) {
	if len(demand.ACR) > 0 {
		want = append(want, slog.Any("want_acr", demand.ACR))
	}
	if demand.Bounded {
		want = append(want, slog.Duration("want_max_age", demand.MaxAge))
	}
	return want
}

// stepUpChallenge returns the parameters of RFC 9470 section 3 for WWW-Authenticate, "" if the refusal is another one.
func (e *Error) stepUpChallenge() (text string) {
	if e.stepUp == nil {
		return ""
	}
	if len(e.stepUp.ACR) > 0 {
		text = `, acr_values="` + quotable(strings.Join(e.stepUp.ACR, " ")) + `"`
	}
	if e.stepUp.Bounded {
		text += `, max_age="` + strconv.FormatInt(e.stepUp.Seconds(), 10) + `"`
	}
	return text
}

// isStepUp reports whether the refused caller is a person with a session, whom a better login would let pass.
func (e *Error) isStepUp() bool { return e.stepUp != nil && e.issuer != "" }
