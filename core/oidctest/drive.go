package oidctest

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Approve is a browser in which user logs in: it opens an authorization URL of this provider (what a login route
// redirects to) and returns where the provider sends the browser, with code, state and iss in the query. The error says
// that the provider refused the request on a page of its own.
func (p *Provider) Approve(authorizationURL, user string) (*url.URL, error) {
	if !p.knows(user) {
		return nil, errors.New("oidctest: no such user")
	}
	return p.press(authorizationURL, url.Values{"user": {user}})
}

// Deny is a browser in which somebody refuses the login.
func (p *Provider) Deny(authorizationURL string) (*url.URL, error) {
	return p.press(authorizationURL, url.Values{"deny": {"1"}})
}

func (p *Provider) press(authorizationURL string, button url.Values) (*url.URL, error) {
	if !strings.HasPrefix(authorizationURL, p.issuer+"/authorize?") {
		return nil, errors.New("oidctest: not an authorization URL of this provider")
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	request, err := http.NewRequest(http.MethodPost, authorizationURL, strings.NewReader(button.Encode())) //nolint:noctx // loopback, and this very process
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close() //nolint:errcheck // nothing is read of it
	target := response.Header.Get("Location")
	if response.StatusCode != http.StatusSeeOther || target == "" {
		return nil, errors.New("oidctest: the provider did not send the browser back")
	}
	return url.Parse(target)
}
