package core

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

const defaultLoginPath = "/auth/v2/login"

// Off disables a route: write it as the path of the route in [Paths].
const Off = "-"

// Paths has the paths of the routes in this process. An empty entry selects the default written beside it, [Off] disables the route. A
// path begins with / and does not end with it; it has letters, digits and -._~ in its segments, and no parameters or wildcards. The public
// address of a route is Config.PublicURL followed by its entry, without Prefix.
type Paths struct {
	Prefix   string // ""; precedes every path in this process, not in public addresses
	Login    string // /auth/v2/login
	Callback string // /auth/v2/callback; register it at the provider, as Config.PublicURL and this path; of each of Config.Providers: followed by a slash and its Name
	Token    string // /auth/v2/token
	Device   string // /auth/v2/device
	Logout   string // /auth/v2/logout
	UserInfo string // /auth/v2/userinfo
	JWKS     string // /auth/v2/.well-known/jwks.json; in broker mode only
	Revoke   string // /auth/v2/revoke; in broker mode only
	Session  string // /auth/v2/session; only with Config.Sessions
	Sessions string // /auth/v2/sessions; only with Config.Sessions

	ClientKeys string // /auth/v2/client-keys.json; only with Config.ClientKey

	BackChannelLogout string // /auth/v2/backchannel-logout; only with Config.Sessions or in broker mode
}

// Route is one route for a framework to mount: method, path and handler. It is also an [http.Handler]. Safe for concurrent use.
type Route struct {
	Name   string // login, callback (GET, and POST only with ResponseMode), token, device, logout (GET and POST), userinfo, jwks, revoke, session, sessions (GET and DELETE), backchannel-logout, client-keys; resource-metadata (GET, HEAD and OPTIONS) of RootRoutes
	Method string // GET, POST or DELETE; every other method is refused, including HEAD, which would use up a login's code. Of RootRoutes: GET, HEAD or OPTIONS
	Path   string // prefix and path

	auth     *Auth
	serve    func(context.Context, *Request) (*Response, error)
	referrer string // Referrer-Policy of every answer, "" for none
	allow    string // all methods of the path

	ownForms     bool // forms of other sites are refused
	takesSession bool // it is about the caller, whom a session may name
}

// Serve answers one request and never returns nil: an error becomes an answer, too. It takes at most Config.Timeout plus one second, in
// broker mode plus three seconds, not counting OnLogin and OnError.
func (r Route) Serve(ctx context.Context, request *Request) *Response {
	if probe := probeIn(ctx); probe != nil {
		return probe.own(r)
	}
	answer := r.answer(ctx, request)
	if r.referrer != "" {
		answer = answer.owned()
		answer.Header.Set("Referrer-Policy", r.referrer)
	}
	return answer
}

func (r Route) answer(ctx context.Context, request *Request) *Response {
	if request.Method != r.Method {
		return r.wrongMethod(ctx, request)
	}
	if request.fault != nil {
		return r.refuse(ctx, request, request.fault)
	}
	if r.ownForms && isForeignForm(request) {
		return r.refuse(ctx, request, &Error{Status: http.StatusForbidden, Code: CodeAccessDenied, Detail: "A form of another site is not taken.", kind: fault.Foreign})
	}
	bounded, cancel := context.WithTimeout(ctx, r.auth.patience())
	defer cancel()
	var answer *Response
	var err error
	// Panics of hooks are recovered where they are called; those of a store and of HTTPClient's transport here.
	if panicked := r.auth.called(ctx, "a store or transport, in the route "+r.Name, func() { answer, err = r.serve(bounded, request) }); panicked != nil {
		return r.refuse(ctx, request, refusalOf(panicked))
	}
	if err == nil {
		return answer
	}
	refused := r.refuse(ctx, request, refusalOf(err))
	if answer == nil {
		return refused
	}
	refused = refused.owned()
	for name, values := range answer.Header { // also sent with a refusal: the deletion of a cookie, a policy
		refused.Header[name] = append(refused.Header[name], values...)
	}
	return refused
}

// isForeignForm reports whether another site navigates the user's browser to this route (Fetch Metadata). Scripts of other origins are
// subject to CORS; other clients do not send these headers.
func isForeignForm(request *Request) bool {
	site := request.Header.Get("Sec-Fetch-Site")
	return request.Header.Get("Sec-Fetch-Mode") == "navigate" && site != "same-origin" && site != "none"
}

// patience is the maximum duration of a route. In broker mode it may wait for another instance's refresh.
func (a *Auth) patience() time.Duration {
	return a.cfg.Timeout + a.logins.Patience() + 3*provider.Slack
}

// wrongMethod answers if a router passes another method, as net/http does with HEAD.
func (r Route) wrongMethod(ctx context.Context, request *Request) *Response {
	answer := r.refuse(ctx, request, &Error{Status: http.StatusMethodNotAllowed, Code: CodeInvalidRequest, Detail: "Method Not Allowed"}).owned()
	answer.Header.Set("Allow", r.allow)
	return answer
}

// ServeHTTP answers a net/http request with [Route.Serve], so a Route is an [http.Handler].
func (r Route) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.Serve(request.Context(), ParseRequest(request.Method, targetOf(request), request.URL.RawQuery, request.Header, request.Body)).WriteTo(w)
}

