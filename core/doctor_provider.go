package core

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/claims"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/jose"
	"github.com/go-oidc-auth/oidcauth/core/internal/provider"
)

// visit is an examination of one provider.
type visit struct {
	*Auth

	party *party
}

// examineProvider examines what the providers answer.
func (a *Auth) examineProvider(ctx context.Context, f *findings) {
	for i, p := range a.parties {
		var found findings
		visit{a, p}.examine(ctx, &found)
		a.attribute(f, found, i)
	}
}

// attribute adds findings about the provider of this index; if there are several, with its name and its place in the configuration.
func (a *Auth) attribute(f *findings, found findings, i int) {
	fields := strings.NewReplacer()
	if place := a.cfg.fieldOf(i); place != "" {
		var pairs []string
		for _, field := range (Provider{ClientKey: new(ClientKey)}).shown() {
			pairs = append(pairs, "Config."+field.Key, "Config."+place+field.Key)
		}
		fields = strings.NewReplacer(pairs...)
	}
	for _, finding := range found {
		if finding.Text = fields.Replace(finding.Text); len(a.parties) > 1 {
			finding.Text = "Provider " + a.parties[i].Name + ": " + finding.Text
		}
		*f = append(*f, finding)
	}
}

// atProvider is where a person registers what all providers have to know.
func (a *Auth) atProvider() string {
	if len(a.parties) > 1 {
		return "at each provider"
	}
	return "at the provider"
}

// examine examines what the provider answers. Checks that need the discovery document are left out without it.
func (a visit) examine(ctx context.Context, f *findings) {
	e := a.party.up.Provider.Examine(ctx)
	a.examineDiscovery(f, e)
	a.examineKeys(f, e)
	a.examineAlgorithms(f, e)
	a.examineClock(f, e.Clock)
	if e.Meta == nil {
		return
	}
	tables, _ := a.mounts.tables()
	a.examineOffers(f, e, tables)
	a.examineClient(ctx, f, e)
	a.examineRedirects(ctx, f, e.Meta, tables)
}

func (a visit) examineDiscovery(f *findings, e *provider.Examination) {
	switch {
	case e.Meta != nil:
		f.ok("discovery", "The discovery document was fetched, and its issuer is the expected one.")
	case e.Foreign != "":
		a.examineIssuer(f, e.Foreign)
	case e.Member != "":
		f.wrong("discovery", "", "The discovery document cannot be used, because its member %s is not an https address that this service may call: correct the provider's host name or proxy settings, so that it names its public addresses.", e.Member)
	case e.MetaErr != nil:
		f.wrong("discovery", discoveryLine(e.MetaErr), "The discovery document cannot be used (%s): %s.", e.MetaErr, discoveryAdvice(e.MetaErr))
	}
}

// examineIssuer reports that the issuer in the document is not the expected one.
func (a visit) examineIssuer(f *findings, issuer string) {
	shown, line := a.plainIssuer(issuer), ""
	switch {
	case shown == "":
		shown = "(not shown, because it is not a plain URL)"
	case a.party.Issuer != "":
		line = "Issuer: " + strconv.Quote(shown) + ","
	default:
		line = "DiscoveryURL: " + strconv.Quote(strings.TrimSuffix(shown, "/")+provider.WellKnown) + ","
	}
	f.wrong("issuer", line, "The discovery document is that of the issuer %s, which does not match Config.DiscoveryURL or Config.Issuer: write the line if that is your provider, or correct its host name in its own settings.", shown)
}

// discoveryLine returns the form of a discovery address, if the address may be the mistake.
func discoveryLine(err error) string {
	var failed *fetch.Error
	if errors.As(err, &failed) && slices.Contains([]string{fetch.ReasonTimeout, fetch.ReasonCanceled, fetch.ReasonClosed, fetch.ReasonCertificate}, failed.Reason) || failed != nil && failed.Status >= 500 {
		return ""
	}
	return `DiscoveryURL: "https://idp.example.org/realms/NAME` + provider.WellKnown + `",`
}

func discoveryAdvice(err error) string {
	var failed *fetch.Error
	if !errors.As(err, &failed) {
		return "compare Config.DiscoveryURL with the provider's page of this client"
	}
	switch failed.Reason {
	case fetch.ReasonDNS, fetch.ReasonRefused, fetch.ReasonNoRoute:
		return "correct the host in Config.DiscoveryURL, or start the provider"
	case fetch.ReasonTimeout, fetch.ReasonCanceled, fetch.ReasonClosed, fetch.ReasonConnection:
		return "see whether this machine reaches the provider"
	case fetch.ReasonCertificate, fetch.ReasonTLS:
		return "let the provider have a certificate for this host name, or give Config.HTTPClient the authority that signed it"
	}
	if failed.Status >= 500 {
		return "the provider is starting or has a fault"
	}
	return "compare the path of Config.DiscoveryURL, of which a realm, a tenant or an authorization server is part"
}

