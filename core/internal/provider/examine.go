package provider

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// Examination is what the provider answers now, past the caches.
type Examination struct {
	Meta    *Metadata // nil if the discovery document cannot be used, and without DiscoveryURL
	MetaErr error     // why it cannot
	Offers  Offers    // of the document
	Foreign string    // another issuer in the document than the expected one: the provider's text; "" if that is not the reason
	Member  string    // the member whose address may not be called; "" if that is not the reason

	Keys    jose.Set // the usable keys
	Listed  int      // all keys of the document
	KeysErr error    // why there are none

	Clock Clock
}

// Offers has members of the discovery document that only an examination reads. A member of another type counts as absent.
type Offers struct {
	Introspection, BackChannelLogout bool

	Algorithms, AuthMethods, AuthAlgorithms, Challenges, Grants, Scopes, ResponseModes []string // empty: not stated
}

// Examine fetches the discovery document and the keys. It changes no cache, and calls neither log nor Observe.
func (p *Provider) Examine(ctx context.Context) *Examination {
	watch := &clockWatch{base: p.client.Transport}
	own := *p
	client := *p.client
	client.Transport, own.client = watch, &client
	e := &Examination{}
	alg, address := defaultRSA, p.cfg.JWKSURL
	if p.meta != nil {
		meta, document, err := own.loadMetadata(ctx)
		switch e.MetaErr = err; {
		case err == nil:
			e.Meta, e.Offers, alg = meta, readOffers(document.Object), meta.rsaAlgorithm
			address = cmp.Or(address, meta.JWKS)
		case meta != nil && !p.isIssuer(meta.Issuer):
			e.Foreign = meta.Issuer
		case meta != nil:
			e.Member = p.badEndpoint(meta)
		}
	}
	if address != "" {
		set, document, err := own.loadKeys(ctx, address, alg)
		e.Keys, e.KeysErr = set, err
		if document != nil {
			list, _ := document.Object.Get("keys")
			entries, _ := strictjson.Entries(list)
			e.Listed = len(entries)
		}
	}
	e.Clock = watch.clock
	return e
}

func readOffers(object strictjson.Object) Offers {
	is := func(name string) bool { raw, ok := object.Get(name); return ok && raw == "true" }
	names := func(name string) bool { text, err := object.String(name); return err == nil && text != "" }
	list := func(name string) []string {
		words, err := object.Strings(name)
		if err != nil {
			return nil
		}
		return words
	}
	return Offers{
		Introspection: names("introspection_endpoint"), BackChannelLogout: is("backchannel_logout_supported"),
		Algorithms: list("id_token_signing_alg_values_supported"), AuthMethods: list("token_endpoint_auth_methods_supported"), AuthAlgorithms: list("token_endpoint_auth_signing_alg_values_supported"),
		Challenges: list("code_challenge_methods_supported"), Grants: list("grant_types_supported"), Scopes: list("scopes_supported"), ResponseModes: list("response_modes_supported"),
	}
}

// Clock is a reading of the provider's clock: the earliest and the latest difference to this one's that agree with the
// answer. Both are zero if no answer had a date.
type Clock struct {
	Known            bool
	Earliest, Latest time.Duration // positive: the provider's clock is ahead
}

// clockWatch reads the header Date of the first answer that has one (RFC 9110 section 6.6.1). Not safe for concurrent use.
type clockWatch struct {
	base  http.RoundTripper
	clock Clock
}

// RoundTrip passes the request on.
func (w *clockWatch) RoundTrip(request *http.Request) (*http.Response, error) {
	asked := time.Now()
	response, err := w.base.RoundTrip(request)
	if err != nil || w.clock.Known {
		return response, err
	}
	date, errDate := http.ParseTime(response.Header.Get("Date"))
	age, errAge := strconv.ParseUint(response.Header.Get("Age"), 10, 31) // a cache adds it (RFC 9111 section 5.1)
	if errAge == nil {
		date = date.Add(time.Duration(age) * time.Second)
	}
	if errDate == nil {
		w.clock = Clock{Known: true, Earliest: time.Until(date), Latest: date.Add(time.Second).Sub(asked)}
	}
	return response, nil
}

// TryClient sends one request to the token endpoint as this client, for a code that the provider did not issue. The error is a fault: of
// kind Grant if the provider accepts the client and refuses the code. It calls neither log nor Observe.
func (p *Provider) TryClient(ctx context.Context, client Client, meta *Metadata, form url.Values) error {
	_, err := p.tokenFor(ctx, client, meta, form)
	return err
}

// Places to which an authorization endpoint sends a browser.
const (
	Back      = "back"      // to the redirect URI of the request
	Elsewhere = "elsewhere" // a redirect to another address
	Shown     = "shown"     // no redirect: a page
)

// Authorization is the answer to an authorization request without a browser.
type Authorization struct {
	Status int
	Place  string // one of the constants above
	Code   string // the registered error code that came back; "": none, or another text
	Path   string // host and path of Elsewhere; the provider's text
}

// Authorize sends an authorization request as a browser without cookies would, and follows no redirect. The error is a [fetch.Error].
func (p *Provider) Authorize(ctx context.Context, address, redirect string) (*Authorization, error) {
	ctx, cancel := context.WithTimeout(ctx, p.cfg.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, badAddress(address)
	}
	request.Header.Set("Accept", "text/html")
	client := &http.Client{CheckRedirect: p.client.CheckRedirect}
	if p.cfg.HTTP != nil {
		client.Transport = p.cfg.HTTP.Transport
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fetch.Fault(address, err)
	}
	_ = response.Body.Close()
	return readAuthorization(request.URL, response, redirect), nil
}

func readAuthorization(asked *url.URL, response *http.Response, redirect string) *Authorization {
	a := &Authorization{Status: response.StatusCode, Place: Shown}
	location := response.Header.Get("Location")
	if response.StatusCode < 300 || response.StatusCode >= 400 || location == "" {
		return a
	}
	at, errAt := asked.Parse(location)
	want, errWant := url.Parse(redirect)
	if errAt != nil || errWant != nil {
		return a
	}
	if a.Place = Elsewhere; at.Scheme == want.Scheme && at.Host == want.Host && at.Path == want.Path && at.Opaque == want.Opaque {
		a.Place, a.Code = Back, known(at.Query().Get("error"))
	}
	a.Path = at.Host + at.Path
	return a
}

// IsLike reports whether two answers cannot be told apart: the same status and place, apart from the query.
func (a *Authorization) IsLike(other *Authorization) bool {
	return a.Status == other.Status && a.Place == other.Place && a.Path == other.Path
}
