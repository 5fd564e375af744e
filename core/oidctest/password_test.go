package oidctest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// withPasswords returns a provider on which dora has a password, beside the built-in users, who have none.
func withPasswords(t *testing.T) *oidctest.Provider {
	p := oidctest.NewProvider(t)
	p.AddUser(oidctest.User{Name: "dora", Password: "a horse", Claims: oidctest.Claims{"email": "dora@example.org"}})
	return p
}

// typed posts the form of a page as a browser does and returns status, body, and where the provider redirects.
func typed(t *testing.T, p *oidctest.Provider, address string, fields ...string) (int, string, string) {
	t.Helper()
	form := url.Values{}
	for i := 0; i < len(fields); i += 2 {
		form.Set(fields[i], fields[i+1])
	}
	method, body := http.MethodGet, io.Reader(http.NoBody)
	if len(fields) > 0 {
		method, body = http.MethodPost, strings.NewReader(form.Encode())
	}
	request, err := http.NewRequestWithContext(t.Context(), method, address, body)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.Header.Set("Sec-Fetch-Site", "same-origin")
	answer, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, string(text), answer.Header.Get("Location")
}

// A user with a password logs in with it and in no other way; the others keep their buttons.
func TestLoginPageAsksForPassword(t *testing.T) {
	p := withPasswords(t)
	_, page, _ := typed(t, p, asks(p))
	if !strings.Contains(page, `type="password"`) || strings.Contains(page, "dora") || !strings.Contains(page, "Continue as alice") || strings.Contains(page, "no password") {
		t.Errorf("the login page:\n%s", page)
	}
	for name, fields := range map[string][]string{
		"wrong":        {"user", "dora", "password", "a cow"},
		"none":         {"user", "dora"},
		"empty":        {"user", "dora", "password", ""},
		"unknown name": {"user", "nobody", "password", "a horse"},
		"no name":      {"user", "", "password", "a horse"},
	} {
		status, page, location := typed(t, p, asks(p), fields...)
		if status != http.StatusForbidden || location != "" || !strings.Contains(page, "The name or the password is wrong.") || !strings.Contains(page, `type="password"`) {
			t.Errorf("%s: %d to %q\n%s", name, status, location, page)
		}
	}
	for name, fields := range map[string][]string{
		"dora":  {"user", "dora", "password", "a horse"},
		"alice": {"user", "alice"},
	} {
		if status, page, location := typed(t, p, asks(p), fields...); status != http.StatusSeeOther || !strings.Contains(location, "code=") {
			t.Errorf("%s: %d to %q\n%s", name, status, location, page)
		}
	}
	if _, _, location := typed(t, p, asks(p), "deny", "1"); !strings.Contains(location, "error=access_denied") {
		t.Errorf("deny: %s", location)
	}
	if _, claims := approve(t, p, p.Browser(), "dora"); claims["sub"] != "dora" {
		t.Errorf("Approve types the password: %v", claims)
	}
}

// The device page asks for the password too.
func TestDevicePageAsksForPassword(t *testing.T) {
	p := withPasswords(t)
	client := oauthClient(p, true)
	device, err := client.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, page, _ := typed(t, p, device.VerificationURIComplete); !strings.Contains(page, `type="password"`) {
		t.Errorf("the page:\n%s", page)
	}
	status, page, _ := typed(t, p, p.URL(oidctest.DevicePage), "user_code", device.UserCode, "user", "dora", "password", "a cow")
	if status != http.StatusForbidden || !strings.Contains(page, "password is wrong") || !strings.Contains(page, device.UserCode) {
		t.Errorf("a wrong password: %d\n%s", status, page)
	}
	status, page, _ = typed(t, p, p.URL(oidctest.DevicePage), "user_code", device.UserCode, "user", "dora", "password", "a horse")
	if status != http.StatusOK || !strings.Contains(page, "The device is connected") {
		t.Errorf("the password: %d\n%s", status, page)
	}
	token, err := client.DeviceAccessToken(t.Context(), device)
	if err != nil || claimsOf(t, token)["sub"] != "dora" {
		t.Errorf("the device: %v", err)
	}
}

// Without a password, the pages say that none is checked.
func TestPagesWithoutPasswords(t *testing.T) {
	p := oidctest.NewProvider(t)
	if _, page, _ := typed(t, p, asks(p)); strings.Contains(page, `type="password"`) || !strings.Contains(page, "It checks no password.") {
		t.Errorf("the login page:\n%s", page)
	}
}

// A provider may have users and clients of its own instead of the built-in ones, and one password for all users without another.
func TestOwnUsersAndClients(t *testing.T) {
	p := oidctest.NewProvider(t,
		oidctest.WithUsers(oidctest.User{Name: "erin"}, oidctest.User{Name: "dora", Password: "a horse"}), oidctest.WithPassword("a cow"),
		oidctest.WithClients(oidctest.Client{ID: "shop", Secret: "s3cret"}))
	if status, _, _ := typed(t, p, asks(p)); status != http.StatusBadRequest {
		t.Errorf("a built-in client: %d", status)
	}
	address := asks(p, "client_id", "shop")
	if _, page, _ := typed(t, p, address); strings.Contains(page, "Continue as") {
		t.Errorf("the login page:\n%s", page)
	}
	for fields, want := range map[[2]string]bool{
		{"erin", "a cow"}: true, {"dora", "a horse"}: true, {"dora", "a cow"}: false, {"erin", ""}: false, {"alice", "a cow"}: false,
	} {
		status, _, location := typed(t, p, address, "user", fields[0], "password", fields[1])
		if strings.Contains(location, "code=") != want {
			t.Errorf("%v: %d %s", fields, status, location)
		}
	}
	if back, err := p.Approve(address, "erin"); err != nil || !back.Query().Has("code") {
		t.Errorf("Approve: %v %v", back, err)
	}
}
