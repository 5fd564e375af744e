package fiberauth

import (
	"bytes"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/gofiber/fiber/v2"
)

// Everything that reads fasthttp's memory is in this file, and copies: what fiber hands out is another request's a
// moment later.

// authorization returns every Authorization header of the request.
func authorization(c *fiber.Ctx) []string {
	values := c.Request().Header.PeekAll(fiber.HeaderAuthorization)
	copied := make([]string, len(values))
	for i, value := range values {
		copied[i] = trimmed(value)
	}
	return copied
}

// trimmed copies a header's value without the white space around it, of which fasthttp leaves tabs (RFC 9110 section
// 5.5).
func trimmed(value []byte) string { return string(bytes.Trim(value, " \t")) }

// request translates what a route reads.
func request(c *fiber.Ctx) *core.Request {
	header := make(http.Header)
	c.Request().Header.VisitAll(func(name, value []byte) {
		header.Add(string(name), trimmed(value))
	})
	header.Del(fiber.HeaderHost) // as with net/http: a route has no host to believe
	query := string(c.Request().URI().QueryString())
	return core.ParseRequest(string(c.Request().Header.Method()), query, header, bytes.NewReader(c.Request().Body()))
}

// send translates a whole answer. As with net/http, a header replaces what an earlier middleware set; cookies are
// added. fasthttp copies headers and keeps the body by reference: an answer is read-only.
func send(c *fiber.Ctx, answer *core.Response) error {
	header := &c.Response().Header
	for name, values := range answer.Header {
		if name != fiber.HeaderSetCookie {
			header.Del(name)
		}
		for _, value := range values {
			header.Add(name, value)
		}
	}
	return c.Status(answer.Status).Send(answer.Body)
}
