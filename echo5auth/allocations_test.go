//go:build !race

// Under the race detector sync.Pool drops some of its objects at random.

package echo5auth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/echo5auth"
	"github.com/labstack/echo/v5"
)

// The guard allocates only the context and the request.
func TestAllocations(t *testing.T) {
	contract.Allocations(t, 2, func(_ *testing.T, common *core.Auth) (bare, guarded func(string) int) {
		say := func(*echo.Context) error { return nil }
		r := echo.New()
		r.GET("/bare", say)
		r.GET("/guarded", say, echo5auth.Wrap(common).Required())
		ask := func(path string) func(string) int {
			request := httptest.NewRequest(http.MethodGet, path, nil)
			return func(authorization string) int {
				request.Header["Authorization"] = []string{authorization}
				answer := httptest.NewRecorder()
				r.ServeHTTP(answer, request)
				return answer.Code
			}
		}
		return ask("/bare"), ask("/guarded")
	})
}
