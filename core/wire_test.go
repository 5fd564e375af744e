package core_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// The routes give the same answers through net/http as through Serve, and read bodies only up to the limit.
func TestRoutesThroughNetHTTP(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	for _, c := range []struct {
		route, method, target, body string
		status                      int
	}{
		{"login", "GET", "/?redirect_uri=" + url.QueryEscape(flowRedirect), "", 302}, {"login", "POST", "/", "", 405}, {"login", "HEAD", "/", "", 405},
		{"callback", "GET", "/?code=c&state=s", "", 400}, {"token", "POST", "/", "refresh_token=r", 400}, {"token", "POST", "/?refresh_token=r", "", 400}, {"token", "GET", "/", "", 405},
		{"token", "POST", "/", strings.Repeat("x", core.MaxForm+1), 413}, {"device", "POST", "/", "", 503}, {"logout", "GET", "/", "", 302}, {"userinfo", "GET", "/", "", 401},
		{"token", "POST", "/?x=%zz", "refresh_token=r", 400}, {"token", "POST", "/", "x=%zz", 400}, {"login", "GET", "/?x=1;y=2", "", 400},
	} {
		request := httptest.NewRequestWithContext(t.Context(), c.method, c.target, strings.NewReader(c.body))
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
		answer := httptest.NewRecorder()
		f.routes[c.route].ServeHTTP(answer, request)
		if answer.Code != c.status || answer.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s %.40q: %d %s %v", c.method, c.route, c.body, answer.Code, answer.Body, answer.Header())
		}
	}
}

// Names, methods and default paths are part of the contract.
func TestRouteTable(t *testing.T) {
	f := flowInMemory(t, &flowMemory{}, nil)
	routes, err := f.auth.Routes(core.Paths{})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"login": "GET /auth/v2/login", "callback": "GET /auth/v2/callback", "token": "POST /auth/v2/token",
		"device": "POST /auth/v2/device", "logout": "GET /auth/v2/logout", "userinfo": "GET /auth/v2/userinfo",
	}
	want["POST logout"] = "POST /auth/v2/logout"
	for _, route := range routes {
		if want[keyOfRoute(route)] != route.Method+" "+route.Path {
			t.Errorf("%s stands at %s %s", route.Name, route.Method, route.Path)
		}
	}
	if len(routes) != len(want) {
		t.Errorf("%d routes", len(routes))
	}
	routes, err = f.auth.Routes(core.Paths{Prefix: "/api/", Login: "/in", Callback: core.Off, Token: core.Off, Device: core.Off, Logout: core.Off, UserInfo: core.Off})
	if err != nil || len(routes) != 1 || routes[0].Path != "/api/in" {
		t.Errorf("%v, %v", routes, err)
	}
	for _, path := range []string{
		"login", "/", "//login", "/login/", "/a//b", "/:login", "/{login}", "/*", "/a b", "/a?b", "/a#b", "/a%2fb", "/../a", "/./a", "/a/..", "/a\\b", "/é", "/a+", "/(a)", "/a\n", "/a;b",
	} {
		if routes, err := f.auth.Routes(core.Paths{Login: path}); err == nil || routes != nil || !strings.Contains(err.Error(), "login") {
			t.Errorf("%q is a path: %v", path, err)
		}
	}
	if _, err := f.auth.Routes(core.Paths{Login: "/same", Callback: "/same", Token: "/same", Prefix: "x"}); err == nil || strings.Count(err.Error(), "\n") != 1 {
		t.Errorf("two faults: %v", err)
	}
}

// FuzzParseRequest: with any query and form a route succeeds or answers a 4xx, and accepts only one value of a field.
func FuzzParseRequest(f *testing.F) {
	const form, multi = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b"
	f.Add("redirect_uri=x", form, "code=c&code_verifier=v")
	f.Add("state=a&state=b", form, "refresh-token=a&refresh_token=b")
	f.Add("code=%zz", multi, "--b\r\nContent-Disposition: form-data; name=\"refresh_token\"\r\n\r\nr\r\n--b--\r\n")
	f.Add(";", multi, "--b\r\nContent-Disposition: form-data; name=\"x\"; filename=\"y\"\r\n\r\nr\r\n--b--\r\n")
	f.Add("%00=\xff", "multipart/form-data", "--b")
	f.Add("post_logout_redirect_uri=//evil.example", "text/plain; charset=\"", "\x00")
	service := flowInMemory(f, &flowMemory{}, nil)
	f.Fuzz(func(t *testing.T, query, contentType, body string) {
		header := http.Header{"Content-Type": {contentType}}
		for name, route := range service.routes {
			request := core.ParseRequest(route.Method, "", query, header, strings.NewReader(body))
			answer := route.Serve(t.Context(), request)
			good := answer.Status >= 400 && answer.Status < 500
			switch name {
			case "login":
				good = good || answer.Status == 302 && strings.HasPrefix(answer.Header.Get("Location"), "https://idp.test/authorize?")
			case "logout":
				good = good || answer.Status == 302 && answer.Header.Get("Location") == "/"
			case "POST logout":
				good = good || answer.Status == 200 && strings.Contains(string(answer.Body), `"logout_url":"/"`)
			case "device":
				good = good || answer.Status == 503
			}
			if !good {
				t.Errorf("%s: %d %s %v", name, answer.Status, answer.Body, answer.Header)
			}
			for _, list := range [][]string{request.Form["refresh_token"], request.Form["refresh-token"]} {
				if name == "token" && len(list) > 1 && answer.Status < 400 {
					t.Errorf("a repeated field: %d", answer.Status)
				}
			}
		}
	})
}
