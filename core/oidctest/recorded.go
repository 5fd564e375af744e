package oidctest

import (
	"net/http"
	"net/url"
	"slices"
)

// Recorded is a request that an endpoint received, see [Provider.Last]. Do not change its maps.
type Recorded struct {
	Method string
	Header http.Header
	Query  url.Values // parameters of the URL
	Form   url.Values // parameters of the body
}

// Hits returns the number of requests that an endpoint has received, failed ones included.
func (p *Provider) Hits(endpoint Endpoint) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.hits[endpoint]
}

// Last returns the last request to an endpoint, or the zero value if there was none.
func (p *Provider) Last(endpoint Endpoint) Recorded {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := p.asked[endpoint]
	if len(all) == 0 {
		return Recorded{}
	}
	return all[len(all)-1]
}

// Asked returns the last requests to an endpoint, oldest first, at most 100.
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
