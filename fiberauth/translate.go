package fiberauth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unsafe"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/valyala/fasthttp"
)

// All code that reads fasthttp's memory is in this file. fasthttp reuses that memory for the next request, so everything is
// copied, except what a guard reads while it decides. The file knows fasthttp and no fiber: the adapters of both majors have the same
// one, made by go generate from that of fiberauth.

// headerView gives a guard access to the header of one request without copying it. It is valid until Admit returns.
type headerView struct {
	header  *fasthttp.RequestHeader
	anyCase bool      // header names are as the client wrote them
	room    [8]string // space for the values returned; more of them are allocated
	used    int
}

// views pools them: converted to an interface, each one would otherwise be an allocation per request.
var views = sync.Pool{New: func() any { return new(headerView) }}

// admit calls the guard. Admit keeps nothing of the credentials, so they may point into fasthttp's memory.
func admit(ctx context.Context, guard *core.Guard, c *fasthttp.RequestCtx, route string, anyCase bool) core.Decision {
	from := viewOf(c, anyCase)
	defer from.release()
	return guard.Admit(ctx, from.credentials(route))
}

// answer renders an error as a guard would. Answer keeps nothing of the credentials either.
func answer(ctx context.Context, auth *core.Auth, c *fasthttp.RequestCtx, route string, anyCase bool, err error) *core.Response {
	from := viewOf(c, anyCase)
	defer from.release()
	return auth.Answer(ctx, from.credentials(route), err)
}

func viewOf(c *fasthttp.RequestCtx, anyCase bool) *headerView {
	from, _ := views.Get().(*headerView)
	from.header, from.anyCase = &c.Request.Header, anyCase
	return from
}

func (v *headerView) credentials(route string) core.Credentials {
	return core.Credentials{Method: view(v.header.Method()), Target: view(v.header.RequestURI()), Route: route, Header: v}
}

func (v *headerView) release() {
	*v = headerView{}
	views.Put(v)
}

// Values returns strings in fasthttp's memory. fasthttp reuses the list that it returns, so the entries are moved into room.
func (v *headerView) Values(name string) []string {
	values := v.room[v.used:v.used]
	if v.anyCase {
		values = v.appendAnyCase(values, name)
	} else {
		for _, value := range v.header.PeekAll(name) {
			values = append(values, view(trimmed(value)))
		}
	}
	v.used = min(v.used+len(values), len(v.room))
	return values[:len(values):len(values)]
}

// appendAnyCase compares names without case (RFC 9110 section 5.1), which fasthttp does not with DisableHeaderNormalizing.
func (v *headerView) appendAnyCase(values []string, name string) []string {
	visit(v.header, func(key, value []byte) {
		if strings.EqualFold(view(key), name) {
			values = append(values, view(trimmed(value)))
		}
	})
	return values
}

// visit calls f for every header.
func visit(header *fasthttp.RequestHeader, f func(name, value []byte)) {
	header.VisitAll(f) //nolint:staticcheck // its successor All is not in the fasthttp that fiber v2 requires
}

// view returns a string that shares the memory of b.
func view(b []byte) string {
	return unsafe.String(unsafe.SliceData(b), len(b)) //nolint:gosec // the comment at the top of this file says who may keep it
}

// Clone copies the header.
func (v *headerView) Clone() http.Header { return copied(v.header) }

// copied copies a header without Host, as in net/http; Host must not be trusted.
func copied(from *fasthttp.RequestHeader) http.Header {
	header := make(http.Header)
	visit(from, func(name, value []byte) {
		header.Add(string(name), string(trimmed(value)))
	})
	header.Del("Host")
	return header
}

// trimmed removes the white space around a header's value (RFC 9110 section 5.5); fasthttp leaves tabs.
func trimmed(value []byte) []byte { return bytes.Trim(value, " \t") }

// serve answers a route.
func serve(ctx context.Context, c *fasthttp.RequestCtx, route core.Route) {
	from, body := &c.Request.Header, bodyOf(c)
	query := string(c.Request.URI().QueryString())
	answer := route.Serve(ctx, core.ParseRequest(string(from.Method()), string(from.RequestURI()), query, copied(from), body))
	if streamed, isStream := body.(*stream); isStream && !streamed.ended {
		c.SetConnectionClose()
	}
	send(c, answer)
}

// bodyOf returns the body of a POST, nil for other methods. It does not read a streamed body into memory: ParseRequest reads
// at most core.MaxForm of it.
func bodyOf(c *fasthttp.RequestCtx) io.Reader {
	if from := c.RequestBodyStream(); from != nil {
		return &stream{from: from}
	}
	if !c.IsPost() {
		return nil
	}
	if c.Request.Header.ContentLength() > core.MaxForm { // refused unread: Body would rebuild a multipart form
		return bytes.NewReader(make([]byte, core.MaxForm+1))
	}
	return bytes.NewReader(c.Request.Body())
}

// stream is a streamed body (StreamRequestBody). fasthttp does not discard the unread rest of it, and would parse that rest as
// the next request on the connection. So serve closes the connection unless the body was read to its end.
type stream struct {
	from  io.Reader
	ended bool
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.ended = s.ended || errors.Is(err, io.EOF)
	return n, err
}

// refuse sends a guard's refusal. It closes the connection of a streamed body, which nothing will read.
func refuse(c *fasthttp.RequestCtx, refusal *core.Response) {
	if c.RequestBodyStream() != nil {
		c.SetConnectionClose()
	}
	send(c, refusal)
}

// send sends a complete answer. As with net/http, its headers replace those that an earlier middleware set; cookies are added.
// fasthttp copies headers and keeps a reference to the body, so the answer must not be changed afterwards.
func send(c *fasthttp.RequestCtx, answer *core.Response) {
	header := &c.Response.Header
	for name := range answer.Header {
		if name != "Set-Cookie" {
			header.Del(name)
		}
	}
	for name, values := range answer.Header {
		for _, value := range values {
			header.Add(name, value)
		}
	}
	c.SetStatusCode(answer.Status)
	c.Response.SetBodyRaw(answer.Body)
}

// addOnce adds a decision's headers to the answer, as [core.Decision.AddTo] does: a request may pass several guards.
func addOnce(c *fasthttp.RequestCtx, more http.Header) {
	header := &c.Response.Header
	for name, values := range more {
		for _, value := range values {
			isValue := func(there []byte) bool { return string(there) == value }
			if !slices.ContainsFunc(header.PeekAll(name), isValue) {
				header.Add(name, value)
			}
		}
	}
}
