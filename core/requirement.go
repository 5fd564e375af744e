package core

import (
	"context"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Requirement is one condition that a caller has to meet. The zero value is never met. Made by [Scopes], [Roles], [AnyRole],
// [ClientRoles], [Claim], [Check] and [CheckRequest], and out of others by [AllOf] and [AnyOf]; safe for concurrent use.
type Requirement struct {
	kind    requirementKind
	scopes  []string
	met     func(*IDToken) bool
	request func(context.Context, Credentials, *IDToken) (bool, error)
	name    string // what logs call it
	parts   []Requirement
	fault   string // why it can never be met, told when a guard is made
}

type requirementKind int

const (
	kindNever requirementKind = iota
	kindScopes
	kindClaims
	kindCheck
	kindCheckRequest
	kindAll
	kindAny
	kindNoDefaults
	kindRejectInvalid
	kindBearerOnly
)

// NoDefaults among a guard's requirements leaves Config.Require out of it. In Config.Require it is a fault.
//
// RejectInvalid among the requirements of [Auth.Optional] makes a token that is bad, or lacks something, a refusal
// instead of a guest. In [Auth.Required] it changes nothing; in Config.Require it is a fault.
//
// BearerOnly among a guard's requirements, or in Config.Require, admits callers by a bearer token and by nothing else. Guards
// take nothing else in this release, so it changes nothing yet.
//
// They say how a guard decides and are no conditions: within [AllOf] and [AnyOf] each is a fault.
var (
	NoDefaults    = Requirement{kind: kindNoDefaults}
	RejectInvalid = Requirement{kind: kindRejectInvalid}
	BearerOnly    = Requirement{kind: kindBearerOnly}
)

const emptyList = "nothing is asked for, so nobody can meet it: name at least one value"

// Scopes asks for every one of the scopes; each element is split at white space. Without a scope it is never met.
func Scopes(all ...string) Requirement {
	r := Requirement{kind: kindScopes, scopes: claims.Distinct(strings.Fields(strings.Join(all, " ")))}
	if len(r.scopes) == 0 {
		return Requirement{fault: "Scopes: " + emptyList}
	}
	r.name = "Scopes " + strings.Join(r.scopes, ", ")
	for _, scope := range r.scopes {
		if !isScope(scope) {
			return Requirement{fault: "Scopes: an entry is no scope of RFC 6749 section 3.3"}
		}
	}
	return r
}

// Roles asks for all of the values: every one has to be among [IDToken.Roles] (for one of them, see [AnyRole]). That is the rule
// of the claims option of the Python library. Compared exactly. Without a value it is never met.
func Roles(all ...string) Requirement {
	return roles("Roles", all, rolesOf, containsAll)
}

// AnyRole asks for any of the values: one of them has to be among [IDToken.Roles] (for all of them, see [Roles]). Compared
// exactly. Without a value it is never met.
func AnyRole(anyOf ...string) Requirement {
	return roles("AnyRole", anyOf, rolesOf, containsAny)
}

// ClientRoles asks for all of the values: every one has to be among the roles that the token has at one client of the provider,
// the claim resource_access.<client>.roles. Compared exactly, the client's name too. Tokens that broker mode issues have no such
// claim, so nobody meets it there. Without a client or a value it is never met.
func ClientRoles(client string, all ...string) Requirement {
	if client == "" {
		return Requirement{fault: "ClientRoles: name the client whose roles are asked for"}
	}
	return roles("ClientRoles "+client, all, func(token *IDToken) []string { return token.claims().ClientRoles(client) }, containsAll)
}

func rolesOf(token *IDToken) []string { return token.claims().Roles() }

func roles(name string, wanted []string, of func(*IDToken) []string, enough func(has, wanted []string) bool) Requirement {
	wanted = slices.Clone(wanted)
	if len(wanted) == 0 || slices.Contains(wanted, "") {
		return Requirement{fault: name + ": " + emptyList}
	}
	named := name + " " + strings.Join(wanted, ", ")
	return Requirement{kind: kindClaims, name: named, met: func(token *IDToken) bool { return enough(of(token), wanted) }}
}

func containsAll(has, wanted []string) bool {
	return !slices.ContainsFunc(wanted, func(word string) bool { return !slices.Contains(has, word) })
}

func containsAny(has, wanted []string) bool {
	return slices.ContainsFunc(wanted, func(word string) bool { return slices.Contains(has, word) })
}

// Claim asks for any of the values: the claim at path (see [IDToken.Claim]) has to be one of them, or a list that holds one of
// them (for all of them, write AllOf with one Claim for each). Texts are compared exactly; a boolean or a number is compared
// by its JSON text. Without a value it is never met.
func Claim(path string, anyOf ...string) Requirement {
	anyOf = slices.Clone(anyOf)
	if path == "" || len(anyOf) == 0 {
		return Requirement{fault: "Claim: " + emptyList}
	}
	return Requirement{kind: kindClaims, name: "Claim " + path, met: func(token *IDToken) bool {
		raw, ok := token.claims().Find(path)
		return ok && holdsAny(raw, anyOf)
	}}
}

// Check asks a function of the application's. It must be safe for concurrent use; name stands in logs alone. Where it panics,
// the answer is a 500, and the log has the name. A nil function is never met.
func Check(name string, ok func(*IDToken) bool) Requirement {
	if ok == nil {
		return Requirement{fault: "Check " + name + ": the function is nil"}
	}
	return Requirement{kind: kindCheck, name: "Check " + name, met: ok}
}

// CheckRequest asks a function of the application's about the caller and the request that came: its method, its target, its
// header, which are copies that may be kept. The function must be safe for concurrent use; the context is the request's. An
// error is no answer: a 503, which [Auth.Optional] takes for a guest as every outage. Where it panics, the answer is a 500. name
// stands in logs and errors alone. A nil function is never met. In Config.Require it is a fault: that is asked about tokens that
// are being made too, and those come with no request.
func CheckRequest(name string, ok func(context.Context, Credentials, *IDToken) (bool, error)) Requirement {
	if ok == nil {
		return Requirement{fault: "CheckRequest " + name + ": the function is nil"}
	}
	return Requirement{kind: kindCheckRequest, name: "CheckRequest " + name, request: ok}
}

// AllOf asks that every one of the requirements is met; it is for use within [AnyOf]. Without a requirement it is never met, nor
// with one that can never be met.
func AllOf(all ...Requirement) Requirement { return combine("AllOf", kindAll, all) }

// AnyOf asks that one of the requirements is met. They are asked in their order until one is. When none is, the refusal names
// the missing scopes of the first one for which scopes alone are missing; where there is none, it is that of a claim. A
// [CheckRequest] that gave an error makes a 503 only when no other one is met. Without a requirement it is never met, nor with
// one that can never be met.
func AnyOf(anyOf ...Requirement) Requirement { return combine("AnyOf", kindAny, anyOf) }

func combine(name string, kind requirementKind, parts []Requirement) Requirement {
	if len(parts) == 0 {
		return Requirement{fault: name + ": " + emptyList}
	}
	for _, part := range parts {
		if part.isOption() {
			return Requirement{fault: name + ": NoDefaults, RejectInvalid and BearerOnly are no conditions: write them beside it"}
		}
		if part.kind == kindNever {
			return Requirement{fault: name + ": " + part.faultInConfig()}
		}
	}
	names := make([]string, len(parts))
	for i, part := range parts {
		names[i] = part.name
	}
	return Requirement{kind: kind, name: name + " (" + strings.Join(names, "; ") + ")", parts: slices.Clone(parts)}
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

func (r Requirement) isOption() bool {
	return r.kind == kindNoDefaults || r.kind == kindRejectInvalid || r.kind == kindBearerOnly
}

// asksRequest tells whether a request is needed to judge it.
func (r Requirement) asksRequest() bool {
	return r.kind == kindCheckRequest || slices.ContainsFunc(r.parts, Requirement.asksRequest)
}

func (r Requirement) faultInConfig() string {
	switch {
	case r.kind == kindNoDefaults || r.kind == kindRejectInvalid:
		return "write it at a guard, not here"
	case r.asksRequest():
		return "CheckRequest needs a request, and a token that is being made comes with none: write it at the guards"
	case r.kind == kindNever && r.fault == "":
		return "make it with Scopes, Roles, Claim or Check"
	default:
		return r.fault
	}
}
