//go:build !race

// Under the race detector sync.Pool drops some of its objects at random.

package fiber3auth_test

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/fiber3auth"
	"github.com/gofiber/fiber/v3"
	"github.com/valyala/fasthttp"
)

// The guard allocates only the two contexts: that of c.Context(), and the value of the request.
func TestAllocations(t *testing.T) {
	contract.Allocations(t, 2, func(_ *testing.T, common *core.Auth) (bare, guarded func(string) int) {
		say := func(fiber.Ctx) error { return nil }
		app := fiber.New()
		app.Get("/bare", say)
		app.Get("/guarded", fiber3auth.Wrap(common).Required(), say)
		serve := app.Handler()
		ask := func(path string) func(string) int {
			var ctx fasthttp.RequestCtx
			return func(authorization string) int {
				ctx.Request.Reset()
				ctx.Response.Reset()
				ctx.ResetUserValues()
				ctx.Request.Header.SetMethod(fiber.MethodGet)
				ctx.Request.SetRequestURI(path)
				ctx.Request.Header.Set("Authorization", authorization)
				serve(&ctx)
				return ctx.Response.StatusCode()
			}
		}
		return ask("/bare"), ask("/guarded")
	})
}
