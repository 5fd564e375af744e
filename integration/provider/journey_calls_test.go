package provider

import (
	"net/http"
	"sync"
)

// calls notes what an application asks its provider.
type calls struct {
	mu   sync.Mutex
	list []call
}

type call struct {
	method, path string
	status       int
}

// RoundTrip is [http.RoundTripper.RoundTrip].
func (c *calls) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(request)
	if err == nil {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.list = append(c.list, call{request.Method, request.URL.Path, response.StatusCode})
	}
	return response, err
}

// count is how many calls of a method were answered with a status.
func (c *calls) count(method string, status int) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.list {
		if call.method == method && call.status == status {
			n++
		}
	}
	return n
}

// at is how many calls went to a path.
func (c *calls) at(path string) (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, call := range c.list {
		if call.path == path {
			n++
		}
	}
	return n
}
