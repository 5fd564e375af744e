package core_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

// A browser opens a guarded page, logs in at the provider, and comes back to the page with a cookie.
func ExampleSessionConfig() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	server := httptest.NewUnstartedServer(nil)
	cfg := idp.Config()
	cfg.PublicURL = "http://" + server.Listener.Addr().String()
	cfg.Sessions = &core.SessionConfig{}
	cfg.Store = store.NewMemory() // an application uses a database: StoreURL
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()
	mux := newMux(auth)
	mux.Handle("GET /dashboard", auth.Required().Middleware(greet))
	server.Config.Handler = mux
	server.Start()
	defer server.Close()

	jar, _ := cookiejar.New(nil)
	browser := &http.Client{Jar: jar, CheckRedirect: func(next *http.Request, _ []*http.Request) error {
		if strings.HasPrefix(next.URL.String(), idp.Issuer()) {
			return http.ErrUseLastResponse // the provider's login page
		}
		return nil
	}}
	page, _ := http.NewRequest(http.MethodGet, server.URL+"/dashboard", nil)
	page.Header.Set("Accept", "text/html")
	answer, err := browser.Do(page)
	if err != nil {
		log.Fatal(err)
	}
	_ = answer.Body.Close()
	fmt.Println("at the provider:", strings.HasPrefix(answer.Header.Get("Location"), idp.Issuer()))

	back, err := idp.Browser().Approve(answer.Header.Get("Location"), "alice") // alice presses the button
	if err != nil {
		log.Fatal(err)
	}
	answer, err = browser.Get(back.String())
	if err != nil {
		log.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, _ := io.ReadAll(answer.Body)
	fmt.Println(answer.Request.URL.Path, answer.StatusCode, string(body))
	// Output:
	// at the provider: true
	// /dashboard 200 hello alice
}

// In a test of your application, one line logs a browser in.
func ExampleSessionFrom() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory()
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()

	page := auth.Required().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		session := core.SessionFrom(r.Context()) // nil for a bearer token
		_, _ = fmt.Fprint(w, core.IDTokenFrom(r.Context()).Username(), " has a session: ", session != nil)
	}))
	showAs(page, "/", idp.Session(auth, "bob"))
	show(page, "/", idp.Bearer("bob"))
	// Output:
	// 200 bob has a session: true
	// 200 bob has a session: false
}

// Where a person is logged in, and how to end all of it.
func ExampleAuth_EndSessions() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory()
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()
	page := auth.Required().Middleware(greet)
	laptop, phone := idp.Session(auth, "bob"), idp.Session(auth, "bob")
	showAs(page, "/", phone)

	ctx := context.Background()
	sessions, err := auth.SessionsOf(ctx, idp.Issuer(), "bob")
	fmt.Println(len(sessions), "sessions", err)
	ended, err := auth.EndSessions(ctx, idp.Issuer(), "bob")
	fmt.Println(ended, "ended", err)
	showAs(page, "/", phone)
	showAs(page, "/", laptop)
	// Output:
	// 200 hello bob
	// 2 sessions <nil>
	// 2 ended <nil>
	// 401 Session expired or not found. Please re-authenticate.
	// 401 Session expired or not found. Please re-authenticate.
}

// Ends one session of a person: the oldest.
func ExampleAuth_SessionsOf() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory()
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()
	idp.Session(auth, "bob")
	idp.Session(auth, "bob")

	ctx := context.Background()
	sessions, err := auth.SessionsOf(ctx, idp.Issuer(), "bob") // newest first
	if err != nil {
		log.Fatal(err)
	}
	oldest := sessions[len(sessions)-1]
	fmt.Println(auth.EndSession(ctx, oldest.ID))
	sessions, err = auth.SessionsOf(ctx, idp.Issuer(), "bob")
	fmt.Println(len(sessions), err)
	// Output:
	// <nil>
	// 1 <nil>
}

// A stream ends when its caller's session does.
func ExampleUntilEnded() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory()
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()

	stream := auth.Required().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := core.UntilEnded(r.Context())
		defer cancel()
		_, _ = fmt.Fprintln(w, "the stream begins")
		_, _ = auth.EndSessions(context.Background(), idp.Issuer(), "bob") // somebody logs bob out
		<-ctx.Done()
		_, _ = fmt.Fprint(w, "the stream ends")
	}))
	showAs(stream, "/stream", idp.Session(auth, "bob"))
	// Output:
	// 200 the stream begins
	// the stream ends
}

// Calls another service in the caller's name. A session's access token is refreshed first, if it is about to expire.
func ExampleAuth_AccessToken() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.Sessions, cfg.Store = &core.SessionConfig{}, store.NewMemory()
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()

	page := auth.Optional().Middleware(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, err := auth.AccessToken(r.Context())
		if errors.Is(err, core.ErrNoProviderToken) {
			_, _ = fmt.Fprint(w, "log in first")
			return
		}
		if err != nil { // an outage
			auth.Answer(r.Context(), core.CredentialsOf(r), err).WriteTo(w)
			return
		}
		call, _ := http.NewRequestWithContext(r.Context(), http.MethodGet, idp.URL(oidctest.UserInfo), nil)
		call.Header.Set("Authorization", "Bearer "+token)
		answer, err := http.DefaultClient.Do(call)
		if err != nil {
			http.Error(w, "the other service is down", http.StatusBadGateway)
			return
		}
		defer func() { _ = answer.Body.Close() }()
		_, _ = fmt.Fprint(w, "the other service answered ", answer.StatusCode)
	}))
	showAs(page, "/", idp.Session(auth, "bob"))
	show(page, "/", "")
	// Output:
	// 200 the other service answered 200
	// 200 log in first
}

// Without sessions, OnLogin answers the browser that comes back from the provider. Its default is the token as JSON.
func ExampleConfig_onLogin() {
	idp := startProvider()
	defer func() { _ = idp.Close() }()
	cfg := idp.Config()
	cfg.PublicURL = "http://localhost:8080"
	cfg.OnLogin = func(_ context.Context, _ *core.Request, token *core.Token) *core.Response {
		return &core.Response{
			Status: http.StatusOK,
			Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}, "Cache-Control": {"no-store"}},
			Body:   []byte("welcome, " + token.Caller().Username()),
		}
	}
	auth := newAuth(cfg)
	defer func() { _ = auth.Close() }()
	mux := newMux(auth)

	login := httptest.NewRecorder()
	mux.ServeHTTP(login, httptest.NewRequest(http.MethodGet, "/auth/v2/login?redirect_uri="+url.QueryEscape(cfg.PublicURL+"/auth/v2/callback"), nil))
	back, err := idp.Approve(login.Header().Get("Location"), "alice")
	if err != nil {
		log.Fatal(err)
	}
	callback := httptest.NewRequest(http.MethodGet, back.RequestURI(), nil)
	for _, cookie := range login.Result().Cookies() {
		callback.AddCookie(cookie)
	}
	showAnswer(mux, callback)
	// Output: 200 welcome, alice
}
