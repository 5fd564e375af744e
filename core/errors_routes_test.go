package core_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// OnError replaces the JSON answer and gets the whole refusal; required headers, such as a deleted cookie, are still sent.
func TestOnErrorOfRoutes(t *testing.T) {
	page := &core.Response{Status: 418, Header: http.Header{"X-Page": {"1"}}, Body: []byte("page")}
	var seen []string
	f := flowInMemory(t, &flowMemory{}, flowOnError(page, &seen))
	browser, cookie, _ := flowStates(f)
	answer := f.get("callback", url.Values{"state": {browser}, "error": {"access_denied"}}, cookie)
	if answer.Status != 418 || string(answer.Body) != "page" || answer.Header.Get("X-Page") != "1" || answer.Header.Get("Referrer-Policy") != "no-referrer" {
		t.Errorf("got %d %s %v", answer.Status, answer.Body, answer.Header)
	}
	flowWantCookieGone(t, answer, cookie)
	if len(page.Header) != 1 {
		t.Errorf("the application's answer was changed: %v", page.Header)
	}
	f.get("login", nil)
	if text, _ := json.Marshal(seen); string(text) != `["400 access_denied access_denied: the provider did not log the user in","400 invalid_request Missing redirect_uri"]` {
		t.Errorf("OnError saw %s", text)
	}
}

func flowOnError(page *core.Response, seen *[]string) func(*core.Config) {
	return func(c *core.Config) {
		c.OnError = func(_ context.Context, _ *core.Request, e *core.Error) *core.Response {
			*seen = append(*seen, fmt.Sprint(e.Status, " ", e.Code, " ", e.Detail))
			return page
		}
	}
}
