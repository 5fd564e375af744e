package main

import (
	"html"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

var curlLine = regexp.MustCompile(`<code data-line="([^"]*)">([^<]*)</code>`)

// Every command line of the page works as a user pastes it, once the files with its secrets are written, and shows none of them before.
func TestEveryCurlLineOfThePage(t *testing.T) {
	onEvery(t, func(t *testing.T, d *demo) {
		b := newBrowser(t, d)
		if nobody := b.control("curl", "service", "/shop"); nobody.status != http.StatusConflict {
			t.Errorf("files for nobody: %d %s", nobody.status, nobody.body)
		}
		b.login("/shop", "alice")
		if lent := b.control("curl", "service", "/shop"); lent.status != http.StatusOK || !strings.Contains(lent.body, `"who":"alice"`) {
			t.Fatalf("the files: %d %s", lent.status, lent.body)
		}
		device := readAs[core.DeviceStart](t, b.post("/shop/auth/v2/device", nil))
		want := []string{"401", "200", "200", "200", "200", "403", "200", "200", "200", "400"} // the last is authorization_pending
		lines := curlLine.FindAllStringSubmatch(b.get("/").body, -1)
		if len(lines) != len(want) {
			t.Fatalf("%d lines, want %d", len(lines), len(want))
		}
		for i, found := range lines {
			line, masked := html.UnescapeString(found[1]), html.UnescapeString(found[2])
			if strings.Contains(line, `-H "@`) != strings.Contains(masked, "••••") || strings.Contains(masked, d.data) {
				t.Errorf("%s is shown as %s", line, masked)
			}
			line = strings.ReplaceAll(line, "$DEVICE_CODE", url.QueryEscape(device.DeviceCode))
			if got := paste(t, line); !strings.HasPrefix(got, "HTTP/1.1 "+want[i]) {
				t.Errorf("%s gives %.200s, want %s", line, got, want[i])
			}
		}
	})
}

// The files are for their owner alone, and the command line is in the list of sessions, which can end it.
func TestTheCommandLineIsASessionOfItsOwn(t *testing.T) {
	d := newDemo(t, anywhere(t, "nethttp"))
	b := newBrowser(t, d)
	who := b.login("/shop", "bob")
	b.control("curl", "service", "/shop")
	bearer, cookie := d.files()
	for _, name := range []string{bearer, cookie} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	list := readAs[struct{ Sessions []struct{ ID, Agent string } }](t, b.get("/shop/auth/v2/sessions")).Sessions
	if len(list) != 2 || list[0].ID == who.Session || list[0].Agent != "" {
		t.Errorf("the list of sessions: %+v", list)
	}
	mine := `curl -i -H "@` + cookie + `" ` + d.base + `/shop/me`
	if got := paste(t, mine); !strings.HasPrefix(got, "HTTP/1.1 200") {
		t.Errorf("before the end: %s", got)
	}
	b.send(http.MethodDelete, "/shop/auth/v2/sessions?others=true", "")
	if got := paste(t, mine); !strings.HasPrefix(got, "HTTP/1.1 401") {
		t.Errorf("after the end: %s", got)
	}
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
			if file, found := strings.CutPrefix(value, "@"); found {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				value = strings.TrimSpace(string(text))
			}
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
