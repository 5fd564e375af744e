package core

import (
	"context"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Requirement is one condition that a caller must meet. The zero value is never met. Make one with [Scopes], [Roles],
// [AnyRole], [ClientRoles], [Claim], [ACR], [MaxAge], [Check] or [CheckRequest]; combine several with [AllOf] and [AnyOf]. Safe
// for concurrent use.
type Requirement struct {
	kind    requirementKind
	scopes  []string
	met     func(*IDToken) bool
	request func(context.Context, Credentials, *IDToken) (bool, error)
	name    string // for logs
	parts   []Requirement
	data    Condition     // what Rule shows, without parts
	stepUp  claims.StepUp // of kindStepUp
	fault   string        // why it can never be met; logged when a guard is made
}

type requirementKind int

const (
	kindNever requirementKind = iota
	kindScopes
	kindClaims
	kindCheck
	kindCheckRequest
	kindStepUp
	kindAll
	kindAny
	kindNoDefaults
	kindRejectInvalid
	kindBearerOnly
	kindSessionOnly
	kindNoRedirect
)

// Options of a guard, written among its requirements. Of these only BearerOnly and SessionOnly are conditions too, inside [AllOf] and [AnyOf].
var (
	// NoDefaults makes a guard ignore Config.Require. Invalid in Config.Require.
	NoDefaults = Requirement{kind: kindNoDefaults}
	// RejectInvalid makes a guard of [Auth.Optional] refuse a token or a session that is invalid, cannot be verified during an
	// outage, or does not meet the requirements, instead of treating the caller as a guest. A request without credentials is
	// still a guest's. No effect in [Auth.Required]. Invalid in Config.Require.
	RejectInvalid = Requirement{kind: kindRejectInvalid}
	// BearerOnly makes a guard accept a bearer token and no browser session. In Config.Require it applies to every guard without
	// [NoDefaults]. Inside [AnyOf] it is met by a caller with a bearer token: AnyOf(BearerOnly, Roles("x")) requires the role of sessions
	// alone.
	BearerOnly = Requirement{kind: kindBearerOnly, name: "BearerOnly"}
	// SessionOnly makes a guard accept a browser session and no bearer token. Inside [AnyOf] it is met by a caller with a session:
	// AnyOf(SessionOnly, Scopes("x")) requires the scope of bearer tokens alone.
	SessionOnly = Requirement{kind: kindSessionOnly, name: "SessionOnly"}
	// NoRedirect makes a guard answer 401 to a browser without a session, instead of a redirect to the login.
	NoRedirect = Requirement{kind: kindNoRedirect}
)

const emptyList = "an empty list never matches: name at least one value"

// Scopes requires all of the scopes: each must be in [IDToken.Scopes]. Each element is split at white space. The comparison is
// exact. Without a scope it is never met.
func Scopes(all ...string) Requirement {
	r := Requirement{kind: kindScopes, scopes: claims.Distinct(strings.Fields(strings.Join(all, " ")))}
	r.data = Condition{Kind: ConditionScopes, Values: r.scopes}
	if len(r.scopes) == 0 {
		return Requirement{fault: "Scopes: " + emptyList}
	}
	r.name = "Scopes " + strings.Join(r.scopes, ", ")
	for _, scope := range r.scopes {
		if !isScope(scope) {
			return Requirement{fault: "Scopes: an entry is not a valid scope (RFC 6749 section 3.3)"}
		}
	}
	return r
}

// Roles requires all of the roles: each must be in [IDToken.Roles]. The comparison is exact. To require one of several, use
// [AnyRole]. The roles of other clients count only with Config.RolesOfAllClients; for those of one client, use [ClientRoles].
// The claims option of the Python library requires all values too, among the roles of all clients. Without a role it is never
// met.
func Roles(all ...string) Requirement {
	return roles("Roles", Condition{Kind: ConditionRoles, Values: all}, rolesOf, containsAll)
}

// AnyRole requires at least one of the roles: one must be in [IDToken.Roles] (to require all, use [Roles]). The comparison is
// exact. Without a role it is never met.
func AnyRole(anyOf ...string) Requirement {
	return roles("AnyRole", Condition{Kind: ConditionAnyRole, Values: anyOf}, rolesOf, containsAny)
}

// ClientRoles requires all of the roles at one client of the provider: each must be in the claim
// resource_access.<client>.roles. The comparison is exact, for the client's name too. Tokens issued in broker mode do not
// have this claim, so they never meet it. Without a client or a role it is never met.
func ClientRoles(client string, all ...string) Requirement {
	if client == "" {
		return Requirement{fault: "ClientRoles: name the client whose roles are required"}
	}
	data := Condition{Kind: ConditionClientRoles, Name: client, Values: all}
	return roles("ClientRoles "+client, data, func(token *IDToken) []string { return token.claims().ClientRoles(client) }, containsAll)
}

func rolesOf(token *IDToken) []string { return token.claims().Roles() }

func roles(name string, data Condition, of func(*IDToken) []string, enough func(has, wanted []string) bool) Requirement {
	data.Values = slices.Clone(data.Values)
	wanted := data.Values
	if len(wanted) == 0 || slices.Contains(wanted, "") {
		return Requirement{fault: name + ": " + emptyList}
	}
	named := name + " " + strings.Join(wanted, ", ")
	return Requirement{kind: kindClaims, name: named, data: data, met: func(token *IDToken) bool { return enough(of(token), wanted) }}
}

func containsAll(has, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(word string) bool { return !slices.Contains(has, word) })
}

func containsAny(has, wanted []string) bool {
	return slices.ContainsFunc(wanted, func(word string) bool { return slices.Contains(has, word) })
}

