package fiberauth

import (
	"bytes"
	"net/http"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/gofiber/fiber/v2"
	"github.com/gofiber/fiber/v2/utils"
)

// Everything that reads fasthttp's memory is in this file. What fiber hands out is another request's a moment later, so all
// but one of these functions copy.

// appendAuthorization appends every Authorization header of the request, as views: they are good for as long as the handler
// runs, and Admit keeps nothing of them.
func appendAuthorization(values []string, c *fiber.Ctx) []string {
	for _, value := range c.Request().Header.PeekAll(fiber.HeaderAuthorization) {
		values = append(values, utils.UnsafeString(trimmed(value)))
	}
	return values
}

// trimmed leaves out the white space around a header's value, of which fasthttp leaves tabs (RFC 9110 section 5.5).
func trimmed(value []byte) []byte { return bytes.Trim(value, " \t") }

// request translates what a route reads.
func request(c *fiber.Ctx) *core.Request {
	header := make(http.Header)
	c.Request().Header.VisitAll(func(name, value []byte) {
		header.Add(string(name), string(trimmed(value)))
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
