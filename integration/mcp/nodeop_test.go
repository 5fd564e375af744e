package mcp

import (
	"strconv"
	"testing"

	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// onNodeProvider serves the frameworks with node-oidc-provider as their authorization server.
func onNodeProvider(t *testing.T, frameworks ...string) map[string]server {
	t.Helper()
	urls := map[string]string{}
	var resources []string
	for _, framework := range frameworks {
		urls[framework] = "http://127.0.0.1:" + strconv.Itoa(parts.FreePort(t))
		resources = append(resources, urls[framework]+"/mcp")
	}
	p := parts.NewNodeResources(t, redirect, brief, resources)
	servers := map[string]server{}
	for framework, url := range urls {
		parts.StartMCP(t, framework, url, p.Issuer)
		servers[framework] = server{url + "/mcp", p.Issuer, clients{"mcp", "mcp-brief", "mcp-stray"}}
	}
	return servers
}
