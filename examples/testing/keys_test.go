package main

import (
	"net/http"
	"testing"
)

func TestProviderChangesItsKey(t *testing.T) {
	idp, _, router := newApp(t)
	before := idp.Bearer("bob")
	if answer := get(router, "/dashboard", "Authorization", before); answer.Code != http.StatusOK {
		t.Fatalf("before: %d", answer.Code)
	}
	if err := idp.RotateKey("ES256"); err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"the old key": before, "the new key": idp.Bearer("bob")} {
		if answer := get(router, "/dashboard", "Authorization", token); answer.Code != http.StatusOK {
			t.Errorf("%s: %d %s", name, answer.Code, answer.Body)
		}
	}
}