// Claim requires at least one of the values: the claim at path (see [IDToken.Claim]) must equal one of them, or be a list
// that contains one (to require all, use [AllOf] with one Claim per value). Strings are compared exactly, booleans and
// numbers by their JSON text. Without a path or a value it is never met.
func Claim(path string, anyOf ...string) Requirement {
	anyOf = slices.Clone(anyOf)
	if path == "" || len(anyOf) == 0 {
		return Requirement{fault: "Claim: " + emptyList}
	}
	data := Condition{Kind: ConditionClaim, Name: path, Values: anyOf}
	return Requirement{kind: kindClaims, name: "Claim " + path, data: data, met: func(token *IDToken) bool {
		raw, ok := token.claims().Find(path)
		return ok && holdsAny(raw, anyOf)
	}}
}

// Check calls a function of the application; the requirement is met if it returns true. The function must be safe for
// concurrent use. If it panics, the answer is a 500 and the panic is logged with name; name appears only in logs, errors and rules ([Rule]).
// With a nil function it is never met.
func Check(name string, ok func(*IDToken) bool) Requirement {
	if ok == nil {
		return Requirement{fault: "Check " + name + ": the function is nil"}
	}
	return Requirement{kind: kindCheck, name: "Check " + name, data: Condition{Kind: ConditionCheck, Name: name}, met: ok}
}

// CheckRequest calls a function of the application with the caller and the request: method, target and header, which are
// copies that the function may keep. It must be safe for concurrent use; the context is the request's. If it returns an
// error, the answer is a 503, and [Auth.Optional] treats the caller as a guest, as in every outage. If it panics, the answer
// is a 500. name appears only in logs, errors and rules. With a nil function it is never met. Invalid in Config.Require, which also
// applies when a token is issued, without a request to check.
func CheckRequest(name string, ok func(context.Context, Credentials, *IDToken) (bool, error)) Requirement {
	if ok == nil {
		return Requirement{fault: "CheckRequest " + name + ": the function is nil"}
	}
	return Requirement{kind: kindCheckRequest, name: "CheckRequest " + name, data: Condition{Kind: ConditionCheckRequest, Name: name}, request: ok}
}

// AllOf requires every one of the requirements; it is meant for use inside [AnyOf]. It is never met if the list is empty or
// contains a requirement that can never be met.
func AllOf(all ...Requirement) Requirement { return combine("AllOf", kindAll, all) }

// AnyOf requires at least one of the requirements. It tries them in order and stops at the first that is met. If none is
// met, the refusal asks for the login of the first [ACR] or [MaxAge] that alone is missing; if there is none, it names the missing
// scopes of the first requirement that lacks only scopes; if there is none of these either, it is the refusal for a claim. An error of a [CheckRequest] leads to a 503 only if no other requirement is met. AnyOf is never met if
// the list is empty or contains a requirement that can never be met.
func AnyOf(anyOf ...Requirement) Requirement { return combine("AnyOf", kindAny, anyOf) }

func combine(name string, kind requirementKind, parts []Requirement) Requirement {
	if len(parts) == 0 {
		return Requirement{fault: name + ": " + emptyList}
	}
	for _, part := range parts {
		if part.isOption() {
			return Requirement{fault: name + ": NoDefaults, RejectInvalid and NoRedirect are not conditions: write them next to it"}
		}
		if part.kind == kindNever {
			return Requirement{fault: name + ": " + part.faultInConfig()}
		}
	}
	if kind == kindAll && excludesLogins(parts) {
		return Requirement{fault: name + ": " + differentACR}
	}
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.name
	}
	return Requirement{kind: kind, name: name + " (" + strings.Join(names, "; ") + ")", parts: slices.Clone(parts)}
}

func holdsAny(raw string, anyOf []string) bool {
	list, err := strictjson.Entries(raw)
	if err != nil { // not a list
		list = []string{raw}
	}
	return slices.ContainsFunc(list, func(entry string) bool { return isOneOf(entry, anyOf) })
}

func isOneOf(raw string, anyOf []string) bool {
	switch {
	case raw[0] == '[' || raw[0] == '{' || raw == "null":
		return false
	case raw[0] == '"':
		text, err := strictjson.Text(raw)
		return err == nil && slices.Contains(anyOf, text)
	default:
		return slices.Contains(anyOf, raw)
	}
}

func (r Requirement) isOption() bool {
	return r.kind == kindNoDefaults || r.kind == kindRejectInvalid || r.kind == kindNoRedirect
}

// asksRequest reports whether judging the requirement needs a request.
func (r Requirement) asksRequest() bool {
	return r.kind == kindCheckRequest || slices.ContainsFunc(r.parts, Requirement.asksRequest)
}

// asksKind reports whether judging the requirement depends on how the caller came.
func (r Requirement) asksKind() bool {
	return slices.ContainsFunc(r.parts, func(part Requirement) bool {
		return part.kind == kindBearerOnly || part.kind == kindSessionOnly || part.asksKind()
	})
}

func (r Requirement) faultInConfig() string {
	switch {
	case r.kind == kindNoDefaults || r.kind == kindRejectInvalid:
		return "use it in a guard, not here"
	case r.asksRequest():
		return "CheckRequest needs a request, and there is none when a token is issued: use it in the guards"
	case r.asksKind():
		return "BearerOnly and SessionOnly inside AnyOf and AllOf need a request, and there is none when a token is issued: use them in the guards"
	case r.kind == kindNever && r.fault == "":
		return "an empty Requirement is never met: make one with Scopes, Roles, Claim or Check"
	default:
		return r.fault
	}
}
