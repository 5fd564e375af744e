package oidctest

import (
	"net"
	"net/http"
	"strings"
)

// routes returns the provider's handler; every endpoint is counted and may have a fault.
func (p *Provider) routes() http.Handler {
	mux := http.NewServeMux()
	for _, route := range []struct {
		pattern  string
		endpoint Endpoint
		handler  http.HandlerFunc
		off      bool
	}{
		{"GET /.well-known/openid-configuration", Discovery, p.discovery, false},
		{"GET /jwks", JWKS, p.jwks, false},
		{"GET /authorize", Authorization, p.authorizePage, false},
		{"POST /authorize", Authorization, p.authorizePost, false},
		{"POST /token", Token, p.token, false},
		{"GET /userinfo", UserInfo, p.userInfo, p.set.noUserInfo},
		{"POST /userinfo", UserInfo, p.userInfo, p.set.noUserInfo},
		{"POST /device_authorization", Device, p.deviceStart, p.set.noDevice},
		{"GET /device", DevicePage, p.devicePage, p.set.noDevice},
		{"POST /device", DevicePage, p.deviceAnswer, p.set.noDevice},
		{"POST /introspect", Introspection, p.introspect, false},
		{"POST /par", PushedRequests, p.push, !p.set.pushed},
		{"POST /revoke", Revocation, p.revoke, p.set.noRevocation},
		{"GET /logout", EndSession, p.endSession, p.set.noEndSession},
		{"POST /logout", EndSession, p.endSession, p.set.noEndSession},
		{"GET /elsewhere", Elsewhere, http.NotFound, false},
		{"POST /elsewhere", Elsewhere, http.NotFound, false},
	} {
		if route.off {
			continue
		}
		handler := p.observe(route.endpoint, route.handler)
		if route.endpoint == DevicePage { // the authorization endpoint takes requests of other sites
			handler = p.pages.Handler(handler)
		}
		method, path, _ := strings.Cut(route.pattern, " ")
		mux.Handle(method+" "+p.set.path+path, handler)
	}
	return mux
}

// URL returns the address of an endpoint. The endpoint exists unless an option has removed it.
func (p *Provider) URL(endpoint Endpoint) string { return p.issuer + paths[endpoint] }

// maxForm is the largest request body in bytes.
const maxForm = 256 << 10

func (p *Provider) observe(endpoint Endpoint, handler http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		_ = r.ParseForm() // malformed parameters count as missing
		p.mu.Lock()
		p.hits[endpoint]++
		p.record(endpoint, Recorded{Method: r.Method, Header: r.Header.Clone(), Query: r.URL.Query(), Form: cloneValues(r.PostForm)})
		fault := p.fault(endpoint)
		p.mu.Unlock()
		switch {
		case !p.isOwnHost(r.Host): // DNS rebinding: a foreign name that points to loopback
			http.Error(w, "not this provider's address", http.StatusMisdirectedRequest)
		case fault.serve != nil:
			fault.serve(p, w, r, handler)
		default:
			handler(w, r)
		}
		if (endpoint == Token || endpoint == Revocation || endpoint == EndSession) && p.save() != nil {
			panic(http.ErrAbortHandler) // do not hand out what could not be saved
		}
	})
}

func (p *Provider) isOwnHost(host string) bool {
	if p.set.issuer != "" {
		_, own, _ := strings.Cut(strings.TrimSuffix(p.issuer, p.set.path), "://")
		return host == own
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return name == "localhost" || ip != nil && ip.IsLoopback()
}