func (a visit) examineKeys(f *findings, e *provider.Examination) {
	switch {
	case errors.Is(e.KeysErr, jose.ErrKeySet):
		f.wrong("keys", "", "None of the %d keys that the provider publishes is usable: it needs an RSA key of 2048 to 8192 bits, one on P-256, P-384 or P-521, or an Ed25519 key, that may verify signatures.", e.Listed)
	case e.KeysErr != nil:
		f.wrong("keys", a.keysLine(), "The provider's keys cannot be fetched (%s): every token is refused once the cached keys are too old.", e.KeysErr)
	case len(e.Keys) > 0:
		f.ok("keys", "The provider's keys were fetched: %d published, %d usable (%s).", e.Listed, different(e.Keys), strings.Join(algorithmsOf(e.Keys), ", "))
	}
}

func (a visit) keysLine() string {
	if a.party.JWKSURL == "" {
		return ""
	}
	return `JWKSURL: "", // the discovery document has the address`
}

func algorithmsOf(keys jose.Set) (algorithms []string) {
	for _, key := range keys {
		algorithms = append(algorithms, key.Alg)
	}
	return claims.Distinct(algorithms)
}

// different counts keys. One that verifies two algorithms is in the list twice.
func different(keys jose.Set) (n int) {
	for i, key := range keys {
		isSame := func(other jose.Key) bool { other.Alg = key.Alg; return other.Equal(key) }
		if !slices.ContainsFunc(keys[:i], isSame) {
			n++
		}
	}
	return n
}

// examineAlgorithms compares the announced algorithms of ID tokens with the configured one and with the keys.
func (a visit) examineAlgorithms(f *findings, e *provider.Examination) {
	announced := slices.DeleteFunc(slices.Clone(e.Offers.Algorithms), func(alg string) bool { return !slices.Contains(jose.Algorithms, alg) })
	switch {
	case e.Meta == nil || len(e.Offers.Algorithms) == 0:
	case a.party.IDTokenAlgorithm != "" && !slices.Contains(e.Offers.Algorithms, a.party.IDTokenAlgorithm):
		f.wrong("algorithms", `IDTokenAlgorithm: "",`, "The provider does not announce ID tokens signed with %s, which is Config.IDTokenAlgorithm: write the algorithm that is registered for this client, or remove the setting.", a.party.IDTokenAlgorithm)
	case len(announced) == 0:
		f.wrong("algorithms", "", "The provider signs ID tokens with none of the algorithms that are accepted here (%s): set RS256 or ES256 for this client at the provider.", strings.Join(jose.Algorithms, ", "))
	case a.party.IDTokenAlgorithm != "" && len(e.Keys) > 0 && !slices.Contains(algorithmsOf(e.Keys), strings.Replace(a.party.IDTokenAlgorithm, "Ed25519", "EdDSA", 1)):
		f.wrong("algorithms", "", "Config.IDTokenAlgorithm is %s, and the provider's keys are for %s: let it publish a key for that algorithm, or correct the setting.", a.party.IDTokenAlgorithm, strings.Join(algorithmsOf(e.Keys), ", "))
	case len(e.Keys) > 0 && !slices.ContainsFunc(e.Keys, func(key jose.Key) bool { return slices.Contains(announced, key.Alg) }):
		f.wrong("algorithms", "", "The provider announces ID tokens signed with %s, and its keys are for %s: let it publish a key for what it announces.", strings.Join(claims.Distinct(announced), ", "), strings.Join(algorithmsOf(e.Keys), ", "))
	}
}

// examineClock compares the header Date of the provider's answer with this clock.
func (a visit) examineClock(f *findings, clock provider.Clock) {
	const advice = "start a time service on both machines (timedatectl)"
	late := -clock.Latest
	switch {
	case !clock.Known:
	case clock.Earliest > a.cfg.Leeway:
		f.wrong("clock", "timedatectl set-ntp true", "The provider's clock is %s ahead of this one, more than Config.Leeway, so that fresh tokens are not yet valid here: %s.", clock.Earliest.Round(time.Second), advice)
	case late > a.cfg.Leeway:
		f.wrong("clock", "timedatectl set-ntp true", "The provider's clock is %s behind this one, more than Config.Leeway, so that tokens expire early here: %s.", late.Round(time.Second), advice)
	default:
		f.ok("clock", "The provider's clock and this one differ by less than Config.Leeway.")
	}
}
