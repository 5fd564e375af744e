package oidctest

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/url"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Session logs a user in at a service with core.Config.Sessions and returns the session cookie, to add to a test's requests. It runs the
// whole login with the routes of auth; the service's server need not run. claims add to or replace those of the user, also for every later
// login; a nil value removes a claim. If the login fails, the test of [NewProvider] fails; for a provider of [Start], the cookie is empty.
func (p *Provider) Session(auth *core.Auth, user string, claims ...Claims) *http.Cookie {
	cookie, err := p.session(auth, user, claims)
	if err != nil {
		if p.t != nil {
			p.t.Helper()
			p.t.Fatalf("oidctest: no session for %s: %v", user, err)
		}
		return &http.Cookie{}
	}
	return cookie
}

// BrokerBearer logs a user in at a service with core.Config.Broker and returns the value of an Authorization header: "Bearer " and the
// access token that the service issued. claims are those of [Provider.Session]. If the login fails, the test of [NewProvider] fails; for a
// provider of [Start], the result is "".
func (p *Provider) BrokerBearer(auth *core.Auth, user string, claims ...Claims) string {
	token, err := p.brokerToken(auth, user, claims)
	if err != nil {
		if p.t != nil {
			p.t.Helper()
			p.t.Fatalf("oidctest: no token for %s: %v", user, err)
		}
		return ""
	}
	return "Bearer " + token
}

func (p *Provider) session(auth *core.Auth, user string, claims []Claims) (*http.Cookie, error) {
	begun, err := p.begin(auth, user, claims, nil)
	if err != nil {
		return nil, err
	}
	request := &core.Request{Method: http.MethodGet, Target: begun.back.RequestURI(), Query: begun.back.Query(), Form: url.Values{}, Header: http.Header{"Cookie": begun.cookies}}
	answer := begun.routes["callback"].Serve(context.Background(), request)
	for _, line := range answer.Header["Set-Cookie"] {
		cookie, err := http.ParseSetCookie(line)
		if err == nil && cookie.MaxAge > 0 && len(cookie.Value) == sessionValue {
			return &http.Cookie{Name: cookie.Name, Value: cookie.Value}, nil
		}
	}
	return nil, errors.New("the callback sets no cookie of a session: " + http.StatusText(answer.Status))
}

// sessionValue is how many characters a session's cookie has.
const sessionValue = 64

// started is a login that the provider has approved.
type started struct {
	routes  map[string]core.Route
	back    *url.URL
	cookies []string
	state   string
}

func (p *Provider) begin(auth *core.Auth, user string, claims []Claims, query url.Values) (*started, error) {
	if !p.knows(user) {
		return nil, errors.New("there is no such user")
	}
	if len(claims) > 0 {
		all := p.claimsOf(user)
		for _, more := range claims {
			maps.Copy(all, deepCopy(more))
		}
		p.AddUser(User{Name: user, Claims: withoutNil(all)})
	}
	routes, err := auth.Routes(core.Paths{})
	if err != nil {
		return nil, err
	}
	s := &started{routes: make(map[string]core.Route)}
	for _, route := range routes {
		if route.Method == http.MethodGet || s.routes[route.Name].Name == "" { // the callback takes POST only of a browser
			s.routes[route.Name] = route
		}
	}
	answer := s.routes["login"].Serve(context.Background(), &core.Request{Method: http.MethodGet, Query: query, Form: url.Values{}, Header: http.Header{}})
	for _, line := range answer.Header["Set-Cookie"] {
		pair, _, _ := strings.Cut(line, ";")
		s.cookies = append(s.cookies, pair)
	}
	location, err := url.Parse(answer.Header.Get("Location"))
	if err != nil {
		return nil, err
	}
	if s.back, err = p.Approve(location.String(), user); err != nil {
		return nil, err
	}
	s.state = s.back.Query().Get("state") // of a pushed request it is nowhere else
	return s, nil
}

// redeem posts the code as a program on the user's machine does.
func (s *started) redeem() (string, error) {
	form := url.Values{"code": {s.back.Query().Get("code")}, "redirect_uri": {loopback}, "code_verifier": {s.state}}
	answer := s.routes["token"].Serve(context.Background(), &core.Request{Method: http.MethodPost, Query: url.Values{}, Form: form, Header: http.Header{}})
	var token core.Token
	if err := json.Unmarshal(answer.Body, &token); err != nil || answer.Status != http.StatusOK {
		return "", errors.New("the token route refuses: " + http.StatusText(answer.Status))
	}
	return token.AccessToken, nil
}

// loopback is a redirect URI that every configuration takes without RedirectURIs.
const loopback = "http://127.0.0.1:53100/callback"

func (p *Provider) brokerToken(auth *core.Auth, user string, claims []Claims) (string, error) {
	begun, err := p.begin(auth, user, claims, url.Values{"redirect_uri": {loopback}})
	if err != nil {
		return "", err
	}
	return begun.redeem()
}
