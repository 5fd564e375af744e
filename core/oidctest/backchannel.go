package oidctest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	logoutLife = 2 * time.Minute
	// logoutEvent is the event of a logout token (OpenID Connect Back-Channel Logout section 2.4).
	logoutEvent = "http://schemas.openid.net/event/backchannel-logout"
)

// LogoutToken returns a signed logout token for the client "app" (OpenID Connect Back-Channel Logout section 2.4). It ends all sessions of
// a user at a service; with a claim sid, it ends that session. It is valid for two minutes. claims add to or replace the default ones, and a
// nil value removes a claim, so that a test can make every kind of invalid token. It does not end the provider's own session.
func (p *Provider) LogoutToken(user string, claims ...Claims) string {
	return p.logoutToken(ConfidentialClient, Claims{"sub": user}, claims...)
}

func (p *Provider) logoutToken(client string, whom Claims, more ...Claims) string {
	now := p.clockNow()
	all := Claims{
		"iss": p.issuer, "aud": client, "iat": now.Unix(), "exp": now.Add(logoutLife).Unix(), "jti": randomHex(16), "events": Claims{logoutEvent: Claims{}},
	}
	maps.Copy(all, whom)
	for _, claims := range more {
		maps.Copy(all, deepCopy(claims))
	}
	return p.Sign("logout+jwt", withoutNil(all))
}

// EndSessions ends every login of a user with a refresh token and the user's sessions in browsers, as an administrator does at a real
// provider. It posts one logout token for each client and sid of these logins to the client's BackChannelLogoutURI, over the network
// also for a provider of [WithoutNetwork]. The error joins one error for each address that could not be reached or did not answer 200 or 204.
func (p *Provider) EndSessions(ctx context.Context, user string) error {
	type login struct{ client, sid string }
	var logins []login
	p.mu.Lock()
	for _, family := range p.families.entries {
		if family.grant.user == user && !family.ended {
			family.ended = true
			if told := (login{family.client, family.sid()}); !slices.Contains(logins, told) {
				logins = append(logins, told)
			}
		}
	}
	for _, session := range p.browsers.entries {
		session.ended = session.ended || session.user == user
	}
	p.mu.Unlock()
	var errs []error
	for _, login := range logins {
		client, known := p.client(login.client)
		if known && client.BackChannelLogoutURI != "" {
			errs = append(errs, postLogout(ctx, client.BackChannelLogoutURI, p.logoutToken(login.client, Claims{"sub": user, "sid": login.sid})))
		}
	}
	return errors.Join(errs...)
}

func postLogout(ctx context.Context, address, token string) error {
	form := url.Values{"logout_token": {token}}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK && answer.StatusCode != http.StatusNoContent {
		return fmt.Errorf("oidctest: %s answered the logout token with %d", address, answer.StatusCode)
	}
	return nil
}
