package oidctest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Approve is a browser in which user logs in: it opens an authorization URL of this provider (what a login route
// redirects to), presses the user's button, and returns where the provider sends the browser, with code, state and iss
// in the query, or with error where there was no page. The error says that the provider refused the request on a page
// of its own.
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
	if !strings.HasPrefix(authorizationURL, p.URL(Authorization)+"?") {
		return nil, errors.New("oidctest: not an authorization URL of this provider")
	}
	back, err := p.browse(http.MethodGet, authorizationURL, nil)
	if back != nil || err != nil {
		return back, err
	}
	back, err = p.browse(http.MethodPost, authorizationURL, button)
	if back == nil && err == nil {
		err = errors.New("oidctest: the provider did not send the browser back")
	}
	return back, err
}

// browse makes one request: where it was redirected to, nil for a page.
func (p *Provider) browse(method, address string, form url.Values) (*url.URL, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if p.server == nil {
		client.Transport = transport{p}
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusSeeOther:
		return url.Parse(response.Header.Get("Location"))
	case http.StatusOK:
		return nil, nil
	default:
		return nil, errors.New("oidctest: the provider refused the request")
	}
}
