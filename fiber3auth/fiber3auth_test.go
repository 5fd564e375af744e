package fiber3auth_test

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/oidctest/contract"
	"github.com/go-oidc-auth/oidcauth/fiber3auth"
	"github.com/gofiber/fiber/v3"
	"github.com/gofiber/fiber/v3/middleware/adaptor"
	"github.com/gofiber/fiber/v3/middleware/timeout"
	"github.com/valyala/fasthttp"
)

func open(t *testing.T) (*oidctest.Provider, *fiber3auth.Auth) {
	t.Helper()
	idp := oidctest.NewProvider(t)
	auth, err := fiber3auth.New(idp.Config())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = auth.Close() }) // it always returns nil
	return idp, auth
}

// serve serves the application and returns its base URL.
func serve(t *testing.T, app *fiber.App) string {
	t.Helper()
	listener := contract.Listen(t)
	go func() { _ = app.Listener(listener, fiber.ListenConfig{DisableStartupMessage: true}) }() // it ends with Shutdown
	t.Cleanup(func() { _ = app.Server().Shutdown() })
	return "http://" + listener.Addr().String()
}

// request sends a GET and returns the status and the body. authorization is the header, "" for none.
func request(t *testing.T, address, authorization string) (status int, body string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if authorization != "" {
		request.Header.Set("Authorization", authorization)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }() // it was only read
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// name is what the handlers below answer: the caller whom a context has.
func name(ctx context.Context) string {
	if token := core.IDTokenFrom(ctx); token != nil {
		return token.Subject()
	}
	return "guest"
}

// handlers are the handlers that fiber takes, each with the context that it has.
var handlers = map[string]any{
	"/getter":   func(c fiber.Ctx) error { return c.SendString(cmp.Or(fiber3auth.IDToken(c).Subject(), "guest")) },
	"/context":  func(c fiber.Ctx) error { return c.SendString(name(c.Context())) },
	"/c":        func(c fiber.Ctx) error { return c.SendString(name(c)) },
	"/derived":  func(c fiber.Ctx) error { return c.SendString(name(context.WithoutCancel(c))) },
	"/fasthttp": fasthttp.RequestHandler(func(c *fasthttp.RequestCtx) { c.Response.SetBodyString(name(c)) }),
	"/nethttp":  netHTTP,
	"/adapted":  adaptor.HTTPHandlerFunc(netHTTP),
	"/with": adaptor.HTTPHandlerWithContext(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if ctx, ok := adaptor.LocalContextFromHTTPRequest(r); ok {
			_, _ = io.WriteString(w, name(ctx))
		}
	})),
	"/timeout": timeout.New(func(c fiber.Ctx) error { return c.SendString(name(c.Context()) + name(c)) }, timeout.Config{Timeout: time.Minute}),
}

func netHTTP(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, name(r.Context())) }

// Every kind of handler sees the caller, by each of the contexts of a request; and the next request on the connection does not.
func TestEveryContext(t *testing.T) {
	idp, auth := open(t)
	app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10})
	guarded := app.Group("/guarded", auth.Required())
	for path, handler := range handlers {
		guarded.Get(path, handler)
		app.Get("/alone"+path, auth.Required(), handler)
		app.Get("/free"+path, handler)
	}
	base := serve(t, app)
	for path := range handlers {
		alice, guest := "alice", "guest"
		if path == "/timeout" { // it shows two contexts
			alice, guest = alice+alice, guest+guest
		}
		for _, before := range []string{"/guarded", "/alone"} {
			if status, body := request(t, base+before+path, idp.Bearer("alice")); status != http.StatusOK || body != alice {
				t.Errorf("%s%s: %d %s", before, path, status, body)
			}
			if status, body := request(t, base+"/free"+path, ""); status != http.StatusOK || body != guest {
				t.Errorf("/free%s after %s: %d %s", path, before, status, body)
			}
		}
	}
}

// The caller of the innermost guard counts, in both contexts, also if it is a guest.
func TestInnermostGuard(t *testing.T) {
	idp, auth := open(t)
	app := fiber.New(fiber.Config{ReadBufferSize: 16 << 10})
	both := func(c fiber.Ctx) error { return c.SendString(name(c.Context()) + " " + name(c)) }
	app.Get("/guest", auth.Required(), auth.Optional(core.Roles("nobody has it")), both)
	app.Get("/caller", auth.Optional(core.Roles("nobody has it")), auth.Required(), both)
	base := serve(t, app)
	for path, want := range map[string]string{"/guest": "guest guest", "/caller": "alice alice"} {
		if status, body := request(t, base+path, idp.Bearer("alice")); status != http.StatusOK || body != want {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// customCtx is a context of the application's own.
type customCtx struct{ *fiber.DefaultCtx }

func TestCustomContext(t *testing.T) {
	idp, auth := open(t)
	app := fiber.NewWithCustomCtx(func(app *fiber.App) fiber.CustomCtx {
		return &customCtx{fiber.NewDefaultCtx(app)}
	}, fiber.Config{ReadBufferSize: 16 << 10})
	app.Get("/me", auth.Handle(func(c fiber.Ctx, token *core.IDToken) error {
		_, ok := c.(*customCtx)
		if !ok || core.IDTokenFrom(c) != token {
			return c.SendStatus(http.StatusTeapot)
		}
		return c.SendString(token.Subject())
	}))
	if status, body := request(t, serve(t, app)+"/me", idp.Bearer("alice")); status != http.StatusOK || body != "alice" {
		t.Errorf("%d %s", status, body)
	}
}

// An application that is mounted in another one has that one's server: its setting for header names counts.
func TestMountedApplication(t *testing.T) {
	idp, auth := open(t)
	for _, raw := range []bool{false, true} {
		part := fiber.New(fiber.Config{DisableHeaderNormalizing: !raw})
		if err := auth.Mount(part, core.Paths{}); err != nil {
			t.Fatal(err)
		}
		part.Get("/me", auth.Handle(func(c fiber.Ctx, token *core.IDToken) error { return c.SendString(token.Subject()) }))
		app := fiber.New(fiber.Config{DisableHeaderNormalizing: raw, ReadBufferSize: 16 << 10})
		app.Use("/part", part)
		base := serve(t, app)
		for path, want := range map[string]int{"/part/auth/v2/login": http.StatusBadRequest, "/part/me": http.StatusOK, "/auth/v2/login": http.StatusNotFound} {
			request := httptest.NewRequest(http.MethodGet, base+path, nil)
			request.RequestURI = ""
			request.Header["authorization"] = []string{idp.Bearer("alice")} // not in the form that net/http gives it
			answer, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%s, names as they were written: %v: %d, want %d", path, raw, answer.StatusCode, want)
			}
		}
	}
}
