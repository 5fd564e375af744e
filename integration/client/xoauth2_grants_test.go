package client

import (
	"context"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// Names of RFC 8628 section 3.4 and RFC 8693 sections 2.1 and 3.
const (
	deviceGrant     = "urn:ietf:params:oauth:grant-type:device_code"
	exchangeGrant   = "urn:ietf:params:oauth:grant-type:token-exchange"
	accessTokenType = "urn:ietf:params:oauth:token-type:access_token"
)

func (p *program) device(t *testing.T) *oauth2.DeviceAuthResponse {
	t.Helper()
	start, err := p.DeviceAuth(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if left := time.Until(start.Expiry); start.Interval != 1 || left < 595*time.Second || left > 600*time.Second || !strings.Contains(start.VerificationURIComplete, start.UserCode) {
		t.Errorf("device: %+v", start)
	}
	return start
}

func (p *program) devicePolls(t *testing.T) {
	start := p.device(t)
	before := p.idp.Hits(oidctest.Token)
	approved := make(chan error, 1)
	go func() { // once a poll has found it pending
		for p.idp.Hits(oidctest.Token) == before && t.Context().Err() == nil {
			time.Sleep(20 * time.Millisecond)
		}
		approved <- p.idp.ApproveDevice(start.UserCode, "bob")
	}()
	token, err := p.DeviceAccessToken(t.Context(), start)
	if err != nil {
		t.Fatal(err)
	}
	if err := <-approved; err != nil {
		t.Fatal(err)
	}
	p.works(t, token, "bob")
	next, err := p.refresh(t.Context(), token.RefreshToken)
	if err != nil {
		t.Fatal(err)
	}
	p.works(t, next, "bob")
	_, err = p.DeviceAccessToken(t.Context(), start)
	refused(t, "the same code again", err, "invalid_grant")
}

// once asks the token route once, in one way of client authentication.
func (p *program) once(ctx context.Context, form url.Values) (*oauth2.Token, error) {
	config := clientcredentials.Config{ClientID: p.ClientID, TokenURL: p.Endpoint.TokenURL, AuthStyle: oauth2.AuthStyleInParams, EndpointParams: form}
	return config.Token(ctx)
}

func (p *program) deviceRefused(t *testing.T) {
	start := p.device(t)
	poll := url.Values{"grant_type": {deviceGrant}, "device_code": {start.DeviceCode}}
	for _, code := range []string{"authorization_pending", "slow_down"} {
		_, err := p.once(t.Context(), poll)
		refused(t, code, err, code)
	}
	if err := p.idp.DenyDevice(start.UserCode); err != nil {
		t.Fatal(err)
	}
	_, err := p.once(t.Context(), poll)
	refused(t, "denied", err, "access_denied")
}

func (p *program) deviceExpired(t *testing.T) {
	start := p.device(t)
	p.idp.Advance(time.Hour)
	_, err := p.once(t.Context(), url.Values{"grant_type": {deviceGrant}, "device_code": {start.DeviceCode}})
	refused(t, "an hour later", err, "expired_token")
}

func (p *program) exchanges(t *testing.T) {
	form := url.Values{"grant_type": {exchangeGrant}, "subject_token": {p.idp.AccessToken("alice")}, "subject_token_type": {accessTokenType}, "scope": {"profile"}}
	token, err := p.once(t.Context(), form)
	if err != nil {
		t.Fatal(err)
	}
	p.works(t, token, "alice")
	if token.Extra("issued_token_type") != accessTokenType || token.Extra("scope") != "profile" || token.RefreshToken != "" {
		t.Errorf("%v %v, refresh token of %d characters", token.Extra("issued_token_type"), token.Extra("scope"), len(token.RefreshToken))
	}
	form.Set("subject_token", token.AccessToken)
	_, err = p.once(t.Context(), form)
	refused(t, "an own token", err, "invalid_grant")
	form.Set("audience", "https://elsewhere.example")
	_, err = p.once(t.Context(), form)
	refused(t, "another service", err, "invalid_target")
}

func (p *program) exchangeNotOffered(t *testing.T) {
	_, err := p.once(t.Context(), url.Values{"grant_type": {exchangeGrant}, "subject_token": {p.idp.AccessToken("alice")}})
	refused(t, "passthrough", err, "unsupported_grant_type")
}

func (p *program) withoutRefresh(t *testing.T) {
	p.orders(t)["no-refresh"]()
	defer p.orders(t)["heal"]()
	token := p.tokens(t, "alice")
	p.works(t, token, "alice")
	if token.RefreshToken != "" || token.Extra("refresh_token") != nil {
		t.Errorf("there is one: %v", token.Extra("refresh_token"))
	}
}
