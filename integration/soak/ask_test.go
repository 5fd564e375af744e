package soak

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// newTransport makes one that keeps connections, so that a request costs little on this side.
func newTransport() *http.Transport {
	return &http.Transport{MaxIdleConnsPerHost: 200, ResponseHeaderTimeout: 30 * time.Second, DisableCompression: true}
}

// answer is what came for a request.
type answer struct {
	on       *instance
	from, to time.Time
	status   int // 0: no answer
	header   http.Header
	body     string
	err      error
}

// ask sends a request. The header is not changed, and may be shared.
func (i *instance) ask(method, path string, header http.Header, form url.Values) *answer {
	a := &answer{on: i, from: time.Now()}
	defer func() { a.to = time.Now() }()
	address, err := url.Parse(i.base + path)
	if err != nil {
		a.err = err
		return a
	}
	if header == nil {
		header = http.Header{} // a transport wants one
	}
	request := &http.Request{Method: method, URL: address, Header: header, Host: address.Host}
	if form != nil {
		text := form.Encode()
		request.Body, request.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	}
	response, err := i.transport.RoundTrip(request)
	if err != nil {
		a.err = err
		return a
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		a.err = err
		return a
	}
	a.status, a.header, a.body = response.StatusCode, response.Header, string(text)
	return a
}

const (
	form = "application/x-www-form-urlencoded"
	// site is the origin of the service: a browser sees one host.
	site = "http://localhost:8080"
)

// navigation is what a browser sends when a person goes to an address, with cookies.
func navigation(cookies string) http.Header {
	h := http.Header{"Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}, "Sec-Fetch-Site": {"none"}, "Accept": {"text/html"}}
	if cookies != "" {
		h.Set("Cookie", cookies)
	}
	return h
}

// script is what it sends for a script of the site.
func script(cookies string) http.Header {
	return http.Header{"Sec-Fetch-Mode": {"cors"}, "Sec-Fetch-Dest": {"empty"}, "Sec-Fetch-Site": {"same-origin"}, "Accept": {"*/*"}, "Cookie": {cookies}}
}

// posted is what it sends with the form of a page of the site.
func posted(cookies string) http.Header {
	h := navigation(cookies)
	h.Set("Sec-Fetch-Site", "same-origin")
	h.Set("Origin", site)
	h.Set("Content-Type", form)
	return h
}

func bearerHeader(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
