package core

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
)

// Resource is one protected resource of this service, for [Config.Resources]: what clients read about it before they have a token (RFC 9728).
type Resource struct {
	// URL is the resource identifier, exactly as clients type it: "https://mcp.example.com/mcp". Clients compare it with the address that they
	// call, byte for byte, so write scheme and host in lower case. https, or http on loopback or with AllowHTTP. Its path has letters, digits
	// and -._~ and does not end with a slash; it has no query and no fragment. At most 512 bytes. Required.
	URL string
	// Name is what clients show people (resource_name). Empty: left out. At most 256 bytes.
	Name string
	// Documentation is the address of a page for developers (resource_documentation). Empty: left out.
	Documentation string
}

// resource is a Resource with the parts of its URL as they were written.
type resource struct {
	Resource

	origin string // scheme, host and port
	path   string // "" for the whole origin
}

func newResource(r Resource) resource {
	start := strings.Index(r.URL, "://") + len("://")
	end := len(r.URL)
	if slash := strings.IndexByte(r.URL[start:], '/'); slash >= 0 {
		end = start + slash
	}
	return resource{Resource: r, origin: r.URL[:end], path: strings.TrimSuffix(r.URL[end:], "/")}
}

// wellKnownResource is the path of the metadata of an origin. The path of a resource follows it (RFC 9728 section 3.1).
const wellKnownResource = "/.well-known/oauth-protected-resource"

// document returns the public address of the metadata.
func (r *resource) document() string { return r.origin + wellKnownResource + r.path }

// isNamed reports whether a token's audience is this resource. Case does not count in scheme and host, nor does a slash that is the whole
// path (RFC 8707 section 2, RFC 3986 sections 6.2.2.1 and 6.2.3). Everything else does. It runs for each new token and must not allocate.
func (r *resource) isNamed(audience string) bool {
	if len(audience) < len(r.origin) || !strings.EqualFold(audience[:len(r.origin)], r.origin) {
		return false
	}
	path := audience[len(r.origin):]
	return path == r.path || r.path == "" && path == "/"
}

// holds reports whether the path of a resource is the beginning of a target's path, segment by segment.
func (r *resource) holds(target string) bool {
	rest, ok := strings.CutPrefix(target, r.path)
	return ok && (rest == "" || rest[0] == '/' || rest[0] == '?')
}

// resources are the protected resources of a service. Nil ones have none.
type resources struct {
	list    []resource
	public  string      // path of PublicURL
	mounted atomic.Bool // the metadata is served, as far as this process knows

	mu     sync.Mutex
	scopes []string // what the guards need, in order
}

// maxScopes is how many scopes the metadata lists. It bounds the memory of guards that are made for each request.
const maxScopes = 100

// newResources returns nil without Config.Resources.
func (a *Auth) newResources() *resources {
	if len(a.cfg.Resources) == 0 {
		return nil
	}
	r := &resources{public: strings.TrimPrefix(a.cfg.PublicURL, a.origin)}
	for _, given := range a.cfg.Resources {
		r.list = append(r.list, newResource(given))
	}
	return r
}

// urls returns the resource identifiers.
func (r *resources) urls() []string {
	var urls []string
	if r != nil {
		for _, one := range r.list {
			urls = append(urls, one.URL)
		}
	}
	return urls
}

// documents returns the public addresses of all metadata.
func (r *resources) documents() []string {
	var addresses []string
	for i := range r.list {
		addresses = append(addresses, r.list[i].document())
	}
	return addresses
}

// has reports whether a token's audience is one of the resources. It must not allocate.
func (r *resources) has(audience string) bool {
	if r == nil {
		return false
	}
	for i := range r.list {
		if r.list[i].isNamed(audience) {
			return true
		}
	}
	return false
}

