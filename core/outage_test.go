package core_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

func refuse(context.Context) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

func hang(ctx context.Context) (*http.Response, error) { <-ctx.Done(); return nil, ctx.Err() }

// slowly answers after a while, if the caller waits that long.
func slowly(wait time.Duration) fault {
	return func(ctx context.Context) (*http.Response, error) {
		select {
		case <-time.After(wait):
			return nil, errors.New(poison)
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

type dripBody struct{ ctx context.Context }

func (d dripBody) Read(p []byte) (int, error) {
	select {
	case <-time.After(time.Second):
		return copy(p, "{"), nil
	case <-d.ctx.Done():
		return 0, d.ctx.Err()
	}
}

func (dripBody) Close() error { return nil }

func says(status int, contentType, body string) fault {
	return func(context.Context) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Body: io.NopCloser(strings.NewReader(body)),
			Header: http.Header{"Content-Type": {contentType}, "Location": {"https://idp.example/" + poison}},
		}, nil
	}
}

// faults are those of TRUST 2.3.
var faults = map[string]fault{
	"refused": refuse,
	"reset":   func(context.Context) (*http.Response, error) { return nil, syscall.ECONNRESET },
	"hang":    hang,
	"drip": func(ctx context.Context) (*http.Response, error) {
		return &http.Response{StatusCode: 200, Header: http.Header{"Content-Type": {"application/json"}}, Body: dripBody{ctx}}, nil
	},
	"503":                says(503, "text/plain", poison),
	"500 with HTML":      says(500, "text/html", "<h1>"+poison),
	"200 with HTML":      says(200, "text/html", "<h1>"+poison),
	"truncated":          says(200, "application/json", `{"issuer":"`+issuer+`","keys":[{"kid":"`+poison),
	"wrong content type": says(200, "text/plain", `{"issuer":"`+issuer+`","keys":[],"x":"`+poison+`"}`),
	"2 MB":               says(200, "application/json", `{"x":"`+strings.Repeat(poison, 2<<20/len(poison))+`"}`),
	"302":                says(302, "application/json", `{}`),
	"307":                says(307, "application/json", `{}`),
	"wrong issuer":       says(200, "application/json", `{"issuer":"https://evil.example/`+poison+`","jwks_uri":"https://evil.example/keys"}`),
	"empty key list":     says(200, "application/json", `{"keys":[],"issuer":"`+issuer+`"}`),
	"404":                says(404, "application/json", `{"error":"`+poison+`"}`),
	"empty":              says(200, "application/json", ``),
	"401":                says(401, "application/json", `{"error":"`+poison+`"}`),
}

func eachFault(t *testing.T, test func(*testing.T, *memoryIDP, fault, string)) {
	for name, fault := range faults {
		for _, path := range []string{discoveryPath, keysPath} {
			t.Run(name+" at "+path, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { test(t, newIDP(t), fault, path) })
			})
		}
	}
}

// TRUST 0.7, 0.12, 2.3, D-32, D-42: a guard that starts during a fault answers 503 within Timeout, and accepts without a
// restart once it is over.
func TestColdGuardUnderFaults(t *testing.T) {
	eachFault(t, func(t *testing.T, idp *memoryIDP, fault fault, path string) {
		auth := idp.auth()
		guard := auth.Required()
		idp.breaks(fault, path)
		for range 3 {
			start := time.Now()
			_, err := admit(t, guard, idp.token())
			if waited := time.Since(start); waited > 10*time.Second {
				t.Errorf("waited %s", waited)
			}
			wantOutage(t, auth, err)
		}
		if err := auth.Ready(t.Context()); err == nil || strings.Contains(err.Error(), poison) {
			t.Errorf("Ready: %v", err)
		}
		idp.breaks(nil, path)
		time.Sleep(10 * time.Second)
		mustAdmit(t, guard, idp.token())
		if err := auth.Ready(t.Context()); err != nil {
			t.Errorf("Ready: %v", err)
		}
	})
}

func wantOutage(t *testing.T, auth *core.Auth, err error) {
	t.Helper()
	answer := auth.Answer(t.Context(), core.Credentials{}, err)
	if answer.Status != http.StatusServiceUnavailable || string(answer.Body) != `{"detail":"OIDC server unavailable, cannot validate token."}` {
		t.Errorf("got %d %s", answer.Status, answer.Body)
	}
	if answer.Header.Get("Retry-After") != "10" || answer.Header.Get("WWW-Authenticate") != "" {
		t.Errorf("got header %v", answer.Header)
	}
	if strings.Contains(err.Error()+errors.Unwrap(err).Error(), poison) {
		t.Errorf("TRUST 0.9: the provider's text is in %v: %v", err, errors.Unwrap(err))
	}
}

// TRUST 0.12: the first caller after a short outage at the start does not wait for a cool-down.
func TestRecoveryAtOnceAfterTheStart(t *testing.T) {
	eachFault(t, func(t *testing.T, idp *memoryIDP, fault fault, path string) {
		guard := idp.auth().Required()
		idp.breaks(fault, path)
		wantStatus(t, guard, idp.token(), http.StatusServiceUnavailable)
		idp.breaks(nil, path)
		wantStatus(t, guard, idp.token(), http.StatusOK)
	})
}

