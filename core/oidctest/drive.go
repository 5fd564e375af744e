package oidctest

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Approve logs a user in as in a browser: it opens an authorization URL of this provider (the redirect of a login route),
// presses the user's button, and returns the URL to which the provider redirects, with code, state and iss in the query, or
// with error if the provider showed no login page. It returns an error for an unknown user or another URL, and if the provider
// answered with an error page.
func (p *Provider) Approve(authorizationURL, user string) (*url.URL, error) {
	if !p.knows(user) {
		return nil, errors.New("oidctest: no such user")
	}
	return p.press(authorizationURL, url.Values{"user": {user}})
}

// Deny refuses the login as in a browser; otherwise it is like [Provider.Approve].
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

// browse makes one request and returns the target of a redirect, nil for a page.
func (p *Provider) browse(method, address string, form url.Values) (*url.URL, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if p.server == nil {
		client.Transport = transport{p}
	} else {
		// Every httptest.Server that closes closes the default transport's idle connections, and a connection counts as idle
		// shortly before an answer without a body is handed on.
		client.Transport = p.server.Client().Transport
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
