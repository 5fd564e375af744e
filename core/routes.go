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

// Off as a path leaves a route out.
const Off = "-"

// Paths says where the routes stand in this process. An empty entry is the default beside it, [Off] leaves the route
// out. What browsers see is PublicURL of the configuration followed by the entry: a prefix is where this process alone
// sees it.
type Paths struct {
	Prefix   string // ""; put before every path here, not in public addresses
	Login    string // /auth/v2/login
	Callback string // /auth/v2/callback
	Token    string // /auth/v2/token
	Device   string // /auth/v2/device
	Logout   string // /auth/v2/logout
	UserInfo string // /auth/v2/userinfo
	JWKS     string // /auth/v2/.well-known/jwks.json; in broker mode alone
	Revoke   string // /auth/v2/revoke; in broker mode alone
}

// Route is one route as a framework mounts it: method, path and the function that answers. It is an [http.Handler] too.
// Safe for concurrent use.
type Route struct {
	Name   string // login, callback, token, device, logout (GET and POST), userinfo, jwks, revoke
	Method string // GET or POST; every other method is refused, HEAD too: it would spend a login's code
	Path   string // prefix and path

	auth     *Auth
	serve    func(context.Context, *Request) (*Response, error)
	referrer string // Referrer-Policy of every answer, "" for none
	ownForms bool   // a form that another site sends is refused
	allow    string // all methods of the path
}

// Serve answers one request. It returns within Config.Timeout and a second, in broker mode three, besides what OnLogin and
// OnError need, and never nil.
func (r Route) Serve(ctx context.Context, request *Request) *Response {
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
		return r.auth.refuse(ctx, request, request.fault)
	}
	if r.ownForms && isForeignForm(request) {
		return r.auth.refuse(ctx, request, &Error{Status: http.StatusForbidden, Code: CodeAccessDenied, Detail: "A form of another site is not taken.", kind: fault.Request})
	}
	bounded, cancel := context.WithTimeout(ctx, r.auth.patience())
	defer cancel()
	var answer *Response
	var err error
	// A hook that panics is caught where it is called; a store, or a transport of HTTPClient, here.
	if panicked := r.auth.called(ctx, "a store or transport, in the route "+r.Name, func() { answer, err = r.serve(bounded, request) }); panicked != nil {
		return r.auth.refuse(ctx, request, refusalOf(panicked))
	}
	if err == nil {
		return answer
	}
	refused := r.auth.refuse(ctx, request, refusalOf(err))
	if answer == nil {
		return refused
	}
	refused = refused.owned()
	for name, values := range answer.Header { // what goes with a refusal too: a cookie's end, a policy
		refused.Header[name] = append(refused.Header[name], values...)
	}
	return refused
}

// isForeignForm reports whether another site makes the user's browser send this request and show its answer (Fetch
// Metadata). What a script of another origin may send is up to CORS; who is no browser says nothing of the kind.
func isForeignForm(request *Request) bool {
	site := request.Header.Get("Sec-Fetch-Site")
	return request.Header.Get("Sec-Fetch-Mode") == "navigate" && site != "same-origin" && site != "none"
}

// patience is the longest that a route takes. In broker mode it may wait for another instance's refresh.
func (a *Auth) patience() time.Duration {
	return a.cfg.Timeout + a.logins.Patience() + 3*provider.Slack
}

// wrongMethod answers where a router lets another method through, as net/http does with HEAD.
func (r Route) wrongMethod(ctx context.Context, request *Request) *Response {
	answer := r.auth.refuse(ctx, request, &Error{Status: http.StatusMethodNotAllowed, Code: CodeInvalidRequest, Detail: "Method Not Allowed"}).owned()
	answer.Header.Set("Allow", r.allow)
	return answer
}

// ServeHTTP answers through net/http.
func (r Route) ServeHTTP(w http.ResponseWriter, request *http.Request) {
	r.Serve(request.Context(), ParseRequest(request.Method, targetOf(request), request.URL.RawQuery, request.Header, request.Body)).WriteTo(w)
}

// Routes is the only route table. It returns an error that names every path that is no path, or stands twice for one
// method. Several calls, with the same paths or others, are fine.
func (a *Auth) Routes(paths Paths) ([]Route, error) {
	paths.complete()
	a.cfg.warnOfPrefix(paths.Prefix)
	f := a.flows(paths.Callback)
	table := []Route{
		{Name: "login", Method: http.MethodGet, Path: paths.Login, serve: f.login},
		{Name: "callback", Method: http.MethodGet, Path: paths.Callback, serve: f.callbackRoute, referrer: "no-referrer"},
		{Name: "token", Method: http.MethodPost, Path: paths.Token, serve: f.token, ownForms: true},
		{Name: "device", Method: http.MethodPost, Path: paths.Device, serve: f.device, ownForms: true},
		{Name: "logout", Method: http.MethodGet, Path: paths.Logout, serve: f.logout},
		{Name: "logout", Method: http.MethodPost, Path: paths.Logout, serve: f.logout},
		{Name: "userinfo", Method: http.MethodGet, Path: paths.UserInfo, serve: f.userInfo},
	}
	if a.broker != nil {
		if paths.Token == Off {
			return nil, errors.New("core: Paths.Token: broker mode needs the token endpoint, which issues its tokens")
		}
		table = append(table,
			Route{Name: "jwks", Method: http.MethodGet, Path: paths.JWKS, serve: f.jwks},
			Route{Name: "revoke", Method: http.MethodPost, Path: paths.Revoke, serve: f.revoke, ownForms: true})
	}
	return a.place(paths.Prefix, table)
}

// complete fills in the default paths.
func (p *Paths) complete() {
	p.Prefix = strings.TrimSuffix(p.Prefix, "/")
	p.Login = cmp.Or(p.Login, "/auth/v2/login")
	p.Callback = cmp.Or(p.Callback, "/auth/v2/callback")
	p.Token = cmp.Or(p.Token, "/auth/v2/token")
	p.Device = cmp.Or(p.Device, "/auth/v2/device")
	p.Logout = cmp.Or(p.Logout, "/auth/v2/logout")
	p.UserInfo = cmp.Or(p.UserInfo, "/auth/v2/userinfo")
	p.JWKS = cmp.Or(p.JWKS, defaultJWKSPath)
	p.Revoke = cmp.Or(p.Revoke, "/auth/v2/revoke")
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

// isPath keeps out what some router would read as a parameter, a wildcard or a pattern, and what a browser rewrites.
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
