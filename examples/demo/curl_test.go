package main

import (
	"html"
	"net/http"
	"net/url"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

var (
	curlLine    = regexp.MustCompile(`<code( data-bearer)? data-line="([^"]*)"`)
	placeholder = regexp.MustCompile(`\{\w+\}`)
)

// Every command line of the page works as a user pastes it, with the tokens that the script fills in.
func TestEveryCurlLineOfThePage(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		login, leaving := b.login("alice"), newBrowser(t, d).login("alice")
		device := readAs[core.DeviceStart](t, b.post("/api/auth/v2/device", nil))
		want := map[string]string{
			"/api/auth/v2/login": "302", "/api/auth/v2/logout": "302", "/api/auth/v2/device": "200", "refresh_token": "200",
			"/api/me": "200", "/api/feed": "200", "/api/admin": "200", "device_code": "400", // authorization_pending
			"subject_token": "200",
		}
		lines := curlLine.FindAllStringSubmatch(b.get("/").body, -1)
		if len(lines) != len(want) {
			t.Fatalf("%d lines, want %d", len(lines), len(want))
		}
		for _, found := range lines {
			line := html.UnescapeString(found[2])
			name := strings.TrimPrefix(regexp.MustCompile(`/api/[\w/]+`).FindString(line), b.base)
			if field := strings.Trim(placeholder.FindString(line), "{}"); field != "" {
				name = field
			}
			line = strings.NewReplacer("{refresh_token}", url.QueryEscape(login.Token.RefreshToken), "{device_code}", url.QueryEscape(device.DeviceCode),
				"{subject_token}", d.provider.AccessToken("bob")).Replace(line)
			if found[1] != "" {
				token := login.Token.AccessToken
				if strings.Contains(line, "/logout") {
					token = leaving.Token.AccessToken // the others are still to be tried
				}
				line += ` -H "Authorization: Bearer ` + token + `"`
			}
			if got := paste(t, line); !strings.HasPrefix(got, "HTTP/1.1 "+want[name]) || want[name] == "" {
				t.Errorf("%s gives %.200s, want %s", line, got, want[name])
			}
		}
	})
}

// paste runs a command line of the page in a shell, or without curl does the same request itself.
func paste(t *testing.T, line string) string {
	t.Helper()
	if _, err := exec.LookPath("curl"); err != nil {
		return mean(t, line)
	}
	answer, err := exec.CommandContext(t.Context(), "sh", "-c", line+" -sS --noproxy '*'").CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v %s", line, err, answer)
	}
	return string(answer)
}

// mean implements the options of curl that the page uses: -i, -X, -d and -H.
func mean(t *testing.T, line string) string {
	t.Helper()
	method, address, body, header := http.MethodGet, "", "", http.Header{}
	words := regexp.MustCompile(`'[^']*'|"[^"]*"|\S+`).FindAllString(line, -1)
	for i := 1; i < len(words); i++ {
		word := strings.Trim(words[i], `'"`)
		switch word {
		case "-i":
			continue
		case "-X", "-d", "-H":
			i++
		default:
			address = word
			continue
		}
		value := strings.Trim(words[i], `'"`)
		switch word {
		case "-X":
			method = value
		case "-d":
			method, body = http.MethodPost, value
			header.Set("Content-Type", "application/x-www-form-urlencoded")
		case "-H":
			name, text, _ := strings.Cut(value, ": ")
			header.Set(name, text)
		}
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request) // as curl does, a connection for each line
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	return "HTTP/1.1 " + answer.Status
}
