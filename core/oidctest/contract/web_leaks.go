package contract

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
)

// leaks searches all that browsers got in a test for tokens. It is the transport of the library, too: so it knows those of the provider.
type leaks struct {
	mu      sync.Mutex
	tokens  []string
	answers []*answer
}

func newLeaks(t *testing.T) *leaks {
	l := new(leaks)
	t.Cleanup(func() { l.search(t) })
	return l
}

// RoundTrip implements [http.RoundTripper]: it passes on the request and records the tokens in the response.
func (l *leaks) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	body, err := io.ReadAll(response.Body)
	_ = response.Body.Close() // it was only read
	response.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{err}))
	var found map[string]any
	if json.Unmarshal(body, &found) == nil {
		l.mu.Lock()
		defer l.mu.Unlock()
		for _, name := range []string{"access_token", "refresh_token", "id_token"} {
			if token, ok := found[name].(string); ok {
				l.tokens = append(l.tokens, token)
			}
		}
	}
	return response, nil
}

// broken is what is left of a body that ended too early.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) {
	if b.err == nil {
		return 0, io.EOF
	}
	return 0, b.err
}

func (l *leaks) add(got *answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answers = append(l.answers, got)
}

var (
	hint   = regexp.MustCompile(`id_token_hint=[A-Za-z0-9._-]+`)
	signed = regexp.MustCompile(`eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+`)
)

// search finds tokens of the provider and of this library, and session cookies outside of Set-Cookie. The one token that a browser
// ever sees is the hint of a logout at the provider.
func (l *leaks) search(t *testing.T) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var secrets []string
	for _, got := range l.answers {
		for _, cookie := range (&http.Response{Header: got.header}).Cookies() {
			if strings.HasPrefix(cookie.Name, cookieName) && len(cookie.Value) > 32 {
				secrets = append(secrets, cookie.Value)
			}
		}
	}
	for _, got := range l.answers {
		text := hint.ReplaceAllString(got.text(), "")
		isIn := func(secret string) bool { return strings.Contains(text, secret) }
		if signed.MatchString(text) || slices.ContainsFunc(l.tokens, isIn) {
			t.Errorf("a browser got a token: %s\n%s", got.what, text)
		}
		text = strings.ReplaceAll(text, "Set-Cookie: "+cookieName+"=", "\x00")
		for _, secret := range secrets {
			if strings.Contains(strings.ReplaceAll(text, "\x00"+secret, ""), secret) {
				t.Errorf("a session's cookie is in the answer to %s\n%s", got.what, text)
			}
		}
	}
}
