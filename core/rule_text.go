package core

import (
	"strconv"
	"strings"
	"unicode"
)

// String returns the rule in words, in one line, such as "Scopes read; AnyRole admin, editor; bearer token": the requirements, then how a
// caller identifies itself. Words of the application that could be mistaken for the text around them are quoted as in Go. The text of a rule
// does not change within a major version, so that a test can compare it with a file.
func (r Rule) String() string {
	var parts []string
	switch {
	case r.RejectInvalid:
		parts = append(parts, "guests too, with invalid credentials refused")
	case r.Optional:
		parts = append(parts, "guests too")
	}
	if len(r.Scopes) > 0 {
		parts = append(parts, Condition{Kind: ConditionScopes, Values: r.Scopes}.String())
	}
	for _, condition := range r.Conditions {
		parts = append(parts, condition.String())
	}
	switch {
	case r.Bearer && r.Session:
		parts = append(parts, "bearer token or session")
	case r.Bearer:
		parts = append(parts, "bearer token")
	case r.Session:
		parts = append(parts, "session")
	default:
		parts = append(parts, "nobody, because no credentials are accepted")
	}
	if r.NoRedirect {
		parts = append(parts, "no redirect to the login")
	}
	return strings.Join(parts, "; ")
}

// String returns the condition in words, in one line, such as "AnyOf (Roles admin; Claim department: sales)".
func (c Condition) String() string {
	switch c.Kind {
	case ConditionScopes:
		return "Scopes " + listed(c.Values)
	case ConditionRoles:
		return "Roles " + listed(c.Values)
	case ConditionAnyRole:
		return "AnyRole " + listed(c.Values)
	case ConditionClientRoles:
		return "ClientRoles " + named(c.Name) + ": " + listed(c.Values)
	case ConditionClaim:
		return "Claim " + named(c.Name) + ": " + listed(c.Values)
	case ConditionCheck:
		return "Check " + named(c.Name)
	case ConditionCheckRequest:
		return "CheckRequest " + named(c.Name)
	case ConditionACR:
		return "ACR " + listed(c.Values)
	case ConditionMaxAge:
		return "MaxAge " + c.Name
	case ConditionBearer:
		return "bearer token"
	case ConditionSession:
		return "session"
	case ConditionAllOf:
		return "AllOf " + together(c.Parts)
	case ConditionAnyOf:
		return "AnyOf " + together(c.Parts)
	case ConditionNever:
		return "nobody, because " + strconv.Quote(c.Name)
	default:
		return "other " + strconv.Quote(c.Name)
	}
}

func together(parts []Condition) string {
	texts := make([]string, len(parts))
	for i, part := range parts {
		texts[i] = part.String()
	}
	return "(" + strings.Join(texts, "; ") + ")"
}

func listed(values []string) string {
	texts := make([]string, len(values))
	for i, value := range values {
		texts[i] = marked(value, `;,()"\`)
	}
	return strings.Join(texts, ", ")
}

func named(name string) string { return marked(name, `;,()"\:`) }

// marked quotes a word that has one of the marks, that cannot be seen, or that could be another one after trimming.
func marked(word, marks string) string {
	if word == "" || word != strings.TrimSpace(word) || strings.ContainsAny(word, marks) ||
		strings.ContainsFunc(word, func(r rune) bool { return !unicode.IsPrint(r) || r == unicode.ReplacementChar }) {
		return strconv.Quote(word)
	}
	return word
}
