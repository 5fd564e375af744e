package oidctest

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"
)

// Fault is a way in which an endpoint fails, for [Provider.Fault]. The functions that return a Fault make one. It lasts until
// [Provider.Heal], or for as many requests as [Times] says. The zero value is no fault.
type Fault struct {
	serve func(p *Provider, w http.ResponseWriter, r *http.Request, healthy http.HandlerFunc)
	times int // 0: until healed
}

// Fault makes an endpoint fail until [Provider.Heal], or for as many requests as [Times] says. It replaces the fault that the endpoint had.
// Failed requests also count in [Provider.Hits].
func (p *Provider) Fault(endpoint Endpoint, fault Fault) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.faults[endpoint] = fault
}

// Heal removes the faults of these endpoints; without an argument, those of all endpoints.
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

// fault returns the fault of the next request and counts it. The caller holds mu.
func (p *Provider) fault(endpoint Endpoint) Fault {
	fault := p.faults[endpoint]
	switch {
	case fault.times == 1:
		delete(p.faults, endpoint)
	case fault.times > 1:
		p.faults[endpoint] = Fault{fault.serve, fault.times - 1}
	}
	return fault
}

// Times limits a fault to the next n requests of the endpoint. If n is below 1, the fault has no limit.
func Times(n int, fault Fault) Fault { return Fault{fault.serve, n} }

// instead makes a fault that answers without looking at the request.
func instead(answer func(w http.ResponseWriter)) Fault {
	return Fault{serve: func(_ *Provider, w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) { answer(w) }}
}

// after makes a fault that lets the endpoint do its work and then changes its answer.
func after(change func(w http.ResponseWriter, answer *httptest.ResponseRecorder)) Fault {
	return Fault{serve: func(_ *Provider, w http.ResponseWriter, r *http.Request, healthy http.HandlerFunc) {
		answer := httptest.NewRecorder()
		healthy(answer, r)
		change(w, answer)
	}}
}

// Refused closes the connection without an answer; the endpoint does nothing.
func Refused() Fault {
	return instead(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }) // net/http's way to cut a connection
}

// Cut lets the endpoint do its work and then closes the connection without an answer. At the token endpoint, for example, the code is used
// up and the tokens are lost.
func Cut() Fault {
	return after(func(http.ResponseWriter, *httptest.ResponseRecorder) { panic(http.ErrAbortHandler) })
}

// Hang does not answer until the client disconnects or the provider is closed.
func Hang() Fault {
	return Fault{serve: func(p *Provider, _ http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
	}}
}

// CutHalfway sends the first half of the real answer and then closes the connection.
func CutHalfway() Fault {
	return after(func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		send(w, answer, answer.Body.Bytes()[:answer.Body.Len()/2])
		_ = http.NewResponseController(w).Flush() // the client may have disconnected
		panic(http.ErrAbortHandler)
	})
}

// Serve replaces the endpoint with a handler of the test. The form of its request is already parsed. The handler may be called
// concurrently.
func Serve(handler http.HandlerFunc) Fault {
	return Fault{serve: func(_ *Provider, w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) { handler(w, r) }}
}

// Slow delays the work of an endpoint by d. If the client disconnects in this time, or the provider is closed, the endpoint does nothing.
// [Late] delays only the answer.
func Slow(d time.Duration) Fault {
	return Fault{serve: func(p *Provider, w http.ResponseWriter, r *http.Request, healthy http.HandlerFunc) {
		if p.wait(r, d) {
			healthy(w, r)
		}
	}}
}

// wait reports whether the client is still connected after d.
func (p *Provider) wait(r *http.Request, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-r.Context().Done():
	case <-p.closed:
	}
	return false
}

