package main

import (
	"io/fs"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func newTestSite(t *testing.T) (http.Handler, *demo) {
	t.Helper()
	d := newDemo(t, anywhere(t, "gin"))
	site, err := d.site()
	if err != nil {
		t.Fatal(err)
	}
	return site, d
}

func TestEveryPathOfTheSite(t *testing.T) {
	site, d := newTestSite(t)
	for path, kind := range map[string]string{
		"/": "text/html; charset=utf-8", "/demo/demo.css": "text/css; charset=utf-8", "/demo/demo.js": "text/javascript; charset=utf-8",
		"/demo/icon.svg": "image/svg+xml", "/demo/state": "application/json",
	} {
		answer := httptest.NewRecorder()
		site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		if answer.Code != http.StatusOK || answer.Header().Get("Content-Type") != kind {
			t.Errorf("GET %s: %d %s", path, answer.Code, answer.Header().Get("Content-Type"))
		}
		if got := answer.Header().Get("Content-Security-Policy"); got != policy(d.provider.Issuer()) || !strings.HasPrefix(got, "default-src 'self'; ") {
			t.Errorf("GET %s: policy %q", path, got)
		}
	}
}

// All frameworks serve the page and its files with the same headers.
func TestThePageOnEveryFramework(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		for _, path := range []string{"/", "/demo/demo.js", "/demo/state"} {
			answer := b.get(path)
			if answer.status != http.StatusOK || answer.header.Get("Content-Security-Policy") != policy(d.provider.Issuer()) {
				t.Errorf("GET %s: %d %v", path, answer.status, answer.header)
			}
		}
		if text := b.get("/").body; !strings.Contains(text, "<title>oidcauth on "+d.framework) || !strings.Contains(text, "auth.Mount(") {
			t.Error("the page does not show the code of its framework")
		}
	})
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
	if err != nil || files != 11 {
		t.Errorf("%d files, %v", files, err)
	}
}

func TestThePageHasWhatAssistiveSoftwareNeeds(t *testing.T) {
	site, _ := newTestSite(t)
	answer := httptest.NewRecorder()
	site.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/", nil))
	text := answer.Body.String()
	for _, want := range []string{`<html lang="en">`, `name="viewport"`, "<header>", "<main ", "<footer>", "<h1>", `class="skip"`, `role="status"`, `role="log"`, "<title>oidcauth on gin</title>"} {
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
	for _, name := range regexp.MustCompile(`(?:labelledby|for)="([^"]+)"`).FindAllStringSubmatch(text, -1) {
		if !ids[name[1]] {
			t.Errorf("the page refers to id %s, which it has not", name[1])
		}
	}
	scripts, err := fs.Glob(page, "page/*.js")
	if err != nil || len(scripts) != 8 {
		t.Fatalf("%v, %v", scripts, err)
	}
	for _, name := range scripts {
		script, err := fs.ReadFile(page, name)
		if err != nil {
			t.Fatal(err)
		}
		for _, id := range regexp.MustCompile(`\$\("([^"]+)"\)`).FindAllStringSubmatch(string(script), -1) {
			if !ids[id[1]] {
				t.Errorf("%s looks for id %s, which the page has not", name, id[1])
			}
		}
	}
}

// A page of another site or port operates no control.
func TestTheControlsAreForThePageAlone(t *testing.T) {
	site, d := newTestSite(t)
	for _, path := range []string{"switch", "inspect", "curl", "device"} {
		for name, value := range map[string]string{"Sec-Fetch-Site": "cross-site", "Origin": "http://127.0.0.1:9999"} {
			request := httptest.NewRequest(http.MethodPost, d.base+"/demo/"+path, strings.NewReader("name=down&on=true"))
			request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			request.Header.Set(name, value)
			answer := httptest.NewRecorder()
			site.ServeHTTP(answer, request)
			if answer.Code != http.StatusForbidden {
				t.Errorf("%s with %s %s: %d", path, name, value, answer.Code)
			}
		}
	}
}
