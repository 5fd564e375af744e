// An MCP server as a protected resource: clients find the provider by themselves, and each tool has scopes of its own. -framework says which of five
// frameworks it runs on.
package main

import (
	"cmp"
	"flag"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/httpauth"
)

func main() {
	framework := flag.String("framework", "nethttp", "nethttp, gin, echo, fiber or chi")
	leeway := flag.Duration("leeway", 0, "how far the clocks of provider and service may differ; 0: 30s")
	flag.Parse()
	serve, known := frameworks[*framework]
	if !known {
		log.Fatalf("no such framework: %s", *framework)
	}
	url := cmp.Or(os.Getenv("PUBLIC_URL"), "http://localhost:8080") // https://mcp.example.org
	log.Fatal(serve(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    url,
		Resources:    []core.Resource{{URL: url + "/mcp", Name: "Orders"}}, // what people type into their client
		Leeway:       *leeway,
		Logger:       slog.Default(),
	}, cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")))
}

// frameworks serve the same application: the endpoint behind a guard, and the metadata at the root.
var frameworks = map[string]func(core.Config, string) error{
	"nethttp": func(cfg core.Config, addr string) error { return serve(onNetHTTP, cfg, addr) },
	"gin":     func(cfg core.Config, addr string) error { return serve(onGin, cfg, addr) },
	"echo":    func(cfg core.Config, addr string) error { return serve(onEcho, cfg, addr) },
	"chi":     func(cfg core.Config, addr string) error { return serve(onChi, cfg, addr) },
	"fiber": func(cfg core.Config, addr string) error {
		app, err := onFiber(cfg)
		if err != nil {
			return err
		}
		return app.Listen(addr)
	},
}

func serve(on func(core.Config) (http.Handler, error), cfg core.Config, addr string) error {
	handler, err := on(cfg)
	if err != nil {
		return err
	}
	return http.ListenAndServe(addr, handler)
}

func onNetHTTP(cfg core.Config) (http.Handler, error) {
	auth, err := httpauth.New(cfg)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("/mcp", auth.Required(needed...)(endpoint(auth.Auth)))
	return mux, auth.MountRoot(mux) // /.well-known/oauth-protected-resource/mcp
}
