package mcp

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/modelcontextprotocol/go-sdk/oauthex"

	"github.com/go-oidc-auth/oidcauth/integration/app"
)

// goVersion is the version of go-sdk in go.mod.
const goVersion = "v1.8.0"

// goClient is the client of go-sdk.
type goClient struct {
	person

	t         *testing.T // the session lives as long as this test
	transport *mcp.StreamableClientTransport
	session   *mcp.ClientSession
	recorder  *recorder
}

func inGo(t *testing.T, endpoint, clientID string) client {
	t.Helper()
	c := &goClient{person: person{agent: app.NewAgent()}, t: t, recorder: &recorder{}}
	web := &http.Client{Transport: c.recorder}
	handler, err := auth.NewAuthorizationCodeHandler(&auth.AuthorizationCodeHandlerConfig{
		PreregisteredClient: &oauthex.ClientCredentials{ClientID: clientID}, RedirectURL: redirect, Client: web,
		AuthorizationCodeFetcher: func(_ context.Context, args *auth.AuthorizationArgs) (*auth.AuthorizationResult, error) {
			back, err := url.Parse(c.login(t, args.URL))
			if err != nil {
				return nil, err
			}
			return &auth.AuthorizationResult{Code: back.Query().Get("code"), State: back.Query().Get("state"), Iss: back.Query().Get("iss")}, nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	c.transport = &mcp.StreamableClientTransport{Endpoint: endpoint, HTTPClient: web, OAuthHandler: handler}
	return c
}

func (c *goClient) call(t *testing.T, tool string, arguments map[string]any) answer {
	t.Helper()
	text, err := c.text(tool, arguments)
	said := answer{Text: text, Requests: c.recorder.noted(), logins: c.noted()}
	if err != nil {
		said.Error = err.Error()
	}
	return said
}

func (c *goClient) text(tool string, arguments map[string]any) (string, error) {
	if c.session == nil {
		session, err := mcp.NewClient(&mcp.Implementation{Name: "test", Version: "1.0.0"}, nil).Connect(c.t.Context(), c.transport, nil)
		if err != nil {
			return "", err
		}
		c.session = session
		c.t.Cleanup(func() { _ = session.Close() })
	}
	result, err := c.session.CallTool(c.t.Context(), &mcp.CallToolParams{Name: tool, Arguments: arguments})
	if err != nil {
		return "", err
	}
	var text strings.Builder
	for _, part := range result.Content {
		if part, ok := part.(*mcp.TextContent); ok {
			text.WriteString(part.Text)
		}
	}
	return text.String(), nil
}

// recorder notes the requests of a client.
type recorder struct {
	sync.Mutex

	requests []request
}

func (r *recorder) RoundTrip(sent *http.Request) (*http.Response, error) {
	grant := ""
	if sent.Header.Get("Content-Type") == "application/x-www-form-urlencoded" {
		text, err := io.ReadAll(sent.Body)
		if err != nil {
			return nil, err
		}
		form, err := url.ParseQuery(string(text))
		if err != nil {
			return nil, err
		}
		grant, sent.Body = form.Get("grant_type"), io.NopCloser(bytes.NewReader(text))
	}
	got, err := http.DefaultTransport.RoundTrip(sent)
	if err == nil {
		r.Lock()
		defer r.Unlock()
		r.requests = append(r.requests, request{sent.Method, sent.URL.Path, got.StatusCode, grant})
	}
	return got, err
}

func (r *recorder) noted() []request {
	r.Lock()
	defer r.Unlock()
	requests := r.requests
	r.requests = nil
	return requests
}
