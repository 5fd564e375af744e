package contract

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

const (
	crowd  = 32 // users at the same time
	rounds = 10 // requests of each at the guard, and at userinfo
)

// member is one of many concurrent users: what it sends, and what only it may get.
type member struct {
	*site
	name, header, refresh string
}

// testManyUsers: concurrent requests never see each other's caller, form or answer.
func testManyUsers(t *testing.T, a setup) {
	s := a.open(t, plan{build: func(app App) {
		standard(t, app)
		app.Get("/optional", who, Optional())
	}})
	members := make([]*member, crowd)
	for i := range members {
		name := fmt.Sprintf("user-%02d", i)
		s.idp.AddUser(oidctest.User{Name: name, Claims: oidctest.Claims{"sub": name, "preferred_username": name, "email": name + "@example.org"}})
		members[i] = &member{s, name, s.bearer(name), s.tokens(s.codeForm(name)).RefreshToken}
	}
	errs := make([]error, crowd)
	var all sync.WaitGroup
	for i, m := range members {
		all.Go(func() { errs[i] = m.live() })
	}
	all.Wait()
	if err := errors.Join(errs...); err != nil {
		t.Error(err)
	}
}

func (m *member) live() error {
	me := seen(m.name, 2)
	info := jsonWith(http.StatusOK, fmt.Sprintf(`{"username":"%s","last_name":"","first_name":"","pw_name":"%s","email":"%s@example.org"}`, m.name, m.name, m.name))
	for round := range rounds {
		errs := []error{
			m.expect(http.MethodGet, "/me", me, m.header),
			m.expect(http.MethodGet, userInfo, info, m.header),
			m.expect(http.MethodGet, "/optional", seen("", 1)),
			m.expect(http.MethodGet, "/me", badToken(), m.header+"x"),
		}
		if round%4 == 0 {
			errs = append(errs, m.renew())
		}
		if err := errors.Join(errs...); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

func (m *member) expect(method, path, want string, headers ...string) error {
	got, err := m.try(method, path, nil, headers...)
	if err == nil && got.text() != want {
		err = fmt.Errorf("%s\n--- got\n%s\n--- want\n%s", path, got.text(), want)
	}
	return err
}

// renew refreshes at the token route; the answer must be this member's.
func (m *member) renew() error {
	form := url.Values{"refresh-token": {m.refresh}}.Encode()
	got, err := m.try(http.MethodPost, token, strings.NewReader(form), "Content-Type: application/x-www-form-urlencoded")
	if err != nil {
		return err
	}
	var tokens core.Token
	if err := json.Unmarshal([]byte(got.body), &tokens); err != nil || got.status != http.StatusOK {
		return fmt.Errorf("token: %s", got.text())
	}
	m.refresh = tokens.RefreshToken
	return m.expect(http.MethodGet, "/me", seen(m.name, 2), "Authorization: Bearer "+tokens.AccessToken)
}
