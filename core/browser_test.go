package core_test

import (
	"net/http"
	"strings"
	"testing"
)

// A person whose form a guard refuses sees a page; a script gets JSON.
func TestRefusedForms(t *testing.T) {
	w := newWeb(t, nil)
	b := w.browser()
	b.logIn("bob")
	form := []string{"Sec-Fetch-Mode: navigate", "Sec-Fetch-Dest: document", "Accept: text/html"}
	own, foreign := append(form[:3:3], "Sec-Fetch-Site: same-origin", "Origin: "+webURL), append(form[:3:3], "Sec-Fetch-Site: same-site", "Origin: https://other.example.org")
	for _, c := range []struct {
		what, path string
		headers    []string
		heading    string // "": JSON
	}{
		{"without the role", "/admin", own, "No access"},
		{"of another site", "/page", foreign, "This did not work"},
		{"a script without the role", "/admin", script, ""},
	} {
		answer := b.do(http.MethodPost, c.path, c.headers...)
		text := body(answer)
		isPage := strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") && strings.Contains(text, "<h1>"+c.heading+"</h1>")
		if answer.StatusCode != http.StatusForbidden || isPage != (c.heading != "") {
			t.Errorf("%s: %d %s", c.what, answer.StatusCode, text)
		}
	}
}
