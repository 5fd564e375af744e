package main

import (
	"net/http"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Each sample is refused at the check that it is about, and every check before that has passed.
func TestEverySampleFailsItsCheck(t *testing.T) {
	d := newDemo(t, anywhere(t, "nethttp"))
	b := newBrowser(t, d)
	refusedAt := map[string]string{
		"good": "", "signature": "signature", "key": "key", "issuer": "issuer", "audience": "audience", "expired": "expiry",
		"future": "not before", "kind": "kind", "claims": "claims", "form": "form",
	}
	if len(samples) != len(refusedAt) {
		t.Errorf("%d samples", len(samples))
	}
	for _, sample := range samples {
		seen := readAs[inspection](t, b.control("inspect", "token", sample.Name))
		want, known := refusedAt[sample.Name]
		if !known || seen.Good != (want == "") || len(seen.Checks) != 10 {
			t.Errorf("%s: %+v", sample.Name, seen)
		}
		at := -1
		for i, check := range seen.Checks {
			if check.Verdict == "refused" {
				at = i
				if check.Check != want || check.Reason == "" {
					t.Errorf("%s is refused at %s: %s", sample.Name, check.Check, check.Reason)
				}
			}
		}
		for i, check := range seen.Checks {
			passed := check.Verdict == "passed"
			if before := at < 0 || i < at; passed != (before && want != "kind") {
				t.Errorf("%s: the check of %s is %s", sample.Name, check.Check, check.Verdict)
			}
		}
	}
}

// The token of the session, and a pasted one, are shown without their signature.
func TestInspectorOfTheSession(t *testing.T) {
	d := newDemo(t, anywhere(t, "nethttp"))
	b := newBrowser(t, d)
	if nobody := b.control("inspect", "token", "session"); nobody.status != http.StatusConflict {
		t.Errorf("without a session: %d %s", nobody.status, nobody.body)
	}
	b.login("/office", "bob")
	mine := b.control("inspect", "token", "session", "service", "/office")
	if seen := readAs[inspection](t, mine); !seen.Good || seen.Service != "Office" || seen.Claims["sub"] != "bob" || seen.Header["typ"] != "at+jwt" {
		t.Errorf("the session's token: %s", mine.body)
	}
	token := d.provider.AccessToken("carol", oidctest.Claims{"aud": "warehouse"})
	pasted := b.control("inspect", "token", "pasted", "pasted", " Bearer "+token+"\n")
	if seen := readAs[inspection](t, pasted); seen.Good || seen.Verdict != "refused: wrong audience" || seen.Claims["sub"] != "carol" {
		t.Errorf("a pasted token: %s", pasted.body)
	}
	if signature := token[strings.LastIndex(token, ".")+1:]; strings.Contains(pasted.body, signature) {
		t.Error("the answer has the signature")
	}
	for _, bad := range []string{"", "a.b.c", "....", strings.Repeat("x", 100_000)} {
		if answer := b.control("inspect", "token", "pasted", "pasted", bad); answer.status != http.StatusOK || readAs[inspection](t, answer).Good {
			t.Errorf("%.10q: %d", bad, answer.status)
		}
	}
}