// of returns the resource that a request is for: the only one, or of several the one with the longest path that the request's path begins
// with. A proxy may have cut the path of PublicURL off the request. nil: none of them.
func (r *resources) of(target string) *resource {
	if len(r.list) == 1 {
		return &r.list[0]
	}
	found := r.longest(target)
	if found != nil && found.path != "" {
		return found
	}
	if r.public != "" && strings.HasPrefix(target, "/") {
		if behind := r.longest(r.public + target); behind != nil {
			return behind
		}
	}
	return found
}

func (r *resources) longest(target string) (longest *resource) {
	for i := range r.list {
		if one := &r.list[i]; one.holds(target) && (longest == nil || len(one.path) > len(longest.path)) {
			longest = one
		}
	}
	return longest
}

// root returns the resource that is described at the well-known path itself: the one without a path, else the first.
func (r *resources) root() *resource {
	if i := slices.IndexFunc(r.list, func(one resource) bool { return one.path == "" }); i >= 0 {
		return &r.list[i]
	}
	return &r.list[0]
}

// note adds what a guard needs to the scopes that the metadata lists.
func (r *resources) note(g *Guard) {
	if r == nil {
		return
	}
	wanted := g.wants(nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, scope := range withoutOffline(wanted) {
		if at, known := slices.BinarySearch(r.scopes, scope); !known && len(r.scopes) < maxScopes {
			r.scopes = slices.Insert(r.scopes, at, strings.Clone(scope))
		}
	}
}

// supported returns the scopes that the guards need, in alphabetical order.
func (r *resources) supported() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.scopes)
}

// withoutOffline removes offline_access: whether a client gets a refresh token is no matter of a resource.
func withoutOffline(scopes []string) []string {
	return slices.DeleteFunc(slices.Clone(scopes), func(scope string) bool { return scope == "offline_access" })
}

// describe returns a refusal with what a client needs to get a better token: the scopes of the guard, all at once, and the address of the
// metadata (RFC 6750 section 3, RFC 9728 section 5.1). Without Config.Resources it returns the refusal itself.
func (g *Guard) describe(credentials Credentials, refusal *Error) *Error {
	r := g.auth.resources
	if r == nil || refusal.challenge() == "" {
		return refusal
	}
	own := *refusal
	if own.scope == "" && own.Status == http.StatusUnauthorized {
		own.scope = strings.Join(g.wants(nil), " ")
	}
	own.scope = strings.Join(withoutOffline(strings.Fields(own.scope)), " ")
	if resource := r.of(credentials.Target); resource != nil && r.mounted.Load() {
		own.metadata = resource.document()
	}
	return &own
}

// wants returns the scopes with which a token that has some would pass, as far as scopes decide. Of the alternatives of an AnyOf these are
// those of the first that scopes alone can meet. It calls no function of the application.
func (g *Guard) wants(has []string) []string {
	scopes, _ := wantsAll(g.parts, has)
	return claims.Distinct(append(slices.Clip(g.scopes), scopes...))
}

// wants is Guard.wants for one requirement. enough: with these scopes a bearer token meets it.
func (r *Requirement) wants(has []string) (scopes []string, enough bool) {
	switch r.kind {
	case kindScopes:
		return r.scopes, true
	case kindBearerOnly:
		return nil, true
	case kindAll:
		return wantsAll(r.parts, has)
	case kindAny:
		return wantsAny(r.parts, has)
	default:
		return nil, false
	}
}

func wantsAll(parts []Requirement, has []string) (scopes []string, enough bool) {
	enough = true
	for i := range parts {
		more, met := parts[i].wants(has)
		scopes, enough = append(slices.Clip(scopes), more...), enough && met
	}
	return scopes, enough
}

func wantsAny(parts []Requirement, has []string) (scopes []string, enough bool) {
	for i := range parts {
		switch alternative, met := parts[i].wants(has); {
		case met && containsAll(has, alternative):
			return nil, true
		case met && !enough:
			scopes, enough = alternative, true
		}
	}
	return scopes, enough
}
