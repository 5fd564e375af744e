package core_test

import (
	"context"
	"fmt"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// The service issues tokens of its own and accepts those alone. Here a program exchanges the provider's token for one.
func ExampleBrokerConfig() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.Broker = &core.BrokerConfig{}
	cfg.Store = store.NewMemory() // an application uses a database: StoreURL
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()
	mux := newMux(auth)
	mux.Handle("GET /me", auth.Required().Middleware(greet))

	form := url.Values{
		"grant_type":    {"urn:ietf:params:oauth:grant-type:token-exchange"},
		"subject_token": {idp.AccessToken("alice")},
	}
	exchange := httptest.NewRequest(http.MethodPost, "/auth/v2/token", strings.NewReader(form.Encode()))
	exchange.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	answer := httptest.NewRecorder()
	mux.ServeHTTP(answer, exchange)
	fmt.Println(answer.Code)

	show(mux, "/me", idp.BrokerBearer(auth, "alice")) // in a test, one line for a login
	show(mux, "/me", idp.Bearer("alice"))             // the provider's token
	// Output:
	// 200
	// 200 hello alice
	// 401 Invalid token
}

// Rotates the signing key. Old tokens stay valid; the new key signs after ten minutes, when every service has seen it.
func ExampleAuth_RotateKey() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.Broker, cfg.Store = &core.BrokerConfig{}, store.NewMemory()
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()
	page := auth.Required().Middleware(greet)

	old := idp.BrokerBearer(auth, "alice")
	fmt.Println(auth.RotateKey(context.Background()))
	show(page, "/", old)
	// Output:
	// <nil>
	// 200 hello alice
}

// Counts what happens, for a metrics system. The fields of an event are fixed words, so they can be labels.
func ExampleObserveFunc() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	var mu sync.Mutex
	counts := map[string]int{}
	for _, event := range core.Events() { // so that what has not happened yet reads 0
		counts[event.Kind+" "+event.Part+" "+event.Outcome] = 0
	}
	cfg := idp.Config()
	cfg.Observe = core.ObserveFunc(func(event core.Event) {
		mu.Lock()
		defer mu.Unlock()
		counts[event.Kind+" "+event.Part+" "+event.Outcome]++
	})
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()

	page := auth.Required().Middleware(greet)
	show(page, "/", idp.Bearer("bob"))
	show(page, "/", idp.Bearer("bob"))
	show(page, "/", "Bearer nonsense")

	mu.Lock()
	defer mu.Unlock()
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		if counts[name] > 0 {
			fmt.Println(counts[name], name)
		}
	}
	// Output:
	// 200 hello bob
	// 200 hello bob
	// 401 Invalid token
	// 1 fetch discovery ok
	// 1 fetch keys ok
	// 1 verification  malformed
	// 2 verification  ok
}

// For a readiness probe: the error names what is missing.
func ExampleAuth_Ready() {
	idp := startProvider()
	auth := newAuth(idp.Config())
	defer func() { _ = auth.Close() }()
	if err := idp.Close(); err != nil { // the provider is down
		log.Fatal(err)
	}

	ready := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := auth.Ready(r.Context()); err != nil {
			w.WriteHeader(http.StatusServiceUnavailable) // and write err to the log
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
	show(ready, "/ready", "")
	// Output: 503
}
