package oidctest

import (
	"net/http"
	"net/url"
	"slices"
)

// Recorded is a request to an endpoint.
type Recorded struct {
	Method string
	Header http.Header
	Query  url.Values
	Form   url.Values // of the body
}

// Hits returns the number of requests to an endpoint.
func (p *Provider) Hits(endpoint Endpoint) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[endpoint]
}

// Last returns the last request to an endpoint, the zero value if there was none.
func (p *Provider) Last(endpoint Endpoint) Recorded {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.asked[endpoint]
	if len(all) == 0 {
		return Recorded{}
	}
	return all[len(all)-1]
}

// Asked returns the requests to an endpoint, oldest first, at most the last 100.
func (p *Provider) Asked(endpoint Endpoint) []Recorded {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked[endpoint])
}

// maxRecorded is how many requests are kept per endpoint.
const maxRecorded = 100

// record keeps a request. The caller holds mu.
func (p *Provider) record(endpoint Endpoint, request Recorded) {
	all := append(p.asked[endpoint], request)
	p.asked[endpoint] = all[max(0, len(all)-maxRecorded):]
}

func cloneValues(values url.Values) url.Values {
	out := make(url.Values, len(values))
	for name, list := range values {
		out[name] = slices.Clone(list)
	}
	return out
}
