package core

import (
	"maps"
	"slices"
	"sync"
)

// What Rules keeps at most: a service has few different rules, unless it writes values of requests into them.
const (
	maxRules     = 1000
	maxRulesText = 1 << 20 // bytes
)

// rules has the distinct rules of the guards that were made, and none of the guards.
type rules struct {
	mu    sync.Mutex
	known map[string]Rule // by their texts
	size  int             // bytes of the texts
	full  bool            // one was left out
}

// Rules returns the distinct rules of the guards that [Auth.Required] and [Auth.Optional] have made, those of the adapters and those that
// handlers make among them, sorted by their texts. The routes of this library are not in it. It keeps rules and no guards, so a guard that is made
// anew for each request adds its rule once. It keeps the first 1,000 rules, and of these 1 MiB of text; a warning in the log says if there
// are more, which happens only if values of requests are in them. Whether a router uses a guard, and for which route, is not known here: see
// package oidctest. The caller owns the result. Safe for concurrent use.
func (a *Auth) Rules() []Rule {
	a.rules.mu.Lock()
	defer a.rules.mu.Unlock()
	list := make([]Rule, 0, len(a.rules.known))
	for _, text := range slices.Sorted(maps.Keys(a.rules.known)) {
		list = append(list, a.rules.known[text].clone())
	}
	return list
}

// noted adds the rule of a guard of the application to those of Rules, and its scopes to the metadata of Config.Resources.
func (a *Auth) noted(g *Guard) *Guard {
	a.resources.note(g)
	if a.rules.add(g) {
		a.log.Warn("there are too many different guards: Auth.Rules does not have all of them", "kept", maxRules,
			"check", "the requirements: compare with values of a request in core.CheckRequest")
	}
	return g
}

// add reports whether the rule is the first one that is left out.
func (r *rules) add(g *Guard) (overflows bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.full {
		return false
	}
	rule := g.Rule()
	text := rule.String()
	if _, known := r.known[text]; known {
		return false
	}
	if len(r.known) >= maxRules || r.size+len(text) > maxRulesText {
		r.full = true
		return true
	}
	if r.known == nil {
		r.known = make(map[string]Rule)
	}
	r.known[text] = rule
	r.size += len(text)
	return false
}

// clone returns a copy that shares no memory with the rule.
func (r Rule) clone() Rule {
	r.Scopes = slices.Clone(r.Scopes)
	r.Conditions = cloned(r.Conditions)
	return r
}

func cloned(conditions []Condition) []Condition {
	copies := slices.Clone(conditions)
	for i := range copies {
		copies[i].Values, copies[i].Parts = slices.Clone(copies[i].Values), cloned(copies[i].Parts)
	}
	return copies
}
