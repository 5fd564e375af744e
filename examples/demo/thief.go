package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// maxLoot is how many refresh tokens the thief remembers.
const maxLoot = 1000

// thief has read along when the provider issued tokens, and can use a refresh token that a service holds. Safe for concurrent use.
type thief struct {
	provider *oidctest.Provider
	mu       sync.Mutex
	loot     map[string]string // refresh tokens by the access token that came with them
	own      string            // the refresh token that the thief got for a stolen one
}

var errNothingStolen = errors.New("the thief knows no refresh token of this session: log out and in again")

func newThief(provider *oidctest.Provider) *thief {
	t := &thief{provider: provider, loot: make(map[string]string)}
	provider.Tamper(oidctest.TokenAnswers, func(answer oidctest.Claims) { // changes nothing
		access, _ := answer["access_token"].(string)
		refresh, _ := answer["refresh_token"].(string)
		t.keep(access, refresh)
	})
	return t
}

func (t *thief) keep(access, refresh string) {
	if access == "" || refresh == "" {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.loot) >= maxLoot {
		clear(t.loot)
	}
	t.loot[access] = refresh
}

// steal spends the refresh token that belongs to an access token, before the service does.
func (t *thief) steal(ctx context.Context, access string) error {
	t.mu.Lock()
	refresh := t.loot[access]
	t.mu.Unlock()
	if refresh == "" {
		return errNothingStolen
	}
	return t.redeem(ctx, refresh)
}

// again tries to go on with what the theft brought; a refusal is an error.
func (t *thief) again(ctx context.Context) error {
	t.mu.Lock()
	refresh := t.own
	t.mu.Unlock()
	if refresh == "" {
		return errNothingStolen
	}
	return t.redeem(ctx, refresh)
}

var spender = &http.Client{Timeout: 10 * time.Second}

func (t *thief) redeem(ctx context.Context, refresh string) error {
	form := url.Values{"grant_type": {"refresh_token"}, "refresh_token": {refresh}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, t.provider.URL(oidctest.Token), strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	request.SetBasicAuth(oidctest.ConfidentialClient, oidctest.ClientSecret)
	response, err := spender.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var answer struct {
		Refresh string `json:"refresh_token"`
		Error   string `json:"error"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, 1<<20)).Decode(&answer); err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK {
		return errors.New("the provider says " + answer.Error)
	}
	t.mu.Lock()
	t.own = answer.Refresh
	t.mu.Unlock()
	return nil
}
