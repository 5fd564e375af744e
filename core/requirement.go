package core

import (
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Requirement is one condition that a caller has to meet. The zero value is never met. Made by [Scopes], [Roles],
// [Claim] and [Check]; safe for concurrent use.
type Requirement struct {
	kind   requirementKind
	scopes []string
	met    func(*IDToken) bool
	fault  string // why it can never be met, told when a guard is made
}

type requirementKind int

const (
	kindNever requirementKind = iota
	kindScopes
	kindClaims
	kindNoDefaults
	kindRejectInvalid
)

// NoDefaults among a guard's requirements leaves Config.Require out of it. In Config.Require it is a fault.
//
// RejectInvalid among the requirements of [Auth.Optional] makes a token that is bad, or lacks something, a refusal
// instead of a guest. In [Auth.Required] it changes nothing; in Config.Require it is a fault.
var (
	NoDefaults    = Requirement{kind: kindNoDefaults}
	RejectInvalid = Requirement{kind: kindRejectInvalid}
)

const emptyList = "nothing is asked for, so nobody can meet it: name at least one value"

// Scopes asks for every one of the scopes; each element is split at white space. Without a scope it is never met.
func Scopes(all ...string) Requirement {
	r := Requirement{kind: kindScopes, scopes: claims.Distinct(strings.Fields(strings.Join(all, " ")))}
	if len(r.scopes) == 0 {
		return Requirement{fault: "Scopes: " + emptyList}
	}
	for _, scope := range r.scopes {
		if !isScope(scope) {
			return Requirement{fault: "Scopes: an entry is no scope of RFC 6749 section 3.3"}
		}
	}
	return r
}

// Roles asks for every one of the values among [IDToken.Roles]: the rule that the claims option of the Python library
// has. Compared exactly. Without a value it is never met.
func Roles(all ...string) Requirement {
	all = slices.Clone(all)
	if len(all) == 0 || slices.Contains(all, "") {
		return Requirement{fault: "Roles: " + emptyList}
	}
	return Requirement{kind: kindClaims, met: func(token *IDToken) bool {
		has := token.claims().Roles()
		return !slices.ContainsFunc(all, func(role string) bool { return !slices.Contains(has, role) })
	}}
}

// Claim asks that the claim at path (see [IDToken.Claim]) is one of the values, or a list that holds one of them.
// Texts are compared exactly; a boolean or a number is compared by its JSON text. Without a value it is never met.
func Claim(path string, anyOf ...string) Requirement {
	anyOf = slices.Clone(anyOf)
	if path == "" || len(anyOf) == 0 {
		return Requirement{fault: "Claim: " + emptyList}
	}
	return Requirement{kind: kindClaims, met: func(token *IDToken) bool {
		raw, ok := token.claims().Find(path)
		return ok && holdsAny(raw, anyOf)
	}}
}

// Check asks a function of the application's. It must be safe for concurrent use; name stands in logs alone. A nil
// function is never met.
func Check(name string, ok func(*IDToken) bool) Requirement {
	if ok == nil {
		return Requirement{fault: "Check " + name + ": the function is nil"}
	}
	return Requirement{kind: kindClaims, met: ok}
}

func holdsAny(raw string, anyOf []string) bool {
	list, err := strictjson.Entries(raw)
	if err != nil { // no list
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

func (r Requirement) faultInConfig() string {
	switch {
	case r.kind == kindNoDefaults || r.kind == kindRejectInvalid:
		return "write it at a guard, not here"
	case r.kind == kindNever && r.fault == "":
		return "make it with Scopes, Roles, Claim or Check"
	default:
		return r.fault
	}
}
