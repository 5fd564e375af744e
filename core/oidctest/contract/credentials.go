package contract

import (
	"maps"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Outcome is what a guard with the requirements of [Needs] makes of a value of Authorization.
type Outcome int

// The outcomes.
const (
	Admitted      Outcome = iota // the caller is alice
	NoCredentials                // a guest, if the guard is optional
	BadToken
	LacksScope // staff
	LacksClaim
)

// Credential is a value of Authorization and its outcome. "" means that there is none.
type Credential struct {
	Authorization string
	Outcome       Outcome
}

// Needs returns the requirements of the guard that [Credentials] is about: the scope staff, the role admin and the group of alice.
func Needs() []core.Requirement {
	return []core.Requirement{core.Scopes("staff"), core.Roles("admin"), core.Claim("groups", "/staff/dev")}
}

// Credentials returns what every guard must decide alike, by name, for the suite and for adapters of other protocols than HTTP. token
// makes a token of a user that guards accept, and bad has tokens that they must refuse.
func Credentials(token func(user string, claims ...oidctest.Claims) string, bad map[string]string) map[string]Credential {
	staff := oidctest.Claims{"scope": "openid staff"}
	good := token("alice", staff)
	all := map[string]Credential{
		"good":         {"Bearer " + good, Admitted},
		"lower case":   {"bearer  " + good, Admitted},
		"none":         {"", NoCredentials},
		"other scheme": {"Basic YTpi", NoCredentials},
		"scheme alone": {"Bearer", NoCredentials},
		"malformed":    {"Bearer x.y.z", BadToken},
		"two tokens":   {"Bearer " + good + " " + good, BadToken},
		"comma":        {"Bearer " + good + ", Bearer " + good, BadToken},
		"oversized":    {"Bearer " + good + strings.Repeat("x", 17<<10), BadToken},
		"scope":        {"Bearer " + token("alice"), LacksScope},
		"claim":        {"Bearer " + token("bob", staff), LacksClaim},
	}
	for name, raw := range bad {
		all[name] = Credential{"Bearer " + raw, BadToken}
	}
	return all
}

// BadTokens returns access tokens that a guard of passthrough mode must refuse, by their fault. Each would meet [Needs] but for this fault.
func BadTokens(idp *oidctest.Provider) map[string]string {
	staff := oidctest.Claims{"scope": "openid staff"}
	foreign := idp.AccessClaims("alice")
	maps.Copy(foreign, staff)
	return map[string]string{
		"changed":         changed(idp.AccessToken("alice", staff)),
		"foreign key":     idp.SignForeign("at+jwt", foreign),
		"expired":         idp.AccessToken("alice", staff, oidctest.Claims{"exp": int64(1)}),
		"another service": idp.AccessToken("alice", staff, oidctest.Claims{"aud": "x", "azp": "x", "client_id": "x"}),
		"issued to us":    idp.AccessToken("alice", staff, oidctest.Claims{"aud": "x"}),
		"ID token":        anIDToken(idp),
		"refreshed":       idp.IDToken("alice", oidctest.Claims{"groups": []string{"/staff/dev"}}),
		"unmarked":        idp.UnmarkedAccessToken("alice"),
	}
}
