package grpcauth

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
	"google.golang.org/grpc"
)

// Services that servers often leave open, for [Rules].Open.
const (
	Health          = "grpc.health.v1.Health"                    // package google.golang.org/grpc/health
	Reflection      = "grpc.reflection.v1.ServerReflection"      // package google.golang.org/grpc/reflection
	ReflectionAlpha = "grpc.reflection.v1alpha.ServerReflection" // the same, for older clients
)

// Rules says which guard decides about which method. The rule of a method counts before that of its service, and this before Default. The
// guards are those of core.Auth.Required and core.Auth.Optional. A call has a bearer token or no credentials, so a guard with core.SessionOnly
// refuses everybody. The zero value refuses every call.
type Rules struct {
	// Methods has the guards of single methods. A key is a full method name, as the constants of generated code
	// ("/shop.Orders/Delete").
	Methods map[string]*core.Guard
	// Services has the guards of all other methods of a service. A key is the name of the service, as ServiceName in its ServiceDesc
	// ("shop.Orders").
	Services map[string]*core.Guard
	// Open lists full method names and names of services that need no guard. Their handlers find no caller in the context, even if the
	// client sends a token. nil: none.
	Open []string
	// Default guards every method that no other rule names. nil: such a method is refused.
	Default *core.Guard
}

// rule is what applies to a method. The zero value refuses.
type rule struct {
	guard *core.Guard
	open  bool
}

// table is a checked form of Rules: "service/method" and "service" lead to their rule.
type table struct {
	methods, services map[string]rule
	rest              rule
}

func (r Rules) checked() (table, error) {
	t := table{methods: make(map[string]rule), services: make(map[string]rule), rest: rule{guard: r.Default}}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("grpcauth: "+format, args...)) }
	for _, name := range slices.Sorted(maps.Keys(r.Methods)) {
		switch method, ok := methodName(name); {
		case !ok:
			fault("Rules.Methods: %q is not a full method name: write it as /package.Service/Method", name)
		case r.Methods[name] == nil:
			fault("Rules.Methods: %q has no guard: use auth.Required, or list it in Rules.Open", name)
		default:
			t.methods[method] = rule{guard: r.Methods[name]}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Services)) {
		switch {
		case !isService(name):
			fault("Rules.Services: %q is not the name of a service: write it as package.Service", name)
		case r.Services[name] == nil:
			fault("Rules.Services: %q has no guard: use auth.Required, or list it in Rules.Open", name)
		default:
			t.services[name] = rule{guard: r.Services[name]}
		}
	}
	for _, name := range r.Open {
		rules, key := t.services, name
		if method, ok := methodName(name); ok {
			rules, key = t.methods, method
		} else if !isService(name) {
			fault("Rules.Open: %q names no method or service: write it as /package.Service/Method or package.Service", name)
			continue
		}
		if _, twice := rules[key]; twice {
			fault("Rules.Open: %q has another rule: remove one of them", name)
		}
		rules[key] = rule{open: true}
	}
	return t, errors.Join(faults...)
}

// methodName returns "service/method" of a full method name.
func methodName(full string) (name string, ok bool) {
	name, ok = strings.CutPrefix(full, "/")
	service, method, found := strings.Cut(name, "/")
	return name, ok && found && isService(service) && isService(method)
}

func isService(name string) bool { return name != "" && !strings.ContainsAny(name, "/ \t*") }

// of returns the rule of a full method name. It splits it as the server does, so that no spelling of the client leads to the rule of another
// method. It runs on every call and must not allocate.
func (t *table) of(full string) rule {
	name := strings.TrimPrefix(full, "/")
	if found, ok := t.methods[name]; ok {
		return found
	}
	if at := strings.LastIndexByte(name, '/'); at >= 0 {
		if found, ok := t.services[name[:at]]; ok {
			return found
		}
	}
	return t.rest
}

// Check compares the rules with the methods that are registered at the server, a [grpc.Server] or what wraps one. Its error names every
// method without a rule, and every rule whose method or service is not registered, one per line. Call it after the last registration and
// before Serve.
func (i *Interceptors) Check(server interface {
	GetServiceInfo() map[string]grpc.ServiceInfo
}) error {
	t, registered := &i.rules, server.GetServiceInfo()
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf("grpcauth: "+format, args...)) }
	methods := make(map[string]bool)
	for _, service := range slices.Sorted(maps.Keys(registered)) {
		for _, method := range slices.SortedFunc(slices.Values(registered[service].Methods), byName) {
			name := service + "/" + method.Name
			methods[name] = true
			if t.of(name) == (rule{}) {
				fault("the method /%s has no rule, so every call is refused: name it or its service in Rules", name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.methods)) {
		if !methods[name] {
			fault("Rules names the method /%s, which is not registered at the server", name)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.services)) {
		if _, ok := registered[name]; !ok {
			fault("Rules names the service %s, which is not registered at the server", name)
		}
	}
	return errors.Join(faults...)
}

func byName(a, b grpc.MethodInfo) int { return strings.Compare(a.Name, b.Name) }
