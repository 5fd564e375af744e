package oidctest

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
)

// Pattern is the pattern of one route, for [Access].
type Pattern struct {
	Method string // "" for every method, of which GET is requested
	Path   string // as the router writes it: "/orders/:id", "/orders/{id}"
	// Target is the path that is requested. "": Path, with a word in the place of each parameter and wildcard. It is needed if a
	// parameter takes only certain words, as {id:[0-9]+} of chi and :id<int> of fiber.
	Target string
}

// Patterns makes patterns from texts as [http.ServeMux] takes them: "GET /orders/{id}", "/static/". A ServeMux has no list of its
// routes, so a test has to repeat them.
func Patterns(texts ...string) []Pattern {
	patterns := make([]Pattern, len(texts))
	for i, text := range texts {
		method, path, found := strings.Cut(text, " ")
		if !found {
			method, path = "", text
		}
		patterns[i] = Pattern{Method: method, Path: strings.TrimLeft(path, " \t")}
	}
	return patterns
}

// SendTo returns a function for App.Send that calls a handler: a router of chi, echo, gin or net/http.
func SendTo(handler http.Handler) func(*http.Request) (int, error) {
	return func(request *http.Request) (int, error) {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, request)
		return answer.Code, nil
	}
}

// anyWord takes the place of a parameter: no route has it as a word of its own.
const anyWord = "oidctest-probe"

var (
	// A parameter or wildcard is one segment of a path: ":id", ":id?", "{id}", "{rest...}", "*", "*rest", "+".
	parameter = regexp.MustCompile(`^(?::[\pL\pN_]+\??|\{[\pL\pN_]+\}|\{[\pL\pN_]+\.\.\.\}|[*+][\pL\pN_]*)$`)
	// A method, as frameworks list them: that of echo for a missing route is none.
	methodName = regexp.MustCompile(`^[A-Z][A-Z-]*$`)
)

// request makes the request of a client who has nothing.
func (p Pattern) request(ctx context.Context) (*http.Request, error) {
	method := p.Method
	if method == "" {
		method = http.MethodGet
	}
	if !methodName.MatchString(method) {
		return nil, errors.New("not a method: leave the entry out of App.Patterns")
	}
	host, target, err := p.target()
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+host+target, http.NoBody)
	if err != nil {
		return nil, err
	}
	request.RequestURI, request.RemoteAddr = request.URL.RequestURI(), "127.0.0.1:49152"
	return request, nil
}

func (p Pattern) target() (host, target string, err error) {
	host, target = "localhost", p.Target
	path := p.Path
	if at := strings.Index(path, "/"); at > 0 { // a host before the path, as net/http has it
		host, path = path[:at], path[at:]
	}
	if target == "" {
		if target, err = filled(path); err != nil {
			return "", "", err
		}
	}
	if u, err := url.Parse(target); err != nil || !strings.HasPrefix(target, "/") || u.Host != "" {
		return "", "", fmt.Errorf("%q is no path", target)
	}
	return host, target, nil
}

// filled replaces parameters and wildcards.
func filled(path string) (string, error) {
	segments := strings.Split(path, "/")
	for i, segment := range segments {
		switch {
		case segment == "{$}":
			segments[i] = ""
		case parameter.MatchString(segment):
			segments[i] = anyWord
		case strings.ContainsAny(segment, ":*+{}<>()"):
			return "", errors.New("set Target: this test does not know which paths the pattern takes")
		}
	}
	if segments[0] != "" {
		return "", fmt.Errorf("%q is no path", path)
	}
	if len(segments) == 1 { // the root of a group
		return "/", nil
	}
	return strings.Join(segments, "/"), nil
}
