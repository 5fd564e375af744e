package core

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Header gives a guard access to the request's header. [http.Header] implements it; an adapter for a server that reuses
// memory has its own implementation.
type Header interface {
	// Values returns all values of a header, nil if there is none. name is in canonical form. The list must not be changed.
	Values(name string) []string
	// Clone returns a copy of the whole header, with canonical names and without Host. The copy shares no memory.
	Clone() http.Header
}

// Credentials is the part of a request that a guard reads to decide who the caller is. Everything in it may point into memory
// that the server reuses for another request, so a function that takes Credentials must not keep any of it. The zero value is
// a request without headers.
type Credentials struct {
	// Method is the HTTP method, in upper case.
	Method string
	// Target is the path and query that the client sent, even if a group, a mount or a middleware has changed the path since.
	Target string
	// Route is the pattern that the router matched, as the application wrote it ("/orders/{id}"), for log lines about refused
	// tokens. It decides nothing. Empty: the router does not say.
	Route string
	// Header is the request's header. nil: no headers.
	Header Header
}

// CredentialsOf returns the Credentials of a net/http request without copying. The target is RequestURI, or the URL's for a
// request that was built by hand.
func CredentialsOf(r *http.Request) Credentials {
	return Credentials{Method: r.Method, Target: targetOf(r), Route: r.Pattern, Header: r.Header}
}

// LogValue returns method and path only: query and header may hold secrets.
func (c Credentials) LogValue() slog.Value { return requestValue(c.Method, c.Target) }

// Format writes method and path only, for every verb: query and header may hold secrets.
func (c Credentials) Format(f fmt.State, _ rune) { formatRequest(f, c.Method, c.Target) }

func requestValue(method, target string) slog.Value {
	path, _, _ := strings.Cut(target, "?")
	return slog.GroupValue(slog.String("method", method), slog.String("path", path))
}

func formatRequest(f fmt.State, method, target string) {
	path, _, _ := strings.Cut(target, "?")
	_, _ = fmt.Fprintf(f, "Request(%s %q)", method, path)
}

func targetOf(r *http.Request) string {
	if r.RequestURI == "" && r.URL != nil {
		return r.URL.RequestURI()
	}
	return r.RequestURI
}

// values returns every value of a header with a canonical name. It runs on every request.
func (c Credentials) values(name string) []string {
	switch header := c.Header.(type) {
	case nil:
		return nil
	case http.Header:
		return header[name] // Values would put the name into canonical form again
	default:
		return header.Values(name)
	}
}

// request copies the credentials into a Request for functions of the application, which may keep it. Query and Form stay
// empty: the parameters of a guarded route belong to the application.
func (c Credentials) request() *Request {
	r := &Request{Method: strings.Clone(c.Method), Target: strings.Clone(c.Target), Query: url.Values{}, Form: url.Values{}}
	if c.Header != nil {
		r.Header = c.Header.Clone()
	}
	if r.Header == nil {
		r.Header = make(http.Header)
	}
	return r
}

// Decision is the result of [Guard.Admit] for one request: the caller or a refusal. The zero value admits a guest. A Decision
// is valid for its request only; the values it points to are read-only.
type Decision struct {
	// Caller is the caller; nil for a guest and if Refusal is set.
	Caller *IDToken
	// Session is the caller's session; nil for a bearer token.
	Session *Session
	// Header has the headers to add to the answer before the handler runs, see [Decision.AddTo]. nil, as for bearer tokens: none.
	Header http.Header
	// Refusal is the complete answer to a refused request: send it unchanged and do not run the handler. nil: the request may
	// pass.
	Refusal *Response
	// Err is the reason for the Refusal, for logs and [errors.Is]. nil without a Refusal.
	Err *Error

	auth *Auth // the Auth whose guard decided
}

// Context returns a context with the caller and the session, where handlers find them with [IDTokenFrom] and [SessionFrom]. It
// makes one allocation.
func (d Decision) Context(ctx context.Context) context.Context {
	return &callerContext{Context: ctx, admitted: admitted{auth: d.auth, token: d.Caller, session: d.Session}}
}

// Value returns the key and the value that Context stores, for a framework that has its own map of values.
func (d Decision) Value() (key, value any) {
	return callerKey{}, &admitted{auth: d.auth, token: d.Caller, session: d.Session}
}

// AddTo adds the decision's headers to those of the answer. It keeps existing values, and adds none twice: a request may pass several
// guards.
func (d Decision) AddTo(header http.Header) {
	for name, values := range d.Header {
		for _, value := range values {
			if !slices.Contains(header[name], value) {
				header[name] = append(slices.Clip(header[name]), value)
			}
		}
	}
}

// Middleware protects a net/http handler: next runs for admitted requests, with the caller in the request's context; any
// other request gets the refusal.
func (g *Guard) Middleware(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		decision := g.Admit(r.Context(), CredentialsOf(r))
		if decision.Refusal != nil {
			decision.Refusal.WriteTo(w)
			return
		}
		decision.AddTo(w.Header())
		next.ServeHTTP(w, r.WithContext(decision.Context(r.Context())))
	})
}

// admitted is the value that a guard stores in the context.
type admitted struct {
	auth    *Auth // nil after WithIDToken, without a guard
	token   *IDToken
	session *Session // nil for a bearer token
}

type callerKey struct{}

// callerContext is a context together with its value: one allocation where [context.WithValue] needs two.
type callerContext struct {
	context.Context

	admitted admitted
}

// Value returns the caller for its key, and the parent's value for every other key.
func (c *callerContext) Value(key any) any {
	if _, ours := key.(callerKey); ours {
		return &c.admitted
	}
	return c.Context.Value(key)
}

// String describes the context as package context does, without the caller.
func (c *callerContext) String() string { return fmt.Sprint(c.Context) + ".WithIDToken" }
