package openapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Operation is one operation of a document, and who may call it.
type Operation struct {
	// Method is the HTTP method, in any case.
	Method string
	// Path is the path in the document, or the pattern of a router for it: "/orders/{id}", "/orders/:id". The names of parameters do not matter.
	Path string
	// Rule is the guard's rule. nil: everybody may call it.
	Rule *core.Rule
}

// Fill writes into a parsed document (encoding/json, or a YAML decoder that makes map[string]any) what guards demand: of each operation the
// member security, and the responses 401, 403, 503 and 302 that it does not have yet. The components that they need are added too; those with
// the same name are left alone, so that an application can describe its login in its own way. An operation of everybody gets an empty
// security. Operations of the document that are not in the list are left alone. A document of OpenAPI 3.0 names scopes only for schemes that have
// them, oauth2 and openIdConnect, as that version wants it.
//
// The error names every operation that the document does not have, or has twice, and everything in the document that is not as OpenAPI 3.1
// says. The document is then unchanged.
func (a API) Fill(document map[string]any, operations []Operation) error {
	version, _ := document["openapi"].(string)
	if !strings.HasPrefix(version, "3.") {
		return errors.New("openapi: the document is not of OpenAPI 3")
	}
	found, errs := operationsOf(document)
	components, err := membersOf(document, "components")
	if err == nil {
		components, err = a.completed(components)
	}
	errs = append(errs, err)
	parts := make(map[*map[string]any]member) // what each operation gets
	for _, operation := range operations {
		name := strings.ToUpper(operation.Method) + " " + operation.Path
		item := found[key(operation.Method, operation.Path)]
		switch {
		case len(item) == 0:
			errs = append(errs, fmt.Errorf("openapi: %s: the document has no such operation", name))
			continue
		case len(item) > 1:
			errs = append(errs, fmt.Errorf("openapi: %s: the document has %d of them", name, len(item)))
			continue
		case operation.Rule != nil && operation.Rule.Session && a.Cookie == "":
			errs = append(errs, fmt.Errorf("openapi: %s: it takes sessions: set API.Cookie", name))
			continue
		}
		if _, twice := parts[&item[0]]; twice {
			errs = append(errs, fmt.Errorf("openapi: %s: it is twice in the list", name))
			continue
		}
		responses, err := membersOf(item[0], "responses")
		if err != nil {
			errs = append(errs, fmt.Errorf("openapi: %s: %w", name, err))
			continue
		}
		part := a.member(operation, responses)
		if strings.HasPrefix(version, "3.0") && operation.Rule != nil {
			part.security = withoutNames(part.security, components)
		}
		parts[&item[0]] = part
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	for item, part := range parts {
		(*item)["security"], (*item)["responses"] = plain(part.security), part.responses
	}
	document["components"] = components
	return nil
}

// member is what Fill writes into an operation.
type member struct {
	security  []map[string][]string
	responses map[string]any
}

// member keeps the responses that the application has described.
func (a API) member(operation Operation, responses map[string]any) member {
	if operation.Rule == nil {
		return member{[]map[string][]string{}, responses}
	}
	for status, response := range a.Responses(*operation.Rule) {
		isRedirect := response.Content == nil
		if _, described := responses[status]; !described && (!isRedirect || strings.EqualFold(operation.Method, "GET")) {
			responses[status] = plain(response)
		}
	}
	return member{a.Security(*operation.Rule), responses}
}

// withoutNames empties the lists that OpenAPI 3.0 wants empty: those of schemes that know no scopes.
func withoutNames(security []map[string][]string, components map[string]any) []map[string][]string {
	schemes, _ := components["securitySchemes"].(map[string]any)
	var distinct []map[string][]string
	for _, alternative := range security {
		for name := range alternative {
			scheme, _ := schemes[name].(map[string]any)
			if scheme["type"] != "oauth2" && scheme["type"] != "openIdConnect" {
				alternative[name] = []string{}
			}
		}
		same := func(other map[string][]string) bool { return maps.EqualFunc(alternative, other, slices.Equal) }
		if !slices.ContainsFunc(distinct, same) {
			distinct = append(distinct, alternative)
		}
	}
	return distinct
}

// completed adds the components that are missing.
func (a API) completed(components map[string]any) (map[string]any, error) {
	own := a.Components()
	for section, entries := range map[string]any{"securitySchemes": plain(own.SecuritySchemes), "schemas": plain(own.Schemas)} {
		there, err := membersOf(components, section)
		if err != nil {
			return nil, fmt.Errorf("openapi: components: %w", err)
		}
		named, _ := entries.(map[string]any) // both are objects
		for name, entry := range named {
			if _, described := there[name]; !described {
				there[name] = entry
			}
		}
		components[section] = there
	}
	return components, nil
}

// operationsOf finds the operations of a document.
func operationsOf(document map[string]any) (found map[string][]map[string]any, errs []error) {
	found = make(map[string][]map[string]any)
	paths, ok := document["paths"].(map[string]any)
	if !ok {
		return nil, []error{errors.New("openapi: the member paths is missing, or no object")}
	}
	for path, item := range paths {
		members, ok := item.(map[string]any)
		if !ok {
			errs = append(errs, fmt.Errorf("openapi: the path %s is no object", path))
			continue
		}
		for method, value := range members {
			if operation, ok := value.(map[string]any); ok && methods[method] {
				found[key(method, path)] = append(found[key(method, path)], operation)
			}
		}
	}
	return found, errs
}

// methods has the members of a path that are operations (OpenAPI 3.1 section 4.8.9).
var methods = map[string]bool{"get": true, "put": true, "post": true, "delete": true, "options": true, "head": true, "patch": true, "trace": true}

// parameters finds the parameters in the pattern of a router or of a document.
var parameters = regexp.MustCompile(`\{[^/{}]*(?:\{[^/{}]*\}[^/{}]*)*\}|:[\pL\pN_]+(?:<[^/<>]*>)?\??|\*[\pL\pN_]*|\+$`)

// key is equal for the same operation, whatever its parameters are called.
func key(method, path string) string {
	path = strings.TrimSuffix(path, "{$}")
	return strings.ToUpper(method) + " " + parameters.ReplaceAllString(path, "{}")
}

// membersOf returns a copy of an object in an object, empty if it is missing.
func membersOf(object map[string]any, name string) (map[string]any, error) {
	copied := make(map[string]any)
	value, there := object[name]
	members, ok := value.(map[string]any)
	if there && !ok {
		return nil, fmt.Errorf("the member %s is no object", name)
	}
	for key, member := range members {
		copied[key] = member
	}
	return copied, nil
}

// plain returns a value as encoding/json reads it.
func plain(value any) any {
	text, err := json.Marshal(value)
	if err != nil { // unreachable: texts, lists and objects
		return nil
	}
	var read any
	if err := json.Unmarshal(text, &read); err != nil {
		return nil
	}
	return read
}
