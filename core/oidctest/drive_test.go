package oidctest_test

import (
	"errors"
	"net/http"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

type broken struct{}

func (broken) RoundTrip(*http.Request) (*http.Response, error) {
	return nil, errors.New("the default transport")
}

// A login does not depend on the default transport: whenever a server of net/http/httptest closes, that loses its idle
// connections, and now and then the answer of one that is just becoming idle.
func TestApproveHasItsOwnConnections(t *testing.T) {
	p := oidctest.NewProvider(t)
	before := http.DefaultTransport
	defer func() { http.DefaultTransport = before }()
	http.DefaultTransport = broken{}
	if _, err := p.Approve(authorizationURL(p, nil), "alice"); err != nil {
		t.Error(err)
	}
}
