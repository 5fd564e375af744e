package openapi

import (
	"slices"

	"github.com/go-oidc-auth/oidcauth/core"
)

// maxAlternatives bounds the alternatives of one operation: a tree of AnyOf in AllOf has more than anybody reads, or memory holds.
const maxAlternatives = 32

// Security returns the Security Requirement Objects of an operation (OpenAPI 3.1 section 4.8.30): alternatives, each with the name of one
// scheme and the scopes that it needs. AnyOf makes an alternative of each part; if there are more than 32, only the scopes that every caller
// needs are listed. A guard of Optional has the empty alternative last. Roles, claims and checks have no place in it: [core.Rule.String] says
// them. A rule that nobody meets asks for a bearer token, since an empty list means that nothing is needed. The scopes are listed for each
// kind of scheme, as OpenAPI 3.1 allows. The caller owns the result, which is never empty.
func (a API) Security(rule core.Rule) []map[string][]string {
	var security []map[string][]string
	add := func(name string, scopes []string) {
		same := func(other map[string][]string) bool {
			listed, ok := other[name]
			return ok && slices.Equal(listed, scopes)
		}
		if !slices.ContainsFunc(security, same) {
			security = append(security, map[string][]string{name: slices.Clone(scopes)})
		}
	}
	for _, one := range alternatives(rule) {
		if rule.Bearer && !one.session || !rule.Session && !rule.Bearer {
			add(a.bearer(), one.scopes)
		}
		if rule.Session && !one.bearer {
			add(a.session(), one.scopes)
		}
	}
	if len(security) == 0 { // each alternative needs what the guard does not take
		add(a.bearer(), []string{})
	}
	if rule.Optional {
		security = append(security, map[string][]string{})
	}
	return security
}

// alternative is one way to meet a rule.
type alternative struct {
	scopes          []string // never nil, so that JSON has a list
	bearer, session bool     // only callers who come with one
}

func alternatives(rule core.Rule) []alternative {
	common := alternative{scopes: append([]string{}, rule.Scopes...)}
	ways, ok := allOf([]alternative{common}, rule.Conditions)
	if !ok {
		return []alternative{common}
	}
	return ways
}

// allOf combines each way so far with each way to meet each condition. ok is false if there are too many.
func allOf(ways []alternative, conditions []core.Condition) (combined []alternative, ok bool) {
	for _, condition := range conditions {
		options, ok := optionsOf(condition)
		if !ok || len(ways)*len(options) > maxAlternatives {
			return nil, false
		}
		var next []alternative
		for _, way := range ways {
			for _, option := range options {
				next = append(next, way.and(option))
			}
		}
		ways = next
	}
	return ways, true
}

// optionsOf returns the ways to meet one condition.
func optionsOf(condition core.Condition) (options []alternative, ok bool) {
	switch condition.Kind {
	case core.ConditionScopes:
		return []alternative{{scopes: condition.Values}}, true
	case core.ConditionBearer:
		return []alternative{{bearer: true}}, true
	case core.ConditionSession:
		return []alternative{{session: true}}, true
	case core.ConditionAllOf:
		return allOf([]alternative{{}}, condition.Parts)
	case core.ConditionAnyOf:
		for _, part := range condition.Parts {
			more, ok := optionsOf(part)
			if options = append(options, more...); !ok || len(options) > maxAlternatives {
				return nil, false
			}
		}
		return options, true
	default: // says nothing of scopes
		return []alternative{{}}, true
	}
}

func (a alternative) and(b alternative) alternative {
	both := alternative{scopes: append([]string{}, a.scopes...), bearer: a.bearer || b.bearer, session: a.session || b.session}
	for _, scope := range b.scopes {
		if !slices.Contains(both.scopes, scope) {
			both.scopes = append(both.scopes, scope)
		}
	}
	return both
}
