// A hertz application: a guard as its middleware, and the routes, in thirty lines.
package main

import (
	"cmp"
	"context"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/cloudwego/hertz/pkg/app"
	"github.com/cloudwego/hertz/pkg/app/server"
	"github.com/cloudwego/hertz/pkg/common/adaptor"
	"github.com/cloudwego/hertz/pkg/route"

	"github.com/go-oidc-auth/oidcauth/core"
)

func main() {
	h := server.Default(server.WithHostPorts(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")))
	if err := register(h.Engine, core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://app.example.org
		Logger:       slog.Default(),
	}); err != nil {
		log.Fatal(err)
	}
	h.Spin()
}

func register(h *route.Engine, cfg core.Config) error {
	auth, err := core.New(cfg)
	if err != nil {
		return err
	}
	h.GET("/orders", guarded(auth.Required(core.Scopes("orders"))), func(ctx context.Context, c *app.RequestContext) {
		c.String(http.StatusOK, core.IDTokenFrom(ctx).Username()+" has 3 orders")
	})
	return mount(h, auth)
}

// guarded applies a guard's decision: it puts the caller into the context, or sends the refusal.
func guarded(guard *core.Guard) app.HandlerFunc {
	return func(ctx context.Context, c *app.RequestContext) {
		header := make(http.Header) // a copy: hertz uses its memory again
		c.Request.Header.VisitAll(func(name, value []byte) { header.Add(string(name), string(value)) })
		decision := guard.Admit(ctx, core.Credentials{
			Method: string(c.Method()), Target: string(c.Request.RequestURI()), Route: c.FullPath(), Header: header,
		})
		if refusal := decision.Refusal; refusal != nil {
			add(c, refusal.Header)
			c.Response.SetBody(refusal.Body)
			c.AbortWithStatus(refusal.Status)
			return
		}
		add(c, decision.Header)
		c.Next(decision.Context(ctx))
	}
}

func add(c *app.RequestContext, header http.Header) {
	for name, values := range header {
		for _, value := range values {
			c.Response.Header.Add(name, value)
		}
	}
}

// mount registers the auth routes: /auth/v2/login, token, device …
func mount(h route.IRoutes, auth *core.Auth) error {
	routes, err := auth.Routes(core.Paths{})
	for _, r := range routes {
		h.Handle(r.Method, r.Path, adaptor.HertzHandler(r))
	}
	return err
}
