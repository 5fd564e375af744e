package parts

import (
	"fmt"
	"testing"
)

// NodeVersion is the version of node-oidc-provider in package-lock.json.
const NodeVersion = "9.13.3"

// API is the audience of the JWT access tokens of node-oidc-provider.
const API = "https://api.example.test"

// NodeProvider is a running node-oidc-provider. Users are alice and bob, any password is right. Clients are web,
// web-es256, web-eddsa and web-post, with the secret NodeSecret, and cli, which is public.
type NodeProvider struct{ Issuer string }

// NodeSecret is the secret of a client.
func NodeSecret(client string) string { return client + "-secret-0123456789abcdef0123456789abcdef" }

// NewNodeProvider starts one for an application. With JWT, access tokens are for [API], and userinfo refuses them. Which
// algorithm signs an ID token is the client's business.
func NewNodeProvider(t testing.TB, publicURL string, shape Shape) *NodeProvider {
	t.Helper()
	command := Node(t, "op.mjs")
	command.Env = shape.environment(publicURL)
	return &NodeProvider{Issuer: fmt.Sprint(Start(t, command).Ready["issuer"])}
}

// Rotate gives the provider new signing keys; with drop it withdraws the old ones.
func (p *NodeProvider) Rotate(t testing.TB, drop bool) { t.Helper(); rotate(t, p.Issuer, drop) }

// callbacks are where an application and a program on the user's machine wait for the browser.
func callbacks(publicURL string) []string {
	return []string{publicURL + "/auth/v2/callback", "http://localhost:53100/callback"}
}
