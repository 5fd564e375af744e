package app

import (
	"context"
	"encoding/json"
	"net"
	"net/http"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/gofiber/fiber/v2"
	fiber3 "github.com/gofiber/fiber/v3"
	"github.com/labstack/echo/v4"
	echo5 "github.com/labstack/echo/v5"

	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/echo5auth"
	"github.com/go-oidc-auth/oidcauth/echoauth"
	"github.com/go-oidc-auth/oidcauth/fiber3auth"
	"github.com/go-oidc-auth/oidcauth/fiberauth"
	"github.com/go-oidc-auth/oidcauth/ginauth"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func onGin(a *App, guarded Guarded) (server, error) {
	auth := ginauth.Wrap(a.Auth)
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	api := r.Group(Prefix)
	answer := func(c *gin.Context) { c.JSON(http.StatusOK, a.me(ginauth.IDToken(c))) }
	api.GET("/me", auth.Required(), answer)
	api.POST("/me", auth.Required(), answer)
	api.GET("/feed", auth.Optional(), answer)
	for path, requirements := range guarded {
		api.GET(path, auth.Required(requirements...), answer)
	}
	return onNetHTTP(r), auth.Mount(api, core.Paths{})
}

func onEcho(a *App, guarded Guarded) (server, error) {
	auth := echoauth.Wrap(a.Auth)
	r := echo.New()
	api := r.Group(Prefix)
	answer := func(c echo.Context) error { return c.JSON(http.StatusOK, a.me(echoauth.IDToken(c))) }
	api.GET("/me", answer, auth.Required())
	api.POST("/me", answer, auth.Required())
	api.GET("/feed", answer, auth.Optional())
	for path, requirements := range guarded {
		api.GET(path, answer, auth.Required(requirements...))
	}
	return onNetHTTP(r), auth.Mount(api, core.Paths{})
}

func onEcho5(a *App, guarded Guarded) (server, error) {
	auth := echo5auth.Wrap(a.Auth)
	r := echo5.New()
	api := r.Group(Prefix)
	answer := func(c *echo5.Context) error { return c.JSON(http.StatusOK, a.me(echo5auth.IDToken(c))) }
	api.GET("/me", answer, auth.Required())
	api.POST("/me", answer, auth.Required())
	api.GET("/feed", answer, auth.Optional())
	for path, requirements := range guarded {
		api.GET(path, answer, auth.Required(requirements...))
	}
	return onNetHTTP(r), auth.Mount(api, core.Paths{})
}

func onChi(a *App, guarded Guarded) (server, error) {
	auth := chiauth.Wrap(a.Auth)
	r := chi.NewRouter()
	answer := func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a.me(chiauth.IDToken(r))) // a client that has gone cannot be told
	}
	var mounted error
	r.Route(Prefix, func(api chi.Router) {
		api.With(auth.Required()).Get("/me", answer)
		api.With(auth.Required()).Post("/me", answer)
		api.With(auth.Optional()).Get("/feed", answer)
		for path, requirements := range guarded {
			api.With(auth.Required(requirements...)).Get(path, answer)
		}
		mounted = auth.Mount(api, core.Paths{})
	})
	return onNetHTTP(r), mounted
}

func onPlain(a *App, guarded Guarded) (server, error) {
	auth := httpauth.Wrap(a.Auth)
	mux := http.NewServeMux()
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(a.me(httpauth.IDToken(r))) // a client that has gone cannot be told
	})
	mux.Handle("GET "+Prefix+"/me", auth.Required()(answer))
	mux.Handle("POST "+Prefix+"/me", auth.Required()(answer))
	mux.Handle("GET "+Prefix+"/feed", auth.Optional()(answer))
	for path, requirements := range guarded {
		mux.Handle("GET "+Prefix+path, auth.Required(requirements...)(answer))
	}
	return onNetHTTP(mux), auth.Mount(mux, core.Paths{Prefix: Prefix})
}

func onFiber(a *App, guarded Guarded) (server, error) {
	auth := fiberauth.Wrap(a.Auth)
	r := fiber.New(fiber.Config{DisableStartupMessage: true, ReadBufferSize: 32 << 10})
	api := r.Group(Prefix)
	answer := func(c *fiber.Ctx) error { return c.JSON(a.me(fiberauth.IDToken(c))) }
	api.Get("/me", auth.Required(), answer)
	api.Post("/me", auth.Required(), answer)
	api.Get("/feed", auth.Optional(), answer)
	for path, requirements := range guarded {
		api.Get(path, auth.Required(requirements...), answer)
	}
	return fiberServer{r}, auth.Mount(api, core.Paths{})
}

// fiberServer gives fiber the two methods of [http.Server] that are needed here.
type fiberServer struct{ app *fiber.App }

func (s fiberServer) Serve(listener net.Listener) error { return s.app.Listener(listener) }

func (s fiberServer) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }

func onFiber3(a *App, guarded Guarded) (server, error) {
	auth := fiber3auth.Wrap(a.Auth)
	r := fiber3.New(fiber3.Config{ReadBufferSize: 32 << 10})
	api := r.Group(Prefix)
	answer := func(c fiber3.Ctx) error { return c.JSON(a.me(core.IDTokenFrom(c))) } // c is a context in this major
	api.Get("/me", auth.Required(), answer)
	api.Post("/me", auth.Required(), answer)
	api.Get("/feed", auth.Optional(), answer)
	for path, requirements := range guarded {
		api.Get(path, auth.Required(requirements...), answer)
	}
	return fiber3Server{r}, auth.Mount(api, core.Paths{})
}

// fiber3Server gives fiber v3 the two methods of [http.Server] that are needed here.
type fiber3Server struct{ app *fiber3.App }

func (s fiber3Server) Serve(listener net.Listener) error {
	return s.app.Listener(listener, fiber3.ListenConfig{DisableStartupMessage: true})
}

func (s fiber3Server) Shutdown(ctx context.Context) error { return s.app.ShutdownWithContext(ctx) }
