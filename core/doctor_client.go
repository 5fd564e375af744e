package core

import (
	"context"
	"crypto/rand"
	"net/http"
	"slices"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/login"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

const clientNotShown = "The token endpoint refuses a made-up code in a way that does not show whether ClientID and %s are good: log in once to see it."

// credential names the setting with which this client authenticates.
func (a visit) credential() string {
	if a.party.up.Provider.Client.HasKey() {
		return "ClientKey"
	}
	return "ClientSecret"
}

// examineClient sends a made-up code to the token endpoint: a provider that accepts the client refuses the code. One that refuses the code
// of a made-up client in the same way does not look at the client first.
func (a visit) examineClient(ctx context.Context, f *findings, e *provider.Examination) {
	if e.Meta.Token == "" {
		return // examineOffers reports it
	}
	if !a.examineMethod(f, e) {
		return
	}
	found, issued := a.tryClient(ctx, a.party.up.Provider.Client, e)
	switch {
	case issued:
		f.wrong("client", "", "The token endpoint issues tokens for a code that it never issued: do not use this provider.")
	case found != nil && found.Part == fault.Signer, found != nil && found.Kind == fault.Internal:
		f.wrong("client", "", "The key of Config.ClientKey does not sign, so that no request to the provider can be made; the log says why when a request needs it.")
	case found == nil || found.Kind == fault.Outage:
		f.wrong("client", "", "The token endpoint does not answer, so that no login can end.")
	case found.Kind == fault.Unusable:
		f.wrong("client", "", "The token endpoint answers with something else than the JSON of RFC 6749, so that no login can end.")
	case found.Code == "invalid_grant":
		if a.isUnseen(ctx, e, found) {
			f.note("client", "", clientNotShown, a.credential())
			return
		}
		f.ok("client", "The provider accepts ClientID and %s.", a.credential())
	default:
		a.examineRefusal(f, found)
	}
}

// examineMethod compares how this client authenticates with what the provider announces, and reports whether it is worth a try.
func (a visit) examineMethod(f *findings, e *provider.Examination) bool {
	client, method := a.party.up.Provider.Client, a.party.TokenEndpointAuthMethod
	switch announced := client.Authenticates(e.Offers.AuthMethods); {
	case client.HasKey() && len(e.Offers.AuthAlgorithms) > 0 && !slices.Contains(e.Offers.AuthAlgorithms, client.Algorithm()):
		f.wrong("client", "", "The provider does not announce %s for the assertions of clients, so that every request is refused here: set ClientKey.Algorithm, or use a key of another type.", client.Algorithm())
		return false
	case client.HasKey() && !announced:
		f.wrong("client", "", "The provider does not announce private_key_jwt, with which Config.ClientKey authenticates: enable it at the provider, or use a secret.")
	case !announced && method != "":
		f.note("client", "", "The provider does not announce %s of Config.TokenEndpointAuthMethod: remove the setting unless it insists.", method)
	case !announced:
		f.wrong("client", "", "The provider takes neither client_secret_basic nor client_secret_post: allow one of them for this client, or authenticate with Config.ClientKey.")
		return false
	}
	return true
}

// isUnseen reports whether the provider refuses the code of a made-up client as it refused that of this client.
func (a visit) isUnseen(ctx context.Context, e *provider.Examination, found *fault.Error) bool {
	client, err := a.party.up.Provider.Client.Stranger("oidcauth-doctor-" + rand.Text())
	if err != nil {
		return true
	}
	stranger, _ := a.tryClient(ctx, client, e)
	return stranger != nil && stranger.Code == found.Code
}

// tryClient sends a made-up code as a client, and returns the refusal, or that tokens were issued.
func (a visit) tryClient(ctx context.Context, client provider.Client, e *provider.Examination) (refusal *fault.Error, issued bool) {
	form := codeForm("oidcauth-doctor-"+rand.Text(), rand.Text()+rand.Text(), "http://127.0.0.1"+callbackPath)
	err := a.party.up.Provider.TryClient(ctx, client, e.Meta, form)
	return fault.Find(err), err == nil
}

// examineRefusal reports what the code of the token endpoint's refusal says about this client.
func (a visit) examineRefusal(f *findings, found *fault.Error) {
	switch found.Code {
	case "invalid_client":
		if a.party.up.Provider.Client.HasKey() {
			f.wrong("client", a.clientKeysAddress(), "The provider does not accept ClientID and ClientKey: register the address of the route client-keys, or the public key, for this client there, and signed assertions (private_key_jwt) as its method.")
			return
		}
		if a.party.up.Provider.Client.IsPublic() {
			f.wrong("client", `ClientSecret: os.Getenv("CLIENT_SECRET"),`, "The provider does not accept this client without a secret: write the secret from its page of this client, or make the client public there, or correct Config.ClientID.")
			return
		}
		f.wrong("client", `ClientSecret: os.Getenv("CLIENT_SECRET"),`, "The provider does not accept ClientID and ClientSecret: copy both again from its page of this client.")
	case "unauthorized_client", "unsupported_grant_type":
		f.wrong("client", "", "This client may not use the authorization code flow (%s): enable it at the provider; Keycloak calls it standard flow.", found.Code)
	default:
		f.note("client", "", clientNotShown, a.credential())
	}
}

// clientKeysAddress returns the address of the route client-keys, to register at the provider, "" if there is none.
func (a visit) clientKeysAddress() string {
	tables, _ := a.mounts.tables()
	if addresses := a.publicAddresses(tables, func(paths Paths) string { return paths.ClientKeys }); a.cfg.PublicURL != "" && len(addresses) > 0 {
		return addresses[0]
	}
	return ""
}

// Bounds of the check of redirect URIs, and an address that nobody registers (RFC 2606).
const (
	maxProbes     = 5
	notRegistered = "https://oidcauth-doctor.invalid/callback"
)

// examineRedirects begins a login for each redirect URI, and one for an address that cannot be registered.
func (a visit) examineRedirects(ctx context.Context, f *findings, meta *provider.Metadata, tables []Paths) {
	if meta.Authorization == "" {
		return
	}
	var addresses []string
	if a.cfg.PublicURL != "" {
		addresses = a.publicAddresses(tables, func(paths Paths) string { return (&flows{Auth: a.Auth, paths: paths}).callbackPath(a.party) })
	}
	for _, uri := range a.cfg.RedirectURIs {
		if uri != Loopback && !slices.Contains(addresses, uri) {
			addresses = append(addresses, uri)
		}
	}
	if len(addresses) == 0 {
		return
	}
	wrong := a.tryLogin(ctx, meta, notRegistered)
	if wrong != nil && wrong.Place == provider.Back {
		f.note("redirect URI", addresses[0], "The provider sends logins of this client to any redirect URI, and their codes with them: register exact addresses.")
	}
	for i, address := range addresses {
		var answer *provider.Authorization
		if i < maxProbes {
			answer = a.tryLogin(ctx, meta, address)
		}
		a.examineRedirect(f, address, answer, wrong)
	}
}

// tryLogin begins a login without a browser; nil means that there was no answer.
func (a visit) tryLogin(ctx context.Context, meta *provider.Metadata, redirect string) *provider.Authorization {
	f := &flows{Auth: a.Auth}
	scope := f.scopeText(a.party.Scopes, false)
	parameters := a.party.asks.parameters(redirect, scope, "none", nil)
	bindTo(parameters, login.NewState(login.Browser, redirect, scope), rand.Text())
	target := endpoint(meta.Authorization, parameters)
	if a.party.pushes(meta) {
		pushed, err := a.party.up.Provider.TryPush(ctx, meta, parameters)
		switch {
		case fault.Is(err, fault.Client): // where a browser would see an error page
			return &provider.Authorization{Status: http.StatusBadRequest, Place: provider.Shown, Code: fault.Find(err).Code}
		case err != nil:
			return nil
		}
		target = a.party.pushedURL(meta, pushed)
	}
	answer, err := a.party.up.Provider.Authorize(ctx, target, redirect)
	if err != nil {
		return nil
	}
	return answer
}

// examineRedirect reports one redirect URI. A browser that comes back shows that the URI is registered; an error page where the browser
// should have come back, the same as for an address that cannot be registered, that it is not (RFC 6749 section 4.1.2.1). Otherwise, only
// an answer of another kind than that for such an address shows that it is.
func (a visit) examineRedirect(f *findings, address string, answer, wrong *provider.Authorization) {
	switch {
	case answer == nil:
		f.note("redirect URI", address, "Register this redirect URI at the provider: Doctor could not ask whether it is.")
	case answer.Place == provider.Back:
		a.examineAnswer(f, address, answer.Code)
	case answer.Place == provider.Shown && answer.Status == http.StatusBadRequest && wrong != nil && wrong.IsLike(answer):
		f.wrong("redirect URI", address, "The provider answers a login with an error page (status 400): register this redirect URI for the client %s, or correct Config.PublicURL or Config.ClientID.", a.party.ClientID)
	case wrong != nil && wrong.Place != provider.Back && !wrong.IsLike(answer) && answer.Status < 400:
		f.ok("redirect URI", "The provider accepts the redirect URI %s.", address)
	default:
		f.note("redirect URI", address, "Register this redirect URI at the provider: its answer does not show whether it is.")
	}
}

// examineAnswer reports what the error code says with which a browser came back. login_required and others are the answer to prompt=none if
// nobody is logged in: the request itself was good.
func (a visit) examineAnswer(f *findings, address, code string) {
	switch code {
	case "invalid_scope":
		f.wrong("scopes", "Scopes: []string{\"profile\", \"email\"},", "The provider refuses a login with the scopes %s: allow them for this client, or correct Config.Scopes.", strings.Join(a.party.Scopes, " "))
	case "unauthorized_client", "unsupported_response_type":
		f.wrong("client", "", "This client may not begin a login with the authorization code flow (%s): enable it at the provider.", code)
	default:
		f.ok("redirect URI", "The redirect URI %s is registered at the provider.", address)
	}
}
