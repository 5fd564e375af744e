package contract

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// sessionAnswer is an answer that an application makes once and returns for many requests.
var sessionAnswer = &core.Response{
	Status: http.StatusSeeOther,
	Header: http.Header{
		"Location":     {"/home?a=b&c=d"},
		"Content-Type": {"text/html; charset=utf-8"},
		"Set-Cookie":   {"session=1; Path=/; HttpOnly", "theme=\"dark blue\"; Path=/a; Max-Age=5", "session=2; Path=/b"},
		"X-Custom":     {"one", "two"},
	},
	Body: []byte("<p>in</p>\x00\n"),
}

func sessionWant(headers ...string) string {
	return whole(http.StatusSeeOther, "<p>in</p>\x00\n", append(headers, "Location: /home?a=b&c=d", "Content-Type: text/html; charset=utf-8",
		"Set-Cookie: session=1; Path=/; HttpOnly", "Set-Cookie: theme=\"dark blue\"; Path=/a; Max-Age=5", "Set-Cookie: session=2; Path=/b",
		"X-Custom: one", "X-Custom: two")...)
}

func testHooks(t *testing.T, a setup) {
	t.Run("OnLogin", func(t *testing.T) {
		var got *core.Request
		var caller *core.IDToken
		custom := true
		s := a.open(t, plan{config: func(cfg *core.Config) {
			cfg.OnLogin = func(_ context.Context, request *core.Request, token *core.Token) *core.Response {
				got, caller = request, token.Caller()
				if custom {
					return sessionAnswer
				}
				return nil
			}
		}})
		for range 2 {
			query, cookies := s.begin(ownCallback, "alice")
			query.Set("extra", "a b")
			s.get(callback+"?"+query.Encode(), "Cookie: "+cookies, "X-Seen: one", "X-Seen: two").is(sessionWant(noReferrer, noCookie))
			if got.Method != http.MethodGet || got.Query.Get("extra") != "a b" || len(got.Form) != 0 || got.Header.Get("Cookie") != cookies || got.Header.Get("Host") != "" ||
				!slices.Equal(got.Header.Values("x-seen"), []string{"one", "two"}) || caller.Subject() != "alice" {
				t.Errorf("OnLogin got %+v and %v", got, caller)
			}
		}
		custom = false
		query, cookies := s.begin(ownCallback, "alice")
		s.comeBack(query, cookies).is(tokenAnswer(noReferrer, noCookie))
	})
	t.Run("OnError", func(t *testing.T) { onError(t, a) })
}

func onError(t *testing.T, a setup) {
	var asked *core.Request
	s := a.open(t, plan{
		config: func(cfg *core.Config) {
			cfg.OnError = func(_ context.Context, request *core.Request, refusal *core.Error) *core.Response {
				asked = request
				if refusal.Status == http.StatusForbidden {
					return nil
				}
				return sessionAnswer
			}
		},
		build: func(app App) {
			standard(t, app)
			app.Get("/route", who, Required(core.Scopes("x")))
			app.Group("/group", Required()).Get("/x", who)
		},
	})
	for _, path := range []string{"/me", "/route?a=b%20c", "/group/x?a=b", userInfo, login, login + "?%zz"} {
		s.get(path, "X-Seen: one", "X-Seen: two").is(sessionWant())
		if asked.Method != http.MethodGet || asked.Target != path || asked.Header.Get("Host") != "" || !slices.Equal(asked.Header.Values("X-Seen"), []string{"one", "two"}) {
			t.Errorf("OnError got %+v, want the request of %s", asked, path)
		}
	}
	s.get(callback).is(sessionWant(noReferrer))
	s.post(token, nil).is(sessionWant())
	s.get("/route", s.bearer("alice")).is(lacksScopes("x", "x"))

	query, cookies := s.begin(ownCallback, "alice")
	s.idp.Fault(oidctest.Token, oidctest.Refused())
	s.comeBack(query, cookies).is(sessionWant(noReferrer, noCookie))
	s.get(callback).is(sessionWant(noReferrer)) // the shared answer is unchanged

	t.Run("built on the default", func(t *testing.T) {
		s := a.open(t, plan{config: func(cfg *core.Config) {
			cfg.OnError = func(_ context.Context, _ *core.Request, refusal *core.Error) *core.Response {
				answer := refusal.Response()
				answer.Body = []byte("no")
				return answer
			}
		}})
		s.get("/me").is(jsonWith(http.StatusUnauthorized, "no", challenge))
		s.get(login).is(jsonWith(http.StatusBadRequest, "no"))
	})
	t.Run("an empty answer", func(t *testing.T) {
		s := a.open(t, plan{config: func(cfg *core.Config) {
			cfg.OnError = func(context.Context, *core.Request, *core.Error) *core.Response {
				return &core.Response{Status: http.StatusNoContent}
			}
		}})
		s.get("/me").is(whole(http.StatusNoContent, ""))
		s.get(login).is(whole(http.StatusNoContent, ""))
	})
	t.Run("the context of the request", func(t *testing.T) {
		ctxErr := errors.New("not called")
		s := a.open(t, plan{config: func(cfg *core.Config) {
			cfg.OnError = func(ctx context.Context, _ *core.Request, _ *core.Error) *core.Response {
				ctxErr = ctx.Err()
				return nil
			}
		}})
		s.get("/me").is(noCredentials())
		if ctxErr != nil {
			t.Errorf("the context has ended: %v", ctxErr)
		}
	})
}

// testOtherMiddlewares: this library replaces headers that the application has set before if it sets them too, and keeps the
// others. It adds its cookies to those of the application.
func testOtherMiddlewares(t *testing.T, a setup) {
	s := a.open(t, plan{build: func(app App) {
		app.Before(http.Header{"Cache-Control": {"public"}, "Content-Type": {"text/plain"}, "Vary": {"Origin"}, "Set-Cookie": {"app=1"}})
		standard(t, app)
	}})
	kept := []string{"Vary: Origin", "Set-Cookie: app=1"}
	s.get("/me").is(refused(http.StatusUnauthorized, "invalid_request", "Not authenticated", append(kept, challenge)...))
	s.get(login).is(refused(http.StatusBadRequest, "invalid_request", "Missing redirect_uri", kept...))
	s.get(userInfo, s.bearer("alice")).is(jsonWith(http.StatusOK,
		`{"username":"alice","last_name":"Adams","first_name":"Alice","pw_name":"alice","email":"alice@example.org"}`, kept...))
	s.get(loginQuery("redirect_uri", ownCallback)).is(moved(s.idp.URL(oidctest.Authorization)+"?client_id=app&code_challenge=…&code_challenge_method=S256&nonce=…&"+
		"redirect_uri="+url.QueryEscape(ownCallback)+"&response_type=code&scope=openid+profile+email&state=…", append(kept, newCookie, "Content-Type: text/plain")...))
}
