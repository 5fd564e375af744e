package oidctest

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Endpoint is one of the provider's addresses.
type Endpoint string

// The endpoints.
const (
	Discovery     Endpoint = "discovery"
	JWKS          Endpoint = "jwks"
	Authorization Endpoint = "authorization"
	Token         Endpoint = "token"
	UserInfo      Endpoint = "userinfo"
	Device        Endpoint = "device"
	DevicePage    Endpoint = "device page"
	Introspection Endpoint = "introspection"
	Revocation    Endpoint = "revocation"
	EndSession    Endpoint = "end session"
)

// Target is a kind of content that [Provider.Tamper] changes.
type Target string

// The kinds of content.
const (
	IDTokens             Target = "id tokens"
	AccessTokens         Target = "access tokens"
	TokenAnswers         Target = "token answers"
	DeviceAnswers        Target = "device answers"
	UserInfoAnswers      Target = "userinfo answers"
	DiscoveryDocuments   Target = "discovery documents"
	JWKSDocuments        Target = "jwks documents"
	IntrospectionAnswers Target = "introspection answers"

	errorAnswers Target = "error answers"
)

// Tamper lets a function change the claims or members of everything of this kind before it is signed or sent; a claim
// set to nil is left out of tokens. nil ends it. The function may be called by several requests at once.
func (p *Provider) Tamper(target Target, change func(Claims)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.tampers[target] = change
}

func (p *Provider) tamper(target Target, body Claims) {
	p.mu.Lock()
	change := p.tampers[target]
	p.mu.Unlock()
	if change != nil {
		change(body)
	}
}

// Fault is a way in which an endpoint fails. The zero value is none.
type Fault struct {
	serve func(p *Provider, w http.ResponseWriter, r *http.Request) bool // false: go on as usual
}

// Fault makes an endpoint fail until Heal.
func (p *Provider) Fault(endpoint Endpoint, fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[endpoint] = fault
}

// Heal ends the faults of the endpoints; of all without an argument.
func (p *Provider) Heal(endpoints ...Endpoint) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(endpoints) == 0 {
		clear(p.faults)
	}
	for _, endpoint := range endpoints {
		delete(p.faults, endpoint)
	}
}

// Refused closes the connection before a byte is answered.
func Refused() Fault {
	return Fault{func(*Provider, http.ResponseWriter, *http.Request) bool {
		panic(http.ErrAbortHandler) // net/http's way to cut a connection
	}}
}

// Hang answers nothing until the client leaves or the provider ends.
func Hang() Fault {
	return Fault{func(p *Provider, _ http.ResponseWriter, r *http.Request) bool {
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
		return true
	}}
}

// Drip sends one byte of JSON each interval, without an end.
func Drip(interval time.Duration) Fault {
	return Fault{func(p *Provider, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"x":"`))
		for {
			_ = http.NewResponseController(w).Flush() // the client leaves sooner or later
			select {
			case <-r.Context().Done():
				return true
			case <-p.closed:
				return true
			case <-time.After(interval):
				_, _ = w.Write([]byte("x"))
			}
		}
	}}
}

// Status answers a status with a body of JSON that names an internal host.
func Status(status int) Fault {
	return Reply(status, "application/json", `{"error":"server_error","error_description":"upstream-secret.internal failed"}`)
}

// ErrorCode answers an OAuth error (RFC 6749 section 5.2).
func ErrorCode(status int, code string) Fault {
	return Reply(status, "application/json", fmt.Sprintf(`{"error":%q,"error_description":"upstream-secret.internal says no"}`, code))
}

// HTML answers a page where JSON belongs.
func HTML(status int) Fault {
	return Reply(status, "text/html; charset=utf-8", "<html><title>upstream-secret.internal</title></html>")
}

// Truncated answers JSON that ends in the middle.
func Truncated() Fault {
	return Reply(http.StatusOK, "application/json", `{"access_token":"upstream-secr`)
}

// Oversized answers 2 MB of JSON.
func Oversized() Fault {
	return Reply(http.StatusOK, "application/json", `{"x":"`+strings.Repeat("x", 2<<20)+`"}`)
}

// WrongContentType answers what the endpoint says, as text.
func WrongContentType() Fault {
	return Fault{func(p *Provider, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(`{}`))
		return true
	}}
}

// Redirect answers a redirect (302, 307) to a loopback address where nobody listens.
func Redirect(status int) Fault {
	return Fault{func(_ *Provider, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Location", "http://127.0.0.1:1/upstream-secret")
		w.WriteHeader(status)
		return true
	}}
}

// EmptyKeys answers a key set without keys.
func EmptyKeys() Fault { return Reply(http.StatusOK, "application/json", `{"keys":[]}`) }

// WrongIssuer answers a discovery document of another issuer.
func WrongIssuer() Fault {
	return Fault{func(p *Provider, w http.ResponseWriter, r *http.Request) bool {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"issuer":"https://evil.example","jwks_uri":%q,"token_endpoint":%q}`, p.issuer+"/jwks", p.issuer+"/token")
		return true
	}}
}

// Reply answers whatever is given.
func Reply(status int, contentType, body string) Fault {
	return Fault{func(_ *Provider, w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
		return true
	}}
}

func queryEscape(text string) string { return url.QueryEscape(text) }
