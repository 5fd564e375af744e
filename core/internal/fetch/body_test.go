package fetch_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
)

// answering is a transport that always gives one answer.
type answering struct {
	body   string
	length int64
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, ContentLength: a.length,
		Body: io.NopCloser(strings.NewReader(a.body)), Request: r,
	}, nil
}

// The parsed body of an answer is that which a reader gets, whatever the server says about its length, and also if the client's own timeout
// wraps the body.
func TestVettedBody(t *testing.T) {
	for name, c := range map[string]struct {
		body   string
		length int64
	}{
		"no length": {`{"a":"b"}`, -1}, "its length": {`{"a":"b"}`, 9}, "too short": {`{"a":"b"}`, 1}, "too long": {`{"a":"b"}`, 1 << 40},
		"long": {`{"a":"b","c":"` + strings.Repeat("x", 100<<10) + `"}`, -1}, "empty": {"", 0},
	} {
		for _, own := range []time.Duration{0, time.Minute} {
			client := fetch.NewClient(&http.Client{Transport: answering{c.body, c.length}, Timeout: own}, time.Minute)
			response, err := client.Get("https://idp.example")
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			vetted, err := fetch.VettedOf(response)
			if err != nil || vetted.Text != c.body {
				t.Fatalf("%s: %v, got %.40q", name, err, vetted.Text)
			}
			if value, _ := vetted.Object.String("a"); c.body != "" && value != "b" {
				t.Errorf("%s: parsed as %v", name, vetted.Object)
			}
			if read, err := io.ReadAll(vetted); err != nil || string(read) != c.body {
				t.Errorf("%s: %v, read %.40q", name, err, read)
			}
			if err := vetted.Close(); err != nil {
				t.Error(err)
			}
		}
	}
}
