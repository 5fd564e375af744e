package app

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// Answer is the response of a route.
type Answer struct {
	Status int
	Header http.Header
	Body   string
}

// Detail returns the text of a refusal.
func (a Answer) Detail() string {
	var body struct{ Detail string }
	_ = json.Unmarshal([]byte(a.Body), &body)
	return body.Detail
}

// JSON decodes the body into a value of type T. The test fails unless the status is 200.
func JSON[T any](t testing.TB, a Answer) (value T) {
	t.Helper()
	if a.Status != http.StatusOK {
		t.Fatalf("status %d: %s", a.Status, a.Body)
	}
	if err := json.Unmarshal([]byte(a.Body), &value); err != nil {
		t.Fatalf("%v: %s", err, a.Body)
	}
	return value
}

// direct follows no redirect and has no cookies.
var direct = &http.Client{
	Timeout:       60 * time.Second,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Get sends a GET request for a path under [Prefix]. bearer is the bearer token; "": none.
func (a *App) Get(t testing.TB, path, bearer string) Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, a.URL+Prefix+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return ask(t, direct, request)
}

// Post sends a form to a path under [Prefix].
func (a *App) Post(t testing.TB, path string, form url.Values) Answer {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+Prefix+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return ask(t, direct, request)
}

func ask(t testing.TB, client *http.Client, request *http.Request) Answer {
	t.Helper()
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return Answer{response.StatusCode, response.Header, string(body)}
}

// Token posts a form to the token route. The test fails unless the status is 200.
func (a *App) Token(t testing.TB, form url.Values) core.Token {
	t.Helper()
	return JSON[core.Token](t, a.Post(t, "/auth/v2/token", form))
}

// Refresh sends a refresh token to the token route, with the parameters that the Python client sends.
func (a *App) Refresh(t testing.TB, token string) core.Token {
	t.Helper()
	return a.Token(t, url.Values{"refresh-token": {token}})
}

// Me sends GET /me with a bearer token. The test fails unless the status is 200.
func (a *App) Me(t testing.TB, bearer string) Me {
	t.Helper()
	return JSON[Me](t, a.Get(t, "/me", bearer))
}
