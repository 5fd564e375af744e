// An application on gin whose users log in at an OpenID Connect provider.
package main

import (
	"cmp"
	"log"
	"log/slog"
	"net/http"
	"os"

	"github.com/gin-gonic/gin"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

func main() {
	router, err := newRouter(core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), // https://idp.example.org/.well-known/openid-configuration
		ClientID:     os.Getenv("CLIENT_ID"),
		ClientSecret: os.Getenv("CLIENT_SECRET"),
		SecretKeys:   []string{os.Getenv("SECRET_KEY")}, // openssl rand -base64 48
		PublicURL:    os.Getenv("PUBLIC_URL"),           // https://app.example.org
		Logger:       slog.Default(),
	})
	if err != nil {
		log.Fatal(err)
	}
	log.Fatal(router.Run(cmp.Or(os.Getenv("ADDR"), "127.0.0.1:8080")))
}

func newRouter(cfg core.Config) (*gin.Engine, error) {
	auth, err := ginauth.New(cfg)
	if err != nil {
		return nil, err
	}
	r := gin.Default()
	r.GET("/me", auth.Handle(me))             // callers with a valid token
	r.GET("/feed", auth.HandleOptional(feed)) // everybody; the token is nil for a guest
	admin := r.Group("/admin", auth.Required(core.Scopes("admin")))
	admin.GET("/users", users)
	r.GET("/ready", func(c *gin.Context) {
		if err := auth.Ready(c.Request.Context()); err != nil {
			log.Print(err) // names what is missing
			c.Status(http.StatusServiceUnavailable)
		}
	})
	return r, auth.Mount(r, core.Paths{}) // /auth/v2/login, token, device …
}

func me(c *gin.Context, token *core.IDToken) {
	c.JSON(http.StatusOK, gin.H{"sub": token.Subject(), "email": token.Email()})
}

func feed(c *gin.Context, token *core.IDToken) {
	c.JSON(http.StatusOK, gin.H{"hello": cmp.Or(token.Username(), "guest")})
}

func users(c *gin.Context) {
	c.JSON(http.StatusOK, gin.H{"asked_by": ginauth.IDToken(c).Username()})
}
