package core

import (
	"slices"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
)

// Rule is what a guard demands, as data: for a report of who may call what, for the description of an API, and for tests. It decides nothing.
// Make one with [Guard.Rule]; it shares no memory with the guard. Fields that do not apply are zero. Two rules of guards are equal
// ([Rule.Equal], or reflect.DeepEqual) exactly if their texts are ([Rule.String]). The zero value admits nobody.
type Rule struct {
	// Optional is set for guards of [Auth.Optional]: a caller without credentials, or whom the rest of the rule refuses, is a guest.
	Optional bool `json:"optional,omitempty"`
	// RejectInvalid is set with [RejectInvalid]: only a caller without credentials is a guest. Never without Optional.
	RejectInvalid bool `json:"reject_invalid,omitempty"`
	// Bearer is set if the guard accepts a bearer token.
	Bearer bool `json:"bearer,omitempty"`
	// Session is set if the guard accepts a browser session: never without Config.Sessions.
	Session bool `json:"session,omitempty"`
	// NoRedirect is set with [NoRedirect]: a browser without a session gets 401. Never without Session.
	NoRedirect bool `json:"no_redirect,omitempty"`
	// Scopes has the scopes that every caller needs, each once, in the order in which they were written. Those in an AnyOf are in Conditions.
	Scopes []string `json:"scopes,omitempty"`
	// Conditions has the other requirements, in the order in which they are checked. A caller must meet all of them.
	Conditions []Condition `json:"conditions,omitempty"`
}

// Condition is one requirement of a [Rule], or a tree of them.
type Condition struct {
	// Kind says which requirement it is, and what the other fields hold.
	Kind ConditionKind `json:"kind"`
	// Name is the client of ClientRoles, the path of Claim, the name of Check and CheckRequest, the duration of MaxAge, or why nobody meets ConditionNever.
	Name string `json:"name,omitempty"`
	// Values has the scopes, the roles or the values of the claim.
	Values []string `json:"values,omitempty"`
	// Parts has the requirements in AllOf and AnyOf.
	Parts []Condition `json:"parts,omitempty"`
}

// ConditionKind is the kind of a [Condition].
type ConditionKind string

// The kinds of conditions. Later versions may add some: treat a kind that you do not know as one that not everybody meets.
const (
	ConditionScopes       ConditionKind = "scopes"        // [Scopes] in AnyOf and AllOf: all of Values
	ConditionRoles        ConditionKind = "roles"         // [Roles]: all of Values
	ConditionAnyRole      ConditionKind = "any_role"      // [AnyRole]: one of Values
	ConditionClientRoles  ConditionKind = "client_roles"  // [ClientRoles]: all of Values at the client Name
	ConditionClaim        ConditionKind = "claim"         // [Claim]: one of Values at the path Name
	ConditionCheck        ConditionKind = "check"         // [Check]
	ConditionCheckRequest ConditionKind = "check_request" // [CheckRequest]
	ConditionACR          ConditionKind = "acr"           // [ACR]: one of Values
	ConditionMaxAge       ConditionKind = "max_age"       // [MaxAge]: the duration Name, as in "5m0s"
	ConditionBearer       ConditionKind = "bearer"        // [BearerOnly] in AnyOf and AllOf
	ConditionSession      ConditionKind = "session"       // [SessionOnly] in AnyOf and AllOf
	ConditionAllOf        ConditionKind = "all_of"        // [AllOf] in AnyOf: all of Parts
	ConditionAnyOf        ConditionKind = "any_of"        // [AnyOf]: one of Parts
	ConditionNever        ConditionKind = "never"         // a mistake: nobody meets it, because of Name
	ConditionOther        ConditionKind = "other"         // a requirement without a kind of its own; Name describes it
)

// Equal reports whether both rules demand the same in the same order.
func (r Rule) Equal(other Rule) bool {
	return r.Optional == other.Optional && r.RejectInvalid == other.RejectInvalid && r.Bearer == other.Bearer && r.Session == other.Session &&
		r.NoRedirect == other.NoRedirect && slices.Equal(r.Scopes, other.Scopes) && slices.EqualFunc(r.Conditions, other.Conditions, Condition.equal)
}

func (c Condition) equal(other Condition) bool {
	return c.Kind == other.Kind && c.Name == other.Name && slices.Equal(c.Values, other.Values) && slices.EqualFunc(c.Parts, other.Parts, Condition.equal)
}

// Rule returns what the guard demands, including Config.Require unless the guard has [NoDefaults]. The caller owns the result.
func (g *Guard) Rule() Rule {
	sessions := g.auth.browsers != nil
	rule := Rule{
		Optional: g.optional,
		Bearer:   !g.sessionOnly,
		Session:  sessions && (g.sessionOnly || !g.bearerOnly),
	}
	rule.RejectInvalid = rule.Optional && g.rejectInvalid
	rule.NoRedirect = rule.Session && g.noRedirect
	if len(g.scopes) > 0 {
		rule.Scopes = slices.Clone(g.scopes)
	}
	for _, part := range g.parts {
		rule.Conditions = append(rule.Conditions, part.condition())
	}
	rule.Conditions = append(rule.Conditions, loginConditions(&g.stepUp)...) // checked last
	return rule
}

// loginConditions returns a demand on the login as data.
func loginConditions(demand *claims.StepUp) (conditions []Condition) {
	if len(demand.ACR) > 0 {
		conditions = append(conditions, Condition{Kind: ConditionACR, Values: slices.Clone(demand.ACR)})
	}
	if demand.Bounded {
		conditions = append(conditions, Condition{Kind: ConditionMaxAge, Name: demand.MaxAge.String()})
	}
	return conditions
}

// condition returns the requirement as data.
func (r Requirement) condition() Condition {
	switch r.kind {
	case kindNever:
		return Condition{Kind: ConditionNever, Name: r.faultInConfig()}
	case kindBearerOnly:
		return Condition{Kind: ConditionBearer}
	case kindSessionOnly:
		return Condition{Kind: ConditionSession}
	case kindStepUp:
		return loginConditions(&r.stepUp)[0] // it has one: either of ACR or of MaxAge
	case kindAll, kindAny:
		tree := Condition{Kind: ConditionAllOf}
		if r.kind == kindAny {
			tree.Kind = ConditionAnyOf
		}
		for _, part := range r.parts {
			tree.Parts = append(tree.Parts, part.condition())
		}
		return tree
	}
	if r.data.Kind == "" {
		return Condition{Kind: ConditionOther, Name: r.name}
	}
	data := r.data
	data.Values = slices.Clone(data.Values)
	return data
}
