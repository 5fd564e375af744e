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
		copied[i] = string(value)
	}
	return copied
}

// request translates what a route reads.
func request(c *fiber.Ctx) *core.Request {
	header := make(http.Header)
	c.Request().Header.VisitAll(func(name, value []byte) {
		header.Add(string(name), string(value))
	})
	query := string(c.Request().URI().QueryString())
	return core.ParseRequest(string(c.Request().Header.Method()), query, header, bytes.NewReader(c.Request().Body()))
}

// send translates a whole answer; fasthttp copies what it is given.
func send(c *fiber.Ctx, answer *core.Response) error {
	for name, values := range answer.Header {
		for _, value := range values {
			c.Response().Header.Add(name, value)
		}
	}
	return c.Status(answer.Status).Send(answer.Body)
}
