package oidctest

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"strings"
)

// Approve logs a user in, in a new browser. It opens an authorization URL of this provider, to which a login route redirects, presses the
// user's button or types the password, and allows the scopes on a consent page. It returns the URL to which the provider redirects. The
// query of that URL contains code, state and iss, or error if the provider refused the request; with response_mode=form_post, it is what the
// browser would post to the URL without it. Approve itself returns an error for an
// unknown user, for a URL of another endpoint or provider, and if the provider answered with an error page. It does not call the service.
func (p *Provider) Approve(authorizationURL, user string) (*url.URL, error) {
	return p.Browser().Approve(authorizationURL, user)
}

// Deny presses Deny on the login page, in a new browser. It returns the URL to which the provider redirects, with error=access_denied; if
// the provider shows no login page, as with [WithAutoLogin], it returns the outcome of the login. Its errors are those of [Provider.Approve].
func (p *Provider) Deny(authorizationURL string) (*url.URL, error) {
	return p.Browser().Deny(authorizationURL)
}

// Browser acts as the browser of a user. It keeps the provider's session cookie, so that a second login needs no login page. Make one with
// [Provider.Browser]. Safe for concurrent use.
type Browser struct {
	provider *Provider
	client   *http.Client
}

// Browser returns a browser in which nobody is logged in.
func (p *Provider) Browser() *Browser {
	jar, _ := cookiejar.New(nil) // without options it cannot fail
	client := &http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	if p.server == nil {
		client.Transport = transport{p}
	} else {
		// Every httptest.Server that closes closes the default transport's idle connections, and a connection counts as idle
		// shortly before an answer without a body is handed on.
		client.Transport = p.server.Client().Transport
	}
	return &Browser{p, client}
}

// Approve is [Provider.Approve] in this browser. If a user is logged in already and the provider shows no login page, the login is that of
// this user, whatever the parameter user says.
func (b *Browser) Approve(authorizationURL, user string) (*url.URL, error) {
	if !b.provider.knows(user) {
		return nil, errors.New("oidctest: no such user")
	}
	return b.press(authorizationURL, b.provider.buttons(user))
}

// Deny is [Provider.Deny] in this browser: it presses Deny on the login page or on the consent page. If the provider shows neither, the
// login succeeds.
func (b *Browser) Deny(authorizationURL string) (*url.URL, error) {
	return b.press(authorizationURL, url.Values{"deny": {"1"}})
}

// Open opens an address of this provider, such as the one to which a login or a logout redirects, and presses no buttons. It returns the URL
// to which the provider redirects, or nil if the provider shows a page. It returns an error for an address of another server, and if the
// provider answered with an error page.
func (b *Browser) Open(address string) (*url.URL, error) {
	if !strings.HasPrefix(address, b.provider.issuer+"/") {
		return nil, errors.New("oidctest: not an address of this provider")
	}
	back, _, err := b.browse(http.MethodGet, address, nil)
	return back, err
}

func (b *Browser) press(authorizationURL string, button url.Values) (*url.URL, error) {
	if !strings.HasPrefix(authorizationURL, b.provider.URL(Authorization)+"?") {
		return nil, errors.New("oidctest: not an authorization URL of this provider")
	}
	back, page, err := b.browse(http.MethodGet, authorizationURL, nil)
	for pages := 0; back == nil && err == nil; pages++ { // the login page and the consent page
		if pages == 2 {
			return nil, errors.New("oidctest: the provider did not send the browser back")
		}
		form := button
		if field := consentField.FindStringSubmatch(page); field != nil {
			form = url.Values{"consent": field[1:]}
			if button.Has("deny") {
				form.Set("deny", "1")
			}
		}
		back, page, err = b.browse(http.MethodPost, authorizationURL, form)
	}
	return back, err
}

// consentField is the hidden field of the consent page.
var consentField = regexp.MustCompile(`name="consent" value="([0-9a-f]+)"`)

// browse makes one request and returns the target of a redirect, nil for a page, and the page.
func (b *Browser) browse(method, address string, form url.Values) (*url.URL, string, error) {
	request, err := http.NewRequestWithContext(context.Background(), method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return nil, "", err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := b.client.Do(request)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusSeeOther:
		back, err := url.Parse(response.Header.Get("Location"))
		return back, "", err
	case http.StatusOK:
		page, err := io.ReadAll(response.Body)
		return postOf(string(page)), string(page), err
	default:
		return nil, "", errors.New("oidctest: the provider refused the request")
	}
}