// TRUST 0.8, 2.3: a guard that has the keys serves on during a fault, without a wait; strangers' kids are answered
// within Timeout. Warned of once, and of the recovery once.
func TestWarmGuardUnderFaults(t *testing.T) {
	eachFault(t, func(t *testing.T, idp *memoryIDP, fault fault, path string) {
		guard := idp.auth().Required()
		mustAdmit(t, guard, idp.token())
		idp.breaks(fault, path)
		time.Sleep(map[string]time.Duration{keysPath: 13 * time.Minute, discoveryPath: 61 * time.Minute}[path])
		start := time.Now()
		mustAdmit(t, guard, idp.token())
		if time.Since(start) != 0 {
			t.Errorf("waited %s", time.Since(start))
		}
		if _, err := admit(t, guard, idp.tokenOf("stranger")); err == nil || time.Since(start) > 10*time.Second {
			t.Errorf("a stranger's kid: %v after %s", err, time.Since(start))
		}
		idp.breaks(nil, path)
		idp.setKids("k2")
		time.Sleep(13 * time.Minute)
		wantStatus(t, guard, idp.tokenOf("k2"), http.StatusOK)
		wantStatus(t, guard, idp.token(), http.StatusUnauthorized)
		logs := idp.logs.String()
		if fails, heals := strings.Count(logs, "cannot be fetched"), strings.Count(logs, "can be fetched again"); fails != 1 || heals != 1 {
			t.Errorf("%d warnings, %d all-clears:\n%s", fails, heals, logs)
		}
	})
}

// D-38: no token is never an outage, and costs the provider nothing.
func TestNoTokenDuringAnOutage(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	idp.breaks(refuse, discoveryPath, keysPath)
	caller, err := decide(t.Context(), auth.Required(), nil)
	if got := statusOf(t, caller, err); got != http.StatusUnauthorized {
		t.Errorf("got %d", got)
	}
	wantStatus(t, auth.Required(), "no.valid.token", http.StatusUnauthorized)
	if caller, err := decide(t.Context(), auth.Optional(), nil); caller != nil || err != nil {
		t.Errorf("got %v, %v", caller, err)
	}
	if got := idp.count(discoveryPath) + idp.count(keysPath); got != 0 {
		t.Errorf("%d calls to the provider", got)
	}
}

// D-41: during an outage an optional guard has guests, not failures; with RejectInvalid it is an outage.
func TestOptionalDuringAnOutage(t *testing.T) {
	idp := newIDP(t)
	auth := idp.auth()
	idp.breaks(refuse, discoveryPath)
	if caller, err := admit(t, auth.Optional(), idp.token()); caller != nil || err != nil {
		t.Errorf("got %v, %v", caller, err)
	}
	wantStatus(t, auth.Optional(core.RejectInvalid), idp.token(), http.StatusServiceUnavailable)
}

// A caller who leaves is not kept.
func TestCallerWhoLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		idp := newIDP(t)
		guard := idp.auth().Required()
		idp.breaks(slowly(8*time.Second), keysPath)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		start := time.Now()
		caller, err := decide(ctx, guard, []string{"Bearer " + idp.token()})
		if got := statusOf(t, caller, err); got != http.StatusServiceUnavailable || time.Since(start) != time.Second {
			t.Errorf("got %d after %s", got, time.Since(start))
		}
	})
}

// TRUST 0.2, O16, D-42: the discovery document has to be the configured provider's.
func TestDiscoveryIsCompared(t *testing.T) {
	for name, c := range map[string]struct {
		document   claims
		configured string
		status     int
	}{
		"with a trailing slash":        {claims{"issuer": issuer + "/"}, "", 401}, // the document is taken; the token names another
		"another host":                 {claims{"issuer": "https://evil.example/realm"}, "", 503},
		"a parent":                     {claims{"issuer": "https://idp.example"}, "", 503},
		"another case":                 {claims{"issuer": strings.ToUpper(issuer)}, "", 503},
		"two slashes":                  {claims{"issuer": issuer + "//"}, "", 503},
		"of another type":              {claims{"issuer": []string{issuer}}, "", 503},
		"none":                         {claims{"issuer": nil}, "", 503},
		"as configured":                {claims{"issuer": issuer}, issuer, 200},
		"not as configured":            {claims{"issuer": issuer + "/"}, issuer, 503},
		"configured, not discovered":   {claims{"issuer": issuer}, issuer + "/", 503},
		"keys over http":               {claims{"jwks_uri": "http://idp.example/realm/keys"}, "", 503},
		"keys in a file":               {claims{"jwks_uri": "file:///etc/passwd"}, "", 503},
		"no keys":                      {claims{"jwks_uri": nil}, "", 503},
		"keys of another type":         {claims{"jwks_uri": 1}, "", 503},
		"token endpoint over http":     {claims{"token_endpoint": "http://idp.example/realm/token"}, "", 503},
		"token endpoint with userinfo": {claims{"token_endpoint": "https://a:b@idp.example/"}, "", 503},
	} {
		t.Run(name, func(t *testing.T) {
			idp := newIDP(t)
			idp.change(func() { idp.metadata = c.document })
			wantStatus(t, idp.auth(func(config *core.Config) { config.Issuer = c.configured }).Required(), idp.token(), c.status)
		})
	}
}
