package fiberauth

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
	"github.com/valyala/fasthttp"
)

// Everything that reads fasthttp's memory is in this file. What fiber hands out is another request's a moment later, so all
// of it is copied, but for what a guard looks at while it decides.

// headerView is the header of one request as a guard reads it, without a copy: it is good until Admit returns.
type headerView struct {
	header  *fasthttp.RequestHeader
	anyCase bool      // names stand as the client wrote them
	room    [8]string // the values that were asked for; more of them are allocated
	used    int
}

// views keeps them: whatever goes through an interface would otherwise be allocated for each request.
var views = sync.Pool{New: func() any { return new(headerView) }}

// admit asks a guard about a request. Admit keeps nothing of the credentials, so they may be views.
func admit(ctx context.Context, guard *core.Guard, c *fiber.Ctx) core.Decision {
	view, _ := views.Get().(*headerView)
	defer view.release()
	view.header, view.anyCase = &c.Request().Header, c.App().Server().DisableHeaderNamesNormalizing
	return guard.Admit(ctx, core.Credentials{
		Method: utils.UnsafeString(view.header.Method()),
		Target: utils.UnsafeString(view.header.RequestURI()),
		Route:  c.Route().Path,
		Header: view,
	})
}

func (v *headerView) release() {
	*v = headerView{}
	views.Put(v)
}

// Values returns views. The list that fasthttp gives is used again for the next name, so what is in it moves into the room.
func (v *headerView) Values(name string) []string {
	values := v.room[v.used:v.used]
	if v.anyCase {
		values = v.appendAnyCase(values, name)
	} else {
		for _, value := range v.header.PeekAll(name) {
			values = append(values, view(value))
		}
	}
	v.used = min(v.used+len(values), len(v.room))
	return values[:len(values):len(values)]
}

// appendAnyCase compares names without case (RFC 9110 section 5.1), which fasthttp does not under DisableHeaderNormalizing.
func (v *headerView) appendAnyCase(values []string, name string) []string {
	v.header.VisitAll(func(key, value []byte) {
		if strings.EqualFold(utils.UnsafeString(key), name) {
			values = append(values, view(value))
		}
	})
	return values
}

func view(value []byte) string { return utils.UnsafeString(trimmed(value)) }

// Clone copies the header.
func (v *headerView) Clone() http.Header { return copied(v.header) }

// copied copies a header. As with net/http there is no Host in it: nobody has one to believe.
func copied(from *fasthttp.RequestHeader) http.Header {
	header := make(http.Header)
	from.VisitAll(func(name, value []byte) {
		header.Add(string(name), string(trimmed(value)))
	})
	header.Del(fiber.HeaderHost)
	return header
}

// trimmed leaves out the white space around a header's value, of which fasthttp leaves tabs (RFC 9110 section 5.5).
func trimmed(value []byte) []byte { return bytes.Trim(value, " \t") }

// serve answers a route.
func serve(c *fiber.Ctx, route core.Route) error {
	from, body := &c.Request().Header, bodyOf(c)
	query := string(c.Request().URI().QueryString())
	answer := route.Serve(c.UserContext(), core.ParseRequest(string(from.Method()), string(from.RequestURI()), query, copied(from), body))
	if streamed, isStream := body.(*stream); isStream && !streamed.ended {
		c.Context().SetConnectionClose()
	}
	return send(c, answer)
}

// bodyOf is the body of a POST; no other method's is looked at. One that fiber streams is not drawn into memory: ParseRequest
// reads it up to core.MaxForm.
func bodyOf(c *fiber.Ctx) io.Reader {
	if from := c.Context().RequestBodyStream(); from != nil {
		return &stream{from: from}
	}
	if !c.Context().IsPost() {
		return nil
	}
	if c.Request().Header.ContentLength() > core.MaxForm { // refused without a look: Body puts a multipart form together again
		return bytes.NewReader(make([]byte, core.MaxForm+1))
	}
	return bytes.NewReader(c.Request().Body())
}

// stream is the body of a request that fiber streams (StreamRequestBody). What is left of it when the answer goes out would be
// taken for the connection's next request: fasthttp does not read it away. So the connection ends with the answer, unless
// the body was read to its end.
type stream struct {
	from  io.Reader
	ended bool
}

func (s *stream) Read(p []byte) (int, error) {
	n, err := s.from.Read(p)
	s.ended = s.ended || errors.Is(err, io.EOF)
	return n, err
}

// refuse answers for a guard. Nobody will read the body.
func refuse(c *fiber.Ctx, refusal *core.Response) error {
	if c.Context().RequestBodyStream() != nil {
		c.Context().SetConnectionClose()
	}
	return send(c, refusal)
}

// send translates a whole answer. As with net/http, a header replaces what an earlier middleware set; cookies are
// added. fasthttp copies headers and keeps the body by reference: an answer is read-only.
func send(c *fiber.Ctx, answer *core.Response) error {
	header := &c.Response().Header
	for name := range answer.Header {
		if name != fiber.HeaderSetCookie {
			header.Del(name)
		}
	}
	addTo(c, answer.Header)
	return c.Status(answer.Status).Send(answer.Body)
}

// addTo adds to the header of the answer.
func addTo(c *fiber.Ctx, more http.Header) {
	for name, values := range more {
		for _, value := range values {
			c.Response().Header.Add(name, value)
		}
	}
}
