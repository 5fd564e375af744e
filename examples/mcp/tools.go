package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/go-oidc-auth/oidcauth/core"
)

// needed is what every request needs. It has a scope, which clients ask for at their first login: without one they guess.
var needed = []core.Requirement{core.BearerOnly, core.Scopes("orders:read")}

// needs has what each tool asks for, with what every request needs, so that a client asks for all of it at once. A tool that is not here is refused.
var needs = map[string][]core.Requirement{
	"whoami":       {},
	"count_orders": {core.Scopes("orders:read")},
	"cancel_order": {core.Scopes("orders:read", "orders:write")},
}

// newServer makes the MCP server and its tools. They find the caller in their context.
func newServer() *mcp.Server {
	server := mcp.NewServer(&mcp.Implementation{Name: "orders", Version: "1.0.0"}, nil)
	server.AddReceivingMiddleware(demanding)
	mcp.AddTool(server, &mcp.Tool{Name: "whoami", Description: "says who is calling"}, whoami)
	mcp.AddTool(server, &mcp.Tool{Name: "count_orders", Description: "counts the orders"}, countOrders)
	mcp.AddTool(server, &mcp.Tool{Name: "cancel_order", Description: "cancels an order"}, cancelOrder)
	return server
}

func whoami(ctx context.Context, _ *mcp.CallToolRequest, _ struct{}) (*mcp.CallToolResult, any, error) {
	return text(core.IDTokenFrom(ctx).Username()), nil, nil
}

func countOrders(context.Context, *mcp.CallToolRequest, struct{}) (*mcp.CallToolResult, any, error) {
	return text("3"), nil, nil
}

func cancelOrder(_ context.Context, _ *mcp.CallToolRequest, order struct {
	ID int `json:"id"`
}) (*mcp.CallToolResult, any, error) {
	return text(fmt.Sprintf("order %d is canceled", order.ID)), nil, nil
}

func text(s string) *mcp.CallToolResult {
	return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: s}}}
}

// demanding asks for what a tool needs, with the request as the server has read it, before the tool runs.
func demanding(next mcp.MethodHandler) mcp.MethodHandler {
	return func(ctx context.Context, method string, request mcp.Request) (mcp.Result, error) {
		call, ok := request.(*mcp.CallToolRequest)
		if !ok {
			return next(ctx, method, request)
		}
		need, known := needs[call.Params.Name]
		if !known {
			return nil, errors.New("unknown tool")
		}
		if err := core.Demand(ctx, need...); err != nil {
			if refused, ok := ctx.Value(refusal{}).(*atomic.Pointer[error]); ok {
				refused.Store(&err)
			}
			return nil, errors.New("refused")
		}
		return next(ctx, method, request)
	}
}

// refusal is the key of the place where demanding leaves its error for the endpoint.
type refusal struct{}

// endpoint serves MCP. Each request stands for itself (Stateless), so the context of a tool is that of its request; and the answer is written once a
// tool has returned (JSONResponse), so what a caller lacks becomes the 403 with its challenge that clients act upon.
func endpoint(auth *core.Auth) http.Handler {
	server := newServer()
	transport := mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return server }, &mcp.StreamableHTTPOptions{Stateless: true, JSONResponse: true})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		refused := new(atomic.Pointer[error])
		ctx := context.WithValue(r.Context(), refusal{}, refused)
		transport.ServeHTTP(&unlessRefused{ResponseWriter: w, refused: refused, header: make(http.Header)}, r.WithContext(ctx))
		if err := refused.Load(); err != nil {
			auth.Answer(r.Context(), core.CredentialsOf(r), *err).WriteTo(w)
		}
	})
}

// unlessRefused passes an answer on unless a tool was refused.
type unlessRefused struct {
	http.ResponseWriter

	refused *atomic.Pointer[error]
	header  http.Header
	begun   bool
}

func (w *unlessRefused) Header() http.Header { return w.header }

func (w *unlessRefused) WriteHeader(status int) {
	if w.refused.Load() != nil || w.begun {
		return
	}
	w.begun = true
	for name, values := range w.header {
		w.ResponseWriter.Header()[name] = values
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *unlessRefused) Write(text []byte) (int, error) {
	if w.refused.Load() != nil {
		return len(text), nil
	}
	w.WriteHeader(http.StatusOK)
	return w.ResponseWriter.Write(text)
}
