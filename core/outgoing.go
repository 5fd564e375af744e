package core

import (
	"cmp"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// As says in whose name a service is called, and which one: see [AsCaller] and [AsService]. Its methods return a changed copy. The zero value
// is refused. Safe for concurrent use.
type As struct {
	caller    bool
	audience  string
	resources []string
	scopes    []string
	to        []string
	provider  string
	via       http.RoundTripper
	made      bool
}

// AsCaller calls in the name of the caller in the context. audience is the service that is called, as the provider knows it. If the caller's
// own access token is for the audience, it is used as it is; otherwise the provider exchanges it for one (RFC 8693), if this service may do
// that there. "" together with [As.Resource] alone. If audience is an https address, it also says where the token may go, see [As.To].
func AsCaller(audience string) As { return As{caller: true, audience: audience, made: true} }

// AsService calls in the name of this service, with client credentials (RFC 6749 section 4.4): it needs a ClientSecret or ClientKey.
// audience is sent as a parameter of this name, which is not in the standard; providers that do not know it ignore it. "": it is not sent. If audience
// is an https address, it also says where the token may go, see [As.To].
func AsService(audience string) As { return As{audience: audience, made: true} }

// To names the origins (scheme, host and port) to which [Auth.Client] may send the token: https, or http on loopback or with
// Config.AllowHTTP, without a path. Default: the origin of the audience, or of the resources, if they are such addresses.
func (as As) To(origins ...string) As {
	as.to = slices.Clone(origins)
	return as
}

// Resource adds the parameter resource (RFC 8707): the addresses of the services that are called.
func (as As) Resource(addresses ...string) As {
	as.resources = slices.Clone(addresses)
	return as
}

// Scopes requests these scopes. Each text may contain several, separated by spaces. Default: no parameter scope, and so what the provider
// gives by default; the caller's own token then counts whatever its scopes are.
func (as As) Scopes(scopes ...string) As {
	as.scopes = strings.Fields(strings.Join(scopes, " "))
	return as
}

// At names the provider (Config.Providers) of an [AsService]. Default: the main one. An [AsCaller] always uses the caller's own provider.
func (as As) At(provider string) As {
	as.provider = provider
	return as
}

// Via sets what sends the requests of [Auth.Client]. It gets them with the token and must not send them elsewhere. nil, and the default:
// [http.DefaultTransport].
func (as As) Via(transport http.RoundTripper) As {
	as.via = transport
	return as
}

// ErrWrongOrigin is the error of a request with a client of [Auth.Client] to an origin that As does not name. Nothing is sent.
var ErrWrongOrigin = errors.New("core: a request to an origin that core.As does not name")

// ErrHasAuthorization is the error of a request with a client of [Auth.Client] that has an Authorization header, or a user in its URL.
// Nothing is sent: whose name counted would depend on which of the two wins.
var ErrHasAuthorization = errors.New("core: the request has an Authorization header already, which the client of Auth.Client sets")

// errAs is a mistake in As.
func errAs(format string, args ...any) error { return fmt.Errorf("core: As: "+format, args...) }

// targets returns the origins that may get the token.
func (c *Config) targets(as As) ([]string, error) {
	var all []string
	for _, address := range as.to {
		u, err := url.Parse(address)
		switch bad := c.badURL(lowerScheme(address)); {
		case bad != "":
			return nil, errAs("To: %s", bad)
		case err != nil || strings.Trim(u.Path, "/") != "" || strings.ContainsAny(address, "?"):
			return nil, errAs("To: %s: write an origin, without a path", quoted(address))
		}
		all = append(all, placeOf(u))
	}
	if len(all) > 0 {
		return all, checkTargets(all)
	}
	for _, address := range append(slices.Clone(as.resources), as.audience) {
		if u, err := url.Parse(address); err == nil && c.badURL(lowerScheme(address)) == "" {
			all = append(all, placeOf(u))
		}
	}
	if len(all) == 0 {
		return nil, errAs("it names no origin: write To(\"https://api.example.org\")")
	}
	return all, checkTargets(all)
}

func checkTargets(all []string) error {
	if slices.Contains(all, "") {
		return errAs("To: write a host in ASCII, as in \"https://api.example.org\"")
	}
	return nil
}

// placeOf returns the origin of an address, to be compared byte for byte, "" if it has none: with scheme, host in lower case, and the port,
// also the default one. A host that is not ASCII has none: it may be written in several ways.
func placeOf(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Hostname())
	port := cmp.Or(u.Port(), map[string]string{"https": "443", "http": "80"}[scheme])
	odd := func(r rune) bool { return r <= ' ' || r > '~' }
	if host == "" || port == "" || strings.ContainsFunc(u.Host, odd) {
		return ""
	}
	return scheme + "://" + host + " " + port
}

// check returns what is wrong with As for a token.
func (as As) check() error {
	switch {
	case !as.made:
		return errAs("it is empty: write AsCaller(audience) or AsService(audience)")
	case as.caller && as.audience == "" && len(as.resources) == 0:
		return errAs("AsCaller without an audience or Resource: it does not say for whom the token is")
	case as.caller && as.provider != "":
		return errAs("At and AsCaller: a caller always uses the own provider")
	}
	return nil
}
