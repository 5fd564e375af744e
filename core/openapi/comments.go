package openapi

import (
	"maps"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Comments returns the lines that describe a guard of this rule in the comment of a handler for swag (github.com/swaggo/swag): @Security for
// each alternative, and @Failure and @Header for each refusal. A test can compare them with the comments in the source. The lines begin
// with "// ". swag knows no empty alternative: an operation of an Optional guard says what callers with credentials need. The caller owns the result.
func (a API) Comments(rule core.Rule) []string {
	var lines []string
	for _, alternative := range a.Security(rule) {
		for name, scopes := range alternative {
			if len(scopes) > 0 {
				name += "[" + strings.Join(scopes, ", ") + "]"
			}
			lines = append(lines, "// @Security "+name)
		}
	}
	responses := a.Responses(rule)
	for _, status := range slices.Sorted(maps.Keys(responses)) {
		response := responses[status]
		if response.Content == nil { // a redirect
			continue
		}
		lines = append(lines, "// @Failure "+status+" {object} openapi.Refusal \""+strings.ReplaceAll(response.Description, `"`, "'")+"\"")
		for _, name := range slices.Sorted(maps.Keys(response.Headers)) {
			header := response.Headers[name]
			lines = append(lines, "// @Header "+status+" {"+header.Schema.Type+"} "+name+" \""+header.Description+"\"")
		}
	}
	return lines
}
