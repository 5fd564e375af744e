//go:build !race

// Under the race detector sync.Pool drops some of its objects at random.

package ginauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/gin-gonic/gin"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

// The guard allocates only the context and the request.
func TestAllocations(t *testing.T) {
	contract.Allocations(t, 2, func(_ *testing.T, common *core.Auth) (bare, guarded func(string) int) {
		gin.SetMode(gin.TestMode)
		say := func(*gin.Context) {}
		r := gin.New()
		r.GET("/bare", say)
		r.GET("/guarded", ginauth.Wrap(common).Required(), say)
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
