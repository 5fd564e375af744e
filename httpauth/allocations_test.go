package httpauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

// The guard allocates only the context and the request.
func TestAllocations(t *testing.T) {
	contract.Allocations(t, 2, func(_ *testing.T, common *core.Auth) (bare, guarded func(string) int) {
		say := http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})
		mux := http.NewServeMux()
		mux.Handle("GET /bare", say)
		mux.Handle("GET /guarded", httpauth.Wrap(common).Required()(say))
		ask := func(path string) func(string) int {
			request := httptest.NewRequest(http.MethodGet, path, nil)
			return func(authorization string) int {
				request.Header["Authorization"] = []string{authorization}
				answer := httptest.NewRecorder()
				mux.ServeHTTP(answer, request)
				return answer.Code
			}
		}
		return ask("/bare"), ask("/guarded")
	})
}
