package provider

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/integration/app"
)

// grants notes what a provider's token endpoint gave an application last.
type grants struct {
	mu   sync.Mutex
	last map[string]any
}

// RoundTrip is [http.RoundTripper.RoundTrip].
func (g *grants) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil || !strings.HasSuffix(request.URL.Path, "/token") || response.StatusCode != http.StatusOK {
		return response, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, err
	}
	response.Body = io.NopCloser(bytes.NewReader(text))
	g.mu.Lock()
	defer g.mu.Unlock()
	return response, json.Unmarshal(text, &g.last)
}

// text is a member of the last answer.
func (g *grants) text(name string) string {
	g.mu.Lock()
	defer g.mu.Unlock()
	text, _ := g.last[name].(string)
	return text
}

// number is a member of the last answer; -1 when it is not there.
func (g *grants) number(name string) float64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	if number, ok := g.last[name].(float64); ok {
		return number
	}
	return -1
}

// headerOf reads the header of a JWT, claimsOf its claims. Neither verifies it.
func headerOf(t *testing.T, token any) map[string]any { t.Helper(); return segment(t, token, 0) }

func claimsOf(t *testing.T, token any) map[string]any { t.Helper(); return segment(t, token, 1) }

func segment(t *testing.T, token any, number int) (values map[string]any) {
	t.Helper()
	text, _ := token.(string)
	segments := strings.Split(text, ".")
	if len(segments) != 3 {
		t.Fatalf("no JWT: %.20q", text)
	}
	plain, err := base64.RawURLEncoding.DecodeString(segments[number])
	if err == nil {
		err = json.Unmarshal(plain, &values)
	}
	if err != nil {
		t.Fatal(err)
	}
	return values
}

// errorCode is the member error of a refusal.
func errorCode(answer app.Answer) string {
	var body struct{ Error string }
	_ = json.Unmarshal([]byte(answer.Body), &body) // no JSON has no code
	return body.Error
}

// eventually waits for a condition, for as long as the library may pause between two fetches of a provider's keys.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(200 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}
