package chiauth_test

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-chi/chi/v5"
	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
)

// The guard allocates only the context and the request.
func TestAllocations(t *testing.T) {
	contract.Allocations(t, 2, func(_ *testing.T, common *core.Auth) (bare, guarded func(string) int) {
		say := func(http.ResponseWriter, *http.Request) {}
		r := chi.NewRouter()
		r.Get("/bare", say)
		r.With(chiauth.Wrap(common).Required()).Get("/guarded", say)
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
