package core

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
)

// Header is what a guard reads of a request's header. An [http.Header] is one; an adapter over a server that reuses memory has
// one of its own.
type Header interface {
	// Values returns every value of the header called name, which is a canonical one; nil for none. Nobody changes the list.
	Values(name string) []string
	// Clone returns a copy of the whole header, with canonical names and without Host. Nothing in it is shared.
	Clone() http.Header
}

// Credentials is what a guard looks at: one request, as far as it says who calls. Everything in it may be a view of memory
// that another request gets later: whoever takes Credentials keeps nothing of them. The zero value is a request without a
// header.
type Credentials struct {
	// Method is the HTTP method, in upper case.
	Method string
	// Target is what the client asked for, path and query, whatever a group, a mount or a middleware made of the path since.
	Target string
	// Route is the pattern that the router matched, as the application wrote it ("/orders/{id}"). It stands in lines of the log
	// about refused tokens, and decides nothing. Empty: the router does not say.
	Route string
	// Header has the request's header. nil: it has none.
	Header Header
}

// CredentialsOf makes Credentials of a net/http request, without a copy. The target is RequestURI, or that of the URL where a
// request was made by hand.
func CredentialsOf(r *http.Request) Credentials {
	return Credentials{Method: r.Method, Target: targetOf(r), Route: r.Pattern, Header: r.Header}
}

// LogValue gives method and path: query and header may hold secrets.
func (c Credentials) LogValue() slog.Value { return requestValue(c.Method, c.Target) }

// Format writes method and path for every verb.
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

func (c Credentials) values(name string) []string {
	if c.Header == nil {
		return nil
	}
	return c.Header.Values(name)
}

// request copies the credentials into the form that the application's functions get, which may keep it. Query and Form stay
// empty: the parameters of a guarded route are the application's.
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

// Decision is what [Guard.Admit] decided about one request: who calls, or the refusal. The zero value is a guest. A Decision
// belongs to its request; what it points at is read-only.
type Decision struct {
	// Caller is who calls; nil for a guest, and beside a Refusal.
	Caller *IDToken
	// Header is added to the answer before the handler runs, see [Decision.AddTo]. nil: nothing is; a bearer token needs none.
	Header http.Header
	// Refusal is the whole answer to a request that may not pass: it is sent as it is, and no handler runs. nil: the request
	// may pass.
	Refusal *Response
	// Err says why, beside a Refusal: for logs and [errors.Is].
	Err *Error

	auth *Auth // whose decision it is
}

// Context returns a context that carries the caller to the handlers: [IDTokenFrom] finds it there. It makes one allocation.
func (d Decision) Context(ctx context.Context) context.Context {
	return &callerContext{Context: ctx, admitted: admitted{auth: d.auth, token: d.Caller}}
}

// Value returns what Context puts into a context as a key and a value, for a framework that has a map of its own beside the
// context.
func (d Decision) Value() (key, value any) {
	return callerKey{}, &admitted{auth: d.auth, token: d.Caller}
}

// AddTo adds the decision's header to the header of the answer. What is there stays.
func (d Decision) AddTo(header http.Header) {
	for name, values := range d.Header {
		header[name] = append(header[name][:len(header[name]):len(header[name])], values...)
	}
}

// Middleware puts the guard before a handler of net/http: a caller who is admitted goes on, with the caller in the request's
// context; everybody else gets the refusal, and the handler does not run.
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

// admitted is what a context carries behind a guard.
type admitted struct {
	auth  *Auth // nil where no guard stood: WithIDToken
	token *IDToken
}

type callerKey struct{}

// callerContext is a context and the value in it at once: [context.WithValue] would allocate both.
type callerContext struct {
	context.Context

	admitted admitted
}

// Value gives what this context adds, and else what its parent has.
func (c *callerContext) Value(key any) any {
	if _, ours := key.(callerKey); ours {
		return &c.admitted
	}
	return c.Context.Value(key)
}

// String names the context as package context does; the caller is not in it.
func (c *callerContext) String() string { return fmt.Sprint(c.Context) + ".WithIDToken" }