// Late lets the endpoint do its work and delays the answer by d, or until the provider is closed.
func Late(d time.Duration) Fault {
	return Fault{serve: func(p *Provider, w http.ResponseWriter, r *http.Request, healthy http.HandlerFunc) {
		answer := httptest.NewRecorder()
		healthy(answer, r)
		timer := time.NewTimer(d)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-p.closed:
		}
		maps.Copy(w.Header(), answer.Header())
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes()) // the client may have left
	}}
}

// Drip sends a JSON answer that never ends, one byte per interval, until the client disconnects or the provider is closed. interval must be
// above 0.
func Drip(interval time.Duration) Fault {
	return Fault{serve: func(p *Provider, w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"x":"`)
		for {
			_ = http.NewResponseController(w).Flush() // an error only means that the client has disconnected
			select {
			case <-r.Context().Done():
				return
			case <-p.closed:
				return
			case <-tick.C:
				_, _ = io.WriteString(w, "x")
			}
		}
	}}
}

// Status answers with an HTTP status and the OAuth error server_error. The description names an internal host, so that a test can check
// that the text does not reach users.
func Status(status int) Fault { return ErrorCode(status, "server_error") }

// ErrorCode answers with an HTTP status and an OAuth error code (RFC 6749 section 5.2). The description names an internal host, as in
// [Status].
func ErrorCode(status int, code string) Fault {
	return Reply(status, "application/json", fmt.Sprintf(`{"error":%q,"error_description":"upstream-secret.internal says no"}`, code))
}

// HTML answers with an HTTP status and an HTML page instead of JSON. The page names an internal host, as in [Status].
func HTML(status int) Fault {
	return Reply(status, "text/html; charset=utf-8", "<html><title>upstream-secret.internal</title></html>")
}

// Truncated answers with the first half of the real answer, as if it were complete.
func Truncated() Fault {
	return after(func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		send(w, answer, answer.Body.Bytes()[:answer.Body.Len()/2])
	})
}

// Oversized answers with the real JSON object and an additional member, padding, of 2 MiB.
func Oversized() Fault {
	return after(func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		object := bytes.TrimSpace(answer.Body.Bytes())
		padding := `,"padding":"` + strings.Repeat("x", 2<<20) + `"}`
		send(w, answer, append(bytes.TrimSuffix(object, []byte("}")), padding...))
	})
}

// WrongContentType sends the real answer as text/plain.
func WrongContentType() Fault {
	return after(func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		answer.Header().Set("Content-Type", "text/plain")
		send(w, answer, answer.Body.Bytes())
	})
}

// WrongIssuer replaces the issuer in the discovery document with https://evil.example. It is for [Discovery]. For another issuer in tokens,
// use [Provider.Tamper]; in authorization responses, change the query of the URL that [Provider.Approve] returns.
func WrongIssuer() Fault {
	return Fault{serve: func(p *Provider, w http.ResponseWriter, r *http.Request, healthy http.HandlerFunc) {
		answer := httptest.NewRecorder()
		healthy(answer, r)
		send(w, answer, bytes.ReplaceAll(answer.Body.Bytes(), []byte(`"issuer":"`+p.issuer+`"`), []byte(`"issuer":"https://evil.example"`)))
	}}
}

// Redirect redirects to [Elsewhere] with the given status, such as 302 or 307. [Provider.Hits] of Elsewhere shows whether a client follows.
func Redirect(status int) Fault {
	return Fault{serve: func(p *Provider, w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Location", p.URL(Elsewhere))
		w.WriteHeader(status)
	}}
}

// EmptyKeys answers with a key set without keys. It is for [JWKS].
func EmptyKeys() Fault { return Reply(http.StatusOK, "application/json", `{"keys":[]}`) }

// Reply answers with an HTTP status, a content type and a body.
func Reply(status int, contentType, body string) Fault {
	return instead(func(w http.ResponseWriter) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	})
}

func send(w http.ResponseWriter, answer *httptest.ResponseRecorder, body []byte) {
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.WriteHeader(answer.Code)
	_, _ = w.Write(body) // an error only means that the client has disconnected
}
