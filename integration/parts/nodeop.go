package parts

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// NodeVersion is the version of node-oidc-provider in package-lock.json.
const NodeVersion = "9.13.3"

// NodeMCPVersion is the version of @modelcontextprotocol/client in package-lock.json.
const NodeMCPVersion = "2.4.0"

// API is the audience of the JWT access tokens of node-oidc-provider.
const API = "https://api.example.test"

// NodeProvider is a running node-oidc-provider. The users are alice and bob; every password is accepted. The clients are web,
// web-es256, web-eddsa and web-post, with the secret from [NodeSecret], and cli, which is public.
type NodeProvider struct{ Issuer string }

// NodeSecret returns the secret of a client of [NodeProvider].
func NodeSecret(client string) string { return client + "-secret-0123456789abcdef0123456789abcdef" }

// NewNodeProvider starts a provider for the application at publicURL. With shape.JWT, the audience of access tokens is [API], and the
// userinfo endpoint refuses them. The client decides which algorithm signs ID tokens. The provider stops when the test ends.
func NewNodeProvider(t testing.TB, publicURL string, shape Shape) *NodeProvider {
	t.Helper()
	command := Node(t, "op.mjs")
	command.Env = shape.environment(publicURL)
	return &NodeProvider{Issuer: fmt.Sprint(Start(t, command).Ready["issuer"])}
}

// NewNodeResources starts a provider that issues access tokens for these resources, with the scopes orders:read and orders:write. The
// clients are public and send people back to redirect: mcp; mcp-brief, whose access tokens live for brief; and mcp-stray, whose access
// tokens are for [API] whatever it asks for. The provider stops when the test ends.
func NewNodeResources(t testing.TB, redirect string, brief time.Duration, resources []string) *NodeProvider {
	t.Helper()
	command := Node(t, "op.mjs")
	command.Env = append(os.Environ(), "OP_CALLBACKS="+redirect, "OP_RESOURCES="+strings.Join(resources, " "), fmt.Sprintf("OP_BRIEF=%.0f", brief.Seconds()))
	return &NodeProvider{Issuer: fmt.Sprint(Start(t, command).Ready["issuer"])}
}

// Rotate gives the provider new signing keys. With drop, it stops publishing the old ones.
func (p *NodeProvider) Rotate(t testing.TB, drop bool) { t.Helper(); rotate(t, p.Issuer, drop) }

// callbacks are where an application and a program on the user's machine wait for the browser. name is that of the provider, "" for the main one.
func callbacks(publicURL, name string) []string {
	own := publicURL + "/auth/v2/callback"
	if name != "" {
		own += "/" + name
	}
	return []string{own, "http://localhost:53100/callback"}
}