// Routes returns the route table; Paths{} selects the default paths. The error names every invalid path, and every path that is used twice
// with one method; in broker mode, [Off] for Token is an error, too. Routes may be called several times, with the same or other paths.
func (a *Auth) Routes(paths Paths) ([]Route, error) {
	paths.complete()
	a.cfg.warnOfPrefix(paths.Prefix)
	f := a.flows(paths)
	a.noteLogin(paths.Login)
	table := []Route{
		{Name: "login", Method: http.MethodGet, Path: paths.Login, serve: f.login},
		{Name: "token", Method: http.MethodPost, Path: paths.Token, serve: f.token, ownForms: true},
		{Name: "device", Method: http.MethodPost, Path: paths.Device, serve: f.device, ownForms: true},
		{Name: "logout", Method: http.MethodGet, Path: paths.Logout, serve: f.logout},
		{Name: "logout", Method: http.MethodPost, Path: paths.Logout, serve: f.logout},
		{Name: "userinfo", Method: http.MethodGet, Path: paths.UserInfo, serve: f.userInfo, takesSession: true},
	}
	for _, p := range a.parties {
		table = append(table, Route{Name: "callback", Method: http.MethodGet, Path: f.callbackPath(p), serve: f.callbackRoute(p), referrer: "no-referrer"})
		if p.asks.posted { // the provider's form
			table = append(table, Route{Name: "callback", Method: http.MethodPost, Path: f.callbackPath(p), serve: f.postedCallback(p), referrer: "no-referrer"})
		}
	}
	if a.broker != nil {
		if paths.Token == Off {
			return nil, errors.New("core: Paths.Token: broker mode needs the token endpoint, which issues its tokens")
		}
		table = append(table,
			Route{Name: "jwks", Method: http.MethodGet, Path: paths.JWKS, serve: f.jwks},
			Route{Name: "revoke", Method: http.MethodPost, Path: paths.Revoke, serve: f.revoke, ownForms: true})
	}
	if a.publicKeys != nil {
		table = append(table, Route{Name: "client-keys", Method: http.MethodGet, Path: paths.ClientKeys, serve: f.clientKeys})
	}
	if a.vault != nil {
		table = append(table, Route{Name: "backchannel-logout", Method: http.MethodPost, Path: paths.BackChannelLogout, serve: f.backChannelLogout, ownForms: true})
	}
	if a.browsers != nil {
		table = append(table,
			Route{Name: "session", Method: http.MethodGet, Path: paths.Session, serve: f.session, takesSession: true},
			Route{Name: "sessions", Method: http.MethodGet, Path: paths.Sessions, serve: f.sessions, takesSession: true},
			Route{Name: "sessions", Method: http.MethodDelete, Path: paths.Sessions, serve: f.endSessions, takesSession: true})
	}
	routes, err := a.place(paths.Prefix, table)
	if err == nil {
		a.noteOwn(paths.Prefix, routes)
		a.mounts.add(paths)
	}
	return routes, err
}

// noteLogin remembers the login route to which guards redirect: the first one that is mounted, but a path of the application takes
// precedence over the default.
func (a *Auth) noteLogin(path string) {
	if known := a.loginPath.Load(); path != Off && (known == nil || *known == defaultLoginPath) {
		a.loginPath.Store(&path)
	}
}

// complete fills in the default paths.
func (p *Paths) complete() {
	p.Prefix = strings.TrimSuffix(p.Prefix, "/")
	p.Login = cmp.Or(p.Login, defaultLoginPath)
	p.Callback = cmp.Or(p.Callback, "/auth/v2/callback")
	p.Token = cmp.Or(p.Token, "/auth/v2/token")
	p.Device = cmp.Or(p.Device, "/auth/v2/device")
	p.Logout = cmp.Or(p.Logout, "/auth/v2/logout")
	p.UserInfo = cmp.Or(p.UserInfo, "/auth/v2/userinfo")
	p.JWKS = cmp.Or(p.JWKS, defaultJWKSPath)
	p.Revoke = cmp.Or(p.Revoke, "/auth/v2/revoke")
	p.Session = cmp.Or(p.Session, "/auth/v2/session")
	p.BackChannelLogout = cmp.Or(p.BackChannelLogout, "/auth/v2/backchannel-logout")
	p.ClientKeys = cmp.Or(p.ClientKeys, "/auth/v2/client-keys.json")
	p.Sessions = cmp.Or(p.Sessions, "/auth/v2/sessions")
}

func (a *Auth) place(prefix string, table []Route) ([]Route, error) {
	var errs []error
	if prefix != "" && !isPath(prefix) {
		errs = append(errs, fmt.Errorf("core: Paths.Prefix %q: write a path that begins with / and has no parameters", prefix))
	}
	taken := make(map[string]string)
	var routes []Route
	for i, route := range table {
		if route.Path == Off {
			continue
		}
		if !isPath(route.Path) && (i == 0 || table[i-1].Path != route.Path) { // once for both methods
			errs = append(errs, fmt.Errorf("core: path %q of %s: write a path that begins with / and has no parameters, or core.Off", route.Path, route.Name))
		}
		if other, twice := taken[route.Method+route.Path]; twice {
			errs = append(errs, fmt.Errorf("core: path %q stands for %s and for %s: give them different ones", route.Path, other, route.Name))
		}
		taken[route.Method+route.Path] = route.Name
		route.Path, route.auth = prefix+route.Path, a
		routes = append(routes, route)
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	for i := range routes {
		routes[i].allow = methodsOf(routes, routes[i].Path)
	}
	return routes, nil
}

func methodsOf(routes []Route, path string) string {
	var methods []string
	for _, route := range routes {
		if route.Path == path {
			methods = append(methods, route.Method)
		}
	}
	return strings.Join(methods, ", ")
}

// isPath refuses whatever a router could read as a parameter, a wildcard or a pattern, and what a browser normalizes.
func isPath(path string) bool {
	if !strings.HasPrefix(path, "/") || path == "/" || strings.HasSuffix(path, "/") || strings.Contains(path, "//") {
		return false
	}
	for _, segment := range strings.Split(path[1:], "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return isAlphanumeric(path, "/-._~")
}
