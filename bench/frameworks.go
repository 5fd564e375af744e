package main

import (
	"context"
	"io"
	"net/http"
	"strings"

	"github.com/gin-gonic/gin"
	"github.com/go-chi/chi/v5"
	"github.com/go-chi/jwtauth/v5"
	jwtware "github.com/gofiber/contrib/jwt"
	"github.com/gofiber/fiber/v2"
	echojwt "github.com/labstack/echo-jwt/v4"
	"github.com/labstack/echo/v4"

	"github.com/go-oidc-auth/oidcauth/chiauth"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/echoauth"
	"github.com/go-oidc-auth/oidcauth/fiberauth"
	"github.com/go-oidc-auth/oidcauth/ginauth"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func buildGin(ctx context.Context, k *key, p *provider, g *guards) (site, error) {
	gin.SetMode(gin.ReleaseMode)
	r := gin.New()
	say := func(c *gin.Context) { c.String(http.StatusOK, answer) }
	guarded := func(c *gin.Context, _ *core.IDToken) { say(c) }
	r.GET(bareRoute, say)
	r.GET(hitRoute, ginauth.Wrap(g.hit).Handle(guarded))
	r.GET(uncachedRoute, ginauth.Wrap(g.uncached).Handle(guarded))
	r.GET(sessionRoute, ginauth.Wrap(g.web.auth).Handle(guarded))
	verifier := goOIDCVerifier(ctx, k, p)
	r.GET(peerRoute, func(c *gin.Context) { // gin has no such middleware: this is typical code
		raw, found := strings.CutPrefix(c.GetHeader("Authorization"), "Bearer ")
		token, err := verifier.Verify(c.Request.Context(), raw)
		if !found || err != nil {
			c.AbortWithStatus(http.StatusUnauthorized)
			return
		}
		c.Set("token", token)
	}, say)
	return netSite{r}, nil
}

func buildEcho(_ context.Context, k *key, _ *provider, g *guards) (site, error) {
	r := echo.New()
	say := func(c echo.Context) error { return c.String(http.StatusOK, answer) }
	guarded := func(c echo.Context, _ *core.IDToken) error { return say(c) }
	r.GET(bareRoute, say)
	r.GET(hitRoute, echoauth.Wrap(g.hit).Handle(guarded))
	r.GET(uncachedRoute, echoauth.Wrap(g.uncached).Handle(guarded))
	r.GET(sessionRoute, echoauth.Wrap(g.web.auth).Handle(guarded))
	r.GET(peerRoute, say, echojwt.WithConfig(echojwt.Config{SigningMethod: k.alg, SigningKeys: map[string]any{k.id: k.private.Public()}}))
	return netSite{r}, nil
}

func buildFiber(_ context.Context, k *key, _ *provider, g *guards) (site, error) {
	r := fiber.New(fiber.Config{DisableStartupMessage: true})
	say := func(c *fiber.Ctx) error { return c.SendString(answer) }
	guarded := func(c *fiber.Ctx, _ *core.IDToken) error { return say(c) }
	r.Get(bareRoute, say)
	r.Get(hitRoute, fiberauth.Wrap(g.hit).Handle(guarded))
	r.Get(uncachedRoute, fiberauth.Wrap(g.uncached).Handle(guarded))
	r.Get(sessionRoute, fiberauth.Wrap(g.web.auth).Handle(guarded))
	keys := map[string]jwtware.SigningKey{k.id: {JWTAlg: k.alg, Key: k.private.Public()}}
	r.Get(peerRoute, jwtware.New(jwtware.Config{SigningKeys: keys}), say)
	return fiberSite{r}, nil
}

func buildChi(_ context.Context, k *key, _ *provider, g *guards) (site, error) {
	r := chi.NewRouter()
	say := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }
	guarded := func(w http.ResponseWriter, request *http.Request, _ *core.IDToken) { say(w, request) }
	r.Get(bareRoute, say)
	r.Get(hitRoute, chiauth.Wrap(g.hit).Handle(guarded))
	r.Get(uncachedRoute, chiauth.Wrap(g.uncached).Handle(guarded))
	r.Get(sessionRoute, chiauth.Wrap(g.web.auth).Handle(guarded))
	tokens := jwtauth.New(k.alg, nil, k.private.Public())
	r.With(jwtauth.Verifier(tokens), jwtauth.Authenticator(tokens)).Get(peerRoute, say)
	return netSite{r}, nil
}

func buildNetHTTP(ctx context.Context, k *key, p *provider, g *guards) (site, error) {
	mux := http.NewServeMux()
	say := func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, answer) }
	guarded := func(w http.ResponseWriter, request *http.Request, _ *core.IDToken) { say(w, request) }
	mux.HandleFunc("GET "+bareRoute, say)
	mux.Handle("GET "+hitRoute, httpauth.Wrap(g.hit).Handle(guarded))
	mux.Handle("GET "+uncachedRoute, httpauth.Wrap(g.uncached).Handle(guarded))
	mux.Handle("GET "+sessionRoute, httpauth.Wrap(g.web.auth).Handle(guarded))
	verifier := goOIDCVerifier(ctx, k, p)
	mux.HandleFunc("GET "+peerRoute, func(w http.ResponseWriter, r *http.Request) { // as for gin: typical code
		raw, found := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		if _, err := verifier.Verify(r.Context(), raw); !found || err != nil {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		say(w, r)
	})
	return netSite{mux}, nil
}
