package soak

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime"
	"runtime/pprof"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/gin-gonic/gin"

	_ "github.com/go-oidc-auth/oidcauth/brokerstore/mongostore"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/mysqlstore"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/postgresstore"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/redisstore"
	_ "github.com/go-oidc-auth/oidcauth/brokerstore/sqlitestore"
	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/ginauth"
)

const (
	// asService is set in the environment of a test binary that is to be an instance.
	asService = "OIDCAUTH_AS_SERVICE"
	// callTimeout is the instances' Timeout.
	callTimeout = 2 * time.Second
	// tokenTTL is short, so that the run is longer than the life of what it makes.
	tokenTTL = 5 * time.Minute
	// refreshAfter is shorter than the library's pause between two questions about one session: each browser session is refreshed once
	// a minute.
	refreshAfter = 20 * time.Second
	// cacheSize is small, so that the caches are full soon: that of sessions takes one more with each login of a browser.
	cacheSize = 1024
)

// serve is one instance: the library's routes below /api, /me with a guard, /direct with a guard for the provider's own tokens, and what the
// run reads. It prints its address, and ends on SIGTERM.
func serve() error {
	config := core.Config{
		DiscoveryURL: os.Getenv("DISCOVERY_URL"), ClientID: os.Getenv("CLIENT_ID"), ClientSecret: os.Getenv("CLIENT_SECRET"),
		PublicURL: publicURL, SecretKeys: []string{os.Getenv("SECRET_KEY")}, Timeout: callTimeout, TokenCacheSize: cacheSize,
		Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	}
	direct, err := core.New(config)
	if err != nil {
		return err
	}
	config.StoreURL = os.Getenv("STORE_URL")
	config.Broker, config.Sessions = &core.BrokerConfig{TokenTTL: tokenTTL}, &core.SessionConfig{RefreshAfter: refreshAfter}
	auth, err := core.New(config)
	if err != nil {
		return err
	}
	handler, err := routes(auth, direct)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	stopped := make(chan error, 1)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	go func() {
		<-ctx.Done()
		stopped <- server.Shutdown(context.Background())
	}()
	fmt.Println(listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return errors.Join(<-stopped, auth.Close(), direct.Close())
}

func routes(auth, direct *core.Auth) (http.Handler, error) {
	gin.SetMode(gin.ReleaseMode)
	router, own := gin.New(), ginauth.Wrap(auth)
	if err := own.Mount(router.Group("/api"), core.Paths{}); err != nil {
		return nil, err
	}
	me := func(c *gin.Context, token *core.IDToken) { c.String(http.StatusOK, token.Subject()) }
	router.GET("/me", own.Handle(me))
	router.GET("/direct", ginauth.Wrap(direct).Handle(me))
	router.GET("/ready", func(c *gin.Context) {
		if err := errors.Join(auth.Ready(c), direct.Ready(c)); err != nil {
			c.String(http.StatusServiceUnavailable, err.Error())
		}
	})
	router.GET("/usage", func(c *gin.Context) { c.JSON(http.StatusOK, measure()) })
	router.GET("/profile/:name", func(c *gin.Context) {
		if profile := pprof.Lookup(c.Param("name")); profile != nil {
			runtime.GC()
			debug, _ := strconv.Atoi(c.Query("debug"))
			_ = profile.WriteTo(c.Writer, debug)
		}
	})
	return router, nil
}

// usage is what an instance takes.
type usage struct {
	RSS        int64  `json:"rss"`        // bytes, before the collection
	Heap       uint64 `json:"heap"`       // bytes of live objects, after a collection
	Goroutines int    `json:"goroutines"` // with the one that answers
}

func measure() usage {
	u := usage{RSS: rss(), Goroutines: runtime.NumGoroutine()}
	runtime.GC()
	runtime.GC() // what the first one has finalized is gone after the second
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	u.Heap = memory.HeapAlloc
	return u
}

// rss reads the resident set of this process; 0 where there is no /proc.
func rss() int64 {
	text, _ := os.ReadFile("/proc/self/statm")
	fields := strings.Fields(string(text))
	if len(fields) < 2 {
		return 0
	}
	pages, _ := strconv.ParseInt(fields[1], 10, 64)
	return pages * int64(os.Getpagesize())
}
