package mcp

import (
	"net/url"
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/integration/app"
)

// client is an MCP client on one user's machine. It connects with the first call.
type client interface {
	// call calls a tool. The person logs in meanwhile, if the client asks for it.
	call(t *testing.T, tool string, arguments map[string]any) answer
}

// answer is the outcome of a call.
type answer struct {
	Text     string    `json:"text"`     // what the tool said
	Error    string    `json:"error"`    // or what the client said instead
	Requests []request `json:"requests"` // that the call took, to the MCP server and the provider
	logins   []url.Values
}

// request is an HTTP request of a client with the status of its response.
type request struct {
	Method string `json:"method"`
	Path   string `json:"path"`
	Status int    `json:"status"`
	Grant  string `json:"grant"` // the grant_type of a token request
}

// made reports whether one of the requests was this one.
func (a answer) made(method, path string, status int) bool {
	return slices.ContainsFunc(a.Requests, func(r request) bool { return r.Method == method && r.Path == path && r.Status == status })
}

// granted counts the tokens that a client got by a grant.
func (a answer) granted(grant string) (n int) {
	for _, r := range a.Requests {
		if r.Grant == grant && r.Status == 200 {
			n++
		}
	}
	return n
}

// redirect is where a client waits for the browser. Nobody listens there in these tests.
const redirect = "http://localhost:53100/callback"

// person is alice at her browser.
type person struct {
	agent  *app.Agent
	logins []url.Values
}

// login opens what a client shows, logs in, and returns where the browser was sent. It notes what the login asked for.
func (p *person) login(t *testing.T, address string) string {
	t.Helper()
	asked, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	p.logins = append(p.logins, asked.Query())
	return p.agent.SignIn(t, address, redirect, "alice", "alice").URL.String()
}

// noted returns what the logins since the last time asked for.
func (p *person) noted() []url.Values {
	logins := p.logins
	p.logins = nil
	return logins
}
