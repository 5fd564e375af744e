package core

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// resourceAge is how long a client may cache the metadata of a resource, in seconds.
const resourceAge = "300"

// maxServers is how many authorization servers the metadata lists: a provider with Tenants has one for each of them.
const maxServers = 100

// resourceMetadata is the document of RFC 9728 section 2.
type resourceMetadata struct {
	Resource      string   `json:"resource"`
	Servers       []string `json:"authorization_servers"`
	Scopes        []string `json:"scopes_supported,omitempty"`
	Methods       []string `json:"bearer_methods_supported"`
	Name          string   `json:"resource_name,omitempty"`
	Documentation string   `json:"resource_documentation,omitempty"`
}

// RootRoutes returns the routes of Config.Resources, which clients look for at the root of each host, whatever the prefix of the other
// routes: for each resource /.well-known/oauth-protected-resource followed by its path, and /.well-known/oauth-protected-resource itself
// for the resource without a path, or else the first. Each answers GET and HEAD, and OPTIONS for scripts of other origins, to whom the
// document is open; other methods are the framework's business. The error says that there are no Resources. From the first call on, refusals
// of guards name these addresses (resource_metadata), so mount what it returns. It may be called several times.
func (a *Auth) RootRoutes() ([]Route, error) {
	r := a.resources
	if r == nil {
		return nil, errors.New("core: RootRoutes: Config.Resources is empty: write the resources whose metadata is to be served, or do not mount the root routes")
	}
	table := a.resourceRoutes(wellKnownResource, r.root())
	for i := range r.list {
		if one := &r.list[i]; one.path != "" {
			table = append(table, a.resourceRoutes(wellKnownResource+one.path, one)...)
		}
	}
	routes, err := a.place("", table)
	if err == nil {
		a.noteOwn("", routes)
		r.mounted.Store(true)
	}
	return routes, err
}

// resourceRoutes returns the routes at one path.
func (a *Auth) resourceRoutes(path string, r *resource) []Route {
	document := func(ctx context.Context, _ *Request) (*Response, error) { return a.describeResource(ctx, r) }
	const name = "resource-metadata"
	return []Route{
		{Name: name, Method: http.MethodGet, Path: path, serve: document},
		{Name: name, Method: http.MethodHead, Path: path, serve: document},
		{Name: name, Method: http.MethodOptions, Path: path, serve: resourcePreflight},
	}
}

// openToScripts has the header of every answer of these routes: a client may be a page of any origin. No answer depends on who asks.
func openToScripts() http.Header {
	return http.Header{"Access-Control-Allow-Origin": {"*"}}
}

// resourcePreflight answers OPTIONS: a preflight request (Fetch, CORS protocol), for clients that send these headers with every request.
func resourcePreflight(context.Context, *Request) (*Response, error) {
	const methods = "GET, HEAD, OPTIONS"
	header := openToScripts()
	header.Set("Allow", methods)
	header.Set("Access-Control-Allow-Methods", methods)
	header.Set("Access-Control-Allow-Headers", "Authorization, MCP-Protocol-Version")
	header.Set("Access-Control-Max-Age", resourceAge)
	return &Response{Status: http.StatusNoContent, Header: header}, nil
}

// describeResource answers GET and HEAD. While the issuer of a provider is unknown, because its document has never been fetched, the answer
// lists the others and must not be cached; without any other it is an outage.
func (a *Auth) describeResource(ctx context.Context, r *resource) (*Response, error) {
	header := openToScripts()
	servers, err := a.authorizationServers(ctx)
	if len(servers) == 0 {
		return &Response{Header: header}, fault.Down(fault.Documents, err)
	}
	body, failed := json.Marshal(resourceMetadata{
		Resource: r.URL, Servers: servers, Scopes: a.resources.supported(), Methods: []string{"header"}, Name: r.Name, Documentation: r.Documentation,
	})
	if failed != nil {
		return &Response{Header: header}, failed
	}
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "public, max-age="+resourceAge)
	if err != nil {
		noStore(header)
	}
	return &Response{Status: http.StatusOK, Header: header, Body: body}, nil
}

// authorizationServers returns the issuers of the providers of the configuration. The error is that of the last one that is unknown.
func (a *Auth) authorizationServers(ctx context.Context) (servers []string, unknown error) {
	for _, p := range a.parties {
		issuer, err := p.up.Provider.Issuer(ctx)
		if err != nil {
			unknown = err
			continue
		}
		servers = append(servers, p.issuers(issuer)...)
	}
	return servers[:min(len(servers), maxServers)], unknown
}

// issuers returns the issuers of a provider: with Tenants one for each.
func (p *Provider) issuers(issuer string) []string {
	if len(p.Tenants) == 0 {
		return []string{issuer}
	}
	var all []string
	for _, tenant := range p.Tenants[:min(len(p.Tenants), maxServers)] {
		all = append(all, strings.Replace(issuer, verify.TenantMark, tenant, 1))
	}
	return all
}
