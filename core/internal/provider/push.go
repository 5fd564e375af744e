package provider

import (
	"context"
	"maps"
	"net/url"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/observe"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
)

// Bounds of the answer to a pushed request. A request_uri becomes a part of an address.
const (
	maxRequestURI = 1024      // bytes
	maxPushedLife = 1_000_000 // seconds
)

// Push sends the parameters of an authorization request to the provider (RFC 9126 section 2) and returns the request_uri that stands for
// them, which is good for one login. The error is a fault: of kind Client if the provider refuses the request, whatever its code, else of
// kind Outage, Unusable or Internal. It does not change parameters.
func (p *Provider) Push(ctx context.Context, meta *Metadata, parameters url.Values) (string, error) {
	ctx, end := p.cfg.Observe.Call(ctx, observe.Push)
	address, err := p.TryPush(ctx, meta, parameters)
	end(err)
	p.pushes.Seen(ctx, unanswered(err))
	if fault.Is(err, fault.Client) { // a success says nothing about the token endpoint, where the same client may be refused
		p.registration.Seen(ctx, err)
	}
	return address, err
}

// TryPush is [Provider.Push] without log and Observe.
func (p *Provider) TryPush(ctx context.Context, meta *Metadata, parameters url.Values) (string, error) {
	if meta.PushedRequests == "" {
		return "", &fault.Error{Kind: fault.Unusable, Part: fault.Endpoint, Name: "pushed_authorization_request_endpoint"}
	}
	answer, err := p.post(ctx, meta, meta.PushedRequests, maps.Clone(parameters))
	switch {
	case err != nil:
		return "", callFault(err)
	case answer.Status >= 400:
		return "", p.pushRefusal(meta, answer)
	}
	return readRequestURI(answer.Object)
}

// pushRefusal returns the fault for a refused push. The provider has not seen the user, so every code is about this service.
func (p *Provider) pushRefusal(meta *Metadata, answer *fetch.Answer) error {
	f := p.Client.refusalAt(meta.PushedRequests, answer.Status, codeOf(answer))
	f.Kind = fault.Client
	if mistake, ok := f.Err.(*trouble.Mistake); ok { //nolint:errorlint // refusalAt has just made it
		mistake.Check = strings.TrimPrefix(mistake.Check+", Config.PushedRequests", ", ")
	}
	return f
}

func readRequestURI(object strictjson.Object) (string, error) {
	var read texts
	address := read.of(object, "request_uri")
	life, timed, err := object.Number("expires_in", true)
	switch {
	case read.bad || err != nil || timed && (life < 1 || life > maxPushedLife):
		return "", fault.Bad(fault.Provider, nil)
	case address == "":
		return "", missing("request_uri")
	case !timed:
		return "", missing("expires_in")
	case !isRequestURI(address):
		return "", fault.Bad(fault.Provider, nil)
	}
	return address, nil
}

// isRequestURI reports whether text is an absolute URI of at most 1024 printable ASCII characters, commonly a URN (RFC 9126 section 2.2).
func isRequestURI(text string) bool {
	if len(text) > maxRequestURI || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return false
	}
	u, err := url.Parse(text)
	return err == nil && u.Scheme != "" && (u.Opaque != "" || u.Host != "")
}
