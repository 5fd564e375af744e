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

// Fault is a way in which an endpoint fails. The zero value is none.
type Fault struct {
	serve func(p *Provider, w http.ResponseWriter, r *http.Request, healthy http.HandlerFunc)
	times int // 0: until healed
}

// Fault makes an endpoint fail until Heal, or as often as [Times] says.
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

// fault returns what happens to the next request and counts it; mu is held.
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

// Times is a fault of the next n requests.
func Times(n int, fault Fault) Fault { return Fault{fault.serve, n} }

// instead is a fault that looks at nothing.
func instead(answer func(w http.ResponseWriter)) Fault {
	return Fault{serve: func(_ *Provider, w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) { answer(w) }}
}

// after is a fault in which the endpoint does its work and its answer is changed on the way.
func after(change func(w http.ResponseWriter, answer *httptest.ResponseRecorder)) Fault {
	return Fault{serve: func(_ *Provider, w http.ResponseWriter, r *http.Request, healthy http.HandlerFunc) {
		answer := httptest.NewRecorder()
		healthy(answer, r)
		change(w, answer)
	}}
}

// Refused closes the connection before a byte is answered; the endpoint does nothing.
func Refused() Fault {
	return instead(func(http.ResponseWriter) { panic(http.ErrAbortHandler) }) // net/http's way to cut a connection
}

// Cut closes the connection after the endpoint has done its work: a code is spent and the answer lost.
func Cut() Fault {
	return after(func(http.ResponseWriter, *httptest.ResponseRecorder) { panic(http.ErrAbortHandler) })
}

// Hang answers nothing until the client leaves or the provider ends.
func Hang() Fault {
	return Fault{serve: func(p *Provider, _ http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		select {
		case <-r.Context().Done():
		case <-p.closed:
		}
	}}
}

// CutHalfway answers the first half of the true answer and closes the connection then.
func CutHalfway() Fault {
	return after(func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		send(w, answer, answer.Body.Bytes()[:answer.Body.Len()/2])
		_ = http.NewResponseController(w).Flush() // the client may have left
		panic(http.ErrAbortHandler)
	})
}

// Serve answers by a handler of the test's own, in place of the endpoint's. Its request has its form parsed.
func Serve(handler http.HandlerFunc) Fault {
	return Fault{serve: func(_ *Provider, w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) { handler(w, r) }}
}

// Slow lets an endpoint begin its work d later, unless the client leaves or the provider ends before: then it does
// nothing. [Late] is work that is done, and its answer late.
func Slow(d time.Duration) Fault {
	return Fault{serve: func(p *Provider, w http.ResponseWriter, r *http.Request, healthy http.HandlerFunc) {
		if p.wait(r, d) {
			healthy(w, r)
		}
	}}
}

// wait reports whether the client still waits after d.
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

// Late answers d later than the endpoint has done its work, unless the provider ends before.
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

// Drip sends one byte of JSON each interval, without an end.
func Drip(interval time.Duration) Fault {
	return Fault{serve: func(p *Provider, w http.ResponseWriter, r *http.Request, _ http.HandlerFunc) {
		tick := time.NewTicker(interval)
		defer tick.Stop()
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"x":"`)
		for {
			_ = http.NewResponseController(w).Flush() // the client leaves sooner or later
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

// Status answers a status, with an OAuth error of server_error that names an internal host.
func Status(status int) Fault { return ErrorCode(status, "server_error") }

// ErrorCode answers an OAuth error (RFC 6749 section 5.2) that names an internal host.
func ErrorCode(status int, code string) Fault {
	return Reply(status, "application/json", fmt.Sprintf(`{"error":%q,"error_description":"upstream-secret.internal says no"}`, code))
}

// HTML answers a page where JSON belongs.
func HTML(status int) Fault {
	return Reply(status, "text/html; charset=utf-8", "<html><title>upstream-secret.internal</title></html>")
}

// Truncated answers the first half of the true answer.
func Truncated() Fault {
	return after(func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		send(w, answer, answer.Body.Bytes()[:answer.Body.Len()/2])
	})
}

// Oversized answers the true JSON object with a member of 2 MB more.
func Oversized() Fault {
	return after(func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		object := bytes.TrimSpace(answer.Body.Bytes())
		padding := `,"padding":"` + strings.Repeat("x", 2<<20) + `"}`
		send(w, answer, append(bytes.TrimSuffix(object, []byte("}")), padding...))
	})
}

// WrongContentType answers the true answer as text/plain.
func WrongContentType() Fault {
	return after(func(w http.ResponseWriter, answer *httptest.ResponseRecorder) {
		answer.Header().Set("Content-Type", "text/plain")
		send(w, answer, answer.Body.Bytes())
	})
}

// WrongIssuer puts another issuer into the true discovery document. For tokens and answers to a login there is
// [Provider.Tamper], and the query that [Provider.Approve] returns.
func WrongIssuer() Fault {
	return Fault{serve: func(p *Provider, w http.ResponseWriter, r *http.Request, healthy http.HandlerFunc) {
		answer := httptest.NewRecorder()
		healthy(answer, r)
		send(w, answer, bytes.ReplaceAll(answer.Body.Bytes(), []byte(`"issuer":"`+p.issuer+`"`), []byte(`"issuer":"https://evil.example"`)))
	}}
}

// Redirect answers a redirect (302, 307) to [Elsewhere].
func Redirect(status int) Fault {
	return Fault{serve: func(p *Provider, w http.ResponseWriter, _ *http.Request, _ http.HandlerFunc) {
		w.Header().Set("Location", p.URL(Elsewhere))
		w.WriteHeader(status)
	}}
}

// EmptyKeys answers a key set without keys.
func EmptyKeys() Fault { return Reply(http.StatusOK, "application/json", `{"keys":[]}`) }

// Reply answers whatever is given.
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
	_, _ = w.Write(body) // a client that has gone cannot be told
}
