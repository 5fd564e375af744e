package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func newTestSite(t *testing.T) http.Handler {
	t.Helper()
	site, err := newSite(pageData{Framework: "gin", Base: "http://127.0.0.1:8080", Issuer: "http://127.0.0.1:8081", AdminScope: adminScope, AdminRole: adminRole, Users: users, Peer: "http://127.0.0.1:8082"}, newSessions("8080"), nil)
	if err != nil {
		t.Fatal(err)
	}
	return site
}

func TestEveryPathOfTheSite(t *testing.T) {
	site := newTestSite(t)
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/demo.css": "text/css; charset=utf-8", "/demo.js": "text/javascript; charset=utf-8",
		"/icon.svg": "image/svg+xml", "/session": "application/json",
	} {
		answer := httptest.NewRecorder()
		site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != kind {
			t.Errorf("GET %s: %d %s", path, answer.Code, answer.Header().Get("Content-Type"))
		}
		if got := answer.Header().Get("Content-Security-Policy"); got != policy {
			t.Errorf("GET %s: policy %q", path, got)
		}
	}
}

// The page contains nothing that its policy forbids to run or load.
func TestThePageIsSelfContained(t *testing.T) {
	files := 0
	err := fs.WalkDir(page, ".", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := fs.ReadFile(page, path)
		for _, forbidden := range []string{`\son\w+=`, `style=`, `javascript:`, `<style`, `<script>`, `@import`, `innerHTML\s*=[^=]`, `eval\(`} {
			if found := regexp.MustCompile(forbidden).Find(text); found != nil {
				t.Errorf("%s holds %q", path, found)
			}
		}
		for _, address := range regexp.MustCompile(`https?://[\w.]+`).FindAllString(string(text), -1) {
			if address != "http://www.w3.org" { // the namespace of the icon
				t.Errorf("%s names %s", path, address)
			}
		}
		return err
	})
	if err != nil || files != 4 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestThePageHasWhatAssistiveSoftwareNeeds(t *testing.T) {
	answer := httptest.NewRecorder()
	newTestSite(t).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	text := answer.Body.String()
	for _, want := range []string{`<html lang="en">`, `name="viewport"`, "<header>", "<main ", "<footer>", "<h1>", `class="skip"`, `role="status"`, "<title>oidcauth on gin</title>"} {
		if !strings.Contains(text, want) {
			t.Errorf("the page has no %s", want)
		}
	}
	ids := map[string]bool{}
	for _, id := range regexp.MustCompile(`\bid="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		if ids[id[1]] {
			t.Errorf("id %s stands twice", id[1])
		}
		ids[id[1]] = true
	}
	script, err := fs.ReadFile(page, "page/demo.js")
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range regexp.MustCompile(`\$\("([^"]+)"\)`).FindAllStringSubmatch(string(script), -1) {
		if !ids[id[1]] {
			t.Errorf("the script looks for id %s, which the page has not", id[1])
		}
	}
}

// A page of another site or port can neither put tokens into the session nor end it.
func TestTheSessionIsForThePageAlone(t *testing.T) {
	site := newTestSite(t)
	for _, method := range []string{http.MethodPut, http.MethodDelete} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:9999"} {
			request := httptest.NewRequest(method, "http://127.0.0.1:8080/session", strings.NewReader("{}"))
			request.Header.Set(name, value)
			answer := httptest.NewRecorder()
			site.ServeHTTP(answer, request)
			if answer.Code != http.StatusForbidden {
				t.Errorf("%s with %s %s: %d", method, name, value, answer.Code)
			}
		}
	}
}
