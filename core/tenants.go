package core

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/fault"
	"github.com/go-oidc-auth/oidcauth/core/internal/fetch"
	"github.com/go-oidc-auth/oidcauth/core/internal/session"
	"github.com/go-oidc-auth/oidcauth/core/internal/tenants"
	"github.com/go-oidc-auth/oidcauth/core/internal/trouble"
	"github.com/go-oidc-auth/oidcauth/core/internal/verify"
)

// maxIssuer is the longest issuer in bytes that Config.ResolveIssuer is asked for.
const maxIssuer = 512

// tenantLabel is Event.Provider of every tenant: labels of metrics are few and known.
const tenantLabel = "tenant"

// residents are the providers that Config.ResolveIssuer returns. A nil one has none.
type residents struct {
	auth    *Auth
	table   *tenants.Table[*party]
	http    *http.Client // one for all, because each client without a transport makes one of its own
	trouble *trouble.Trouble
	faulty  *trouble.Limit // of log lines about unusable settings
}

type resident = tenants.Entry[*party]

// newResidents returns nil without Config.ResolveIssuer.
func (a *Auth) newResidents() *residents {
	if a.cfg.ResolveIssuer == nil {
		return nil
	}
	r := &residents{
		auth: a, http: a.cfg.HTTPClient,
		trouble: trouble.New(a.log, slog.LevelError, "issuers of tenants", "looked up with Config.ResolveIssuer"),
		faulty:  &trouble.Limit{Lines: 10, Every: time.Minute},
	}
	if r.http == nil {
		r.http = &http.Client{Transport: fetch.Transport()}
	}
	r.table = tenants.New(tenants.Config[*party]{Ask: r.ask, Drop: r.drop, Timeout: a.cfg.Timeout})
	return r
}

// resolve returns the provider of an issuer that is none of the configuration's; nil if it is not trusted. The error is an outage or a
// fault of kind Internal.
func (r *residents) resolve(ctx context.Context, issuer string) (*party, error) {
	if found := r.table.Peek(issuer); found != nil {
		return found.Value, nil
	}
	if !r.auth.cfg.canBeIssuer(issuer) {
		return nil, nil
	}
	found, err := r.table.Get(ctx, issuer)
	switch {
	case fault.Find(err) != nil:
		return nil, err
	case err != nil:
		return nil, fault.Down(fault.Tenants, err)
	case found == nil:
		return nil, nil
	}
	return found.Value, nil
}

// row is resolve for the table of issuers.
func (r *residents) row(ctx context.Context, issuer string) (*verify.Issuer, error) {
	p, err := r.resolve(ctx, issuer)
	if p == nil {
		return nil, err
	}
	return p.up.Issuer, nil
}

// upstream is resolve for the sessions.
func (r *residents) upstream(ctx context.Context, issuer string) (*session.Upstream, error) {
	p, err := r.resolve(ctx, issuer)
	if p == nil {
		return nil, err
	}
	return p.up, nil
}

// check refuses an own token, or the token of a session, whose person is one of an issuer that is not trusted any more. Other tokens are
// refused when they are verified. The error is a fault of this kind, an outage, or one of kind Internal. Nil residents refuse nobody.
func (r *residents) check(ctx context.Context, token *verify.Token, kind fault.Kind) error {
	if r == nil || token.Session == "" {
		return nil
	}
	return r.auth.logins.Upstreams.Check(ctx, token.Text("idp_iss"), kind)
}

// canBeIssuer reports whether a text of anybody's can be an issuer of a tenant: an address as those of providers, without a query, of
// printable ASCII.
func (c *Config) canBeIssuer(text string) bool {
	return text != "" && len(text) <= maxIssuer && !strings.Contains(text, "?") &&
		strings.IndexFunc(text, func(r rune) bool { return r <= ' ' || r > '~' }) < 0 && c.badURL(text) == ""
}

// ask calls Config.ResolveIssuer and checks what it returns. It makes no new provider if the settings have not changed.
func (r *residents) ask(ctx context.Context, issuer string, last *resident) (*resident, error) {
	var given *Provider
	var err error
	if panicked := r.auth.called(ctx, "Config.ResolveIssuer", func() { given, err = r.auth.cfg.ResolveIssuer(ctx, issuer) }); panicked != nil {
		return nil, panicked
	}
	r.trouble.Seen(ctx, err)
	switch {
	case err != nil:
		return nil, fault.Down(fault.Tenants, err)
	case given == nil:
		return nil, nil
	}
	made, err := r.made(issuer, *given, last) //nolint:contextcheck // the provider outlives the call
	if err != nil {
		if dropped, ok := r.faulty.Take(); ok {
			r.auth.log.ErrorContext(ctx, "the settings of a tenant cannot be used", "tenant", issuer, "error", err, "check", "what Config.ResolveIssuer returns", "dropped", dropped)
		}
		return nil, fault.Down(fault.Tenants, err)
	}
	return made, nil
}

// made returns the entry for settings of the application: last if they are the same.
func (r *residents) made(issuer string, settings Provider, last *resident) (*resident, error) {
	settings.Name = tenantLabel // it has no effect, and the host may be no name
	settings.normalize()
	var f faults
	settings.checkTenant(&f, r.auth.cfg, issuer)
	if len(f) > 0 {
		return nil, errors.Join(f...)
	}
	settings.complete()
	settings.Issuer, settings.Name, settings.Label = issuer, issuer, issuer // names of tenants may be equal, and a name is a part of keys
	if last != nil && reflect.DeepEqual(last.Value.Provider, settings) {
		return last, nil
	}
	p, err := r.auth.newParty(settings, surroundings{log: r.auth.log.With("tenant", issuer), label: tenantLabel, http: r.http, nearKeys: true})
	if err != nil {
		return nil, err
	}
	entry := &resident{Value: p}
	for _, row := range []*verify.Issuer{p.up.Issuer, p.up.Subjects, p.up.Granted} {
		row.Until = entry.Good()
	}
	return entry, nil
}

// checkTenant adds the faults of what Config.ResolveIssuer returned for an issuer.
func (p *Provider) checkTenant(f *faults, c *Config, issuer string) {
	const field = "ResolveIssuer: "
	p.check(f, c, field)
	switch {
	case p.Issuer != "" && p.Issuer != issuer:
		f.add(field+"Issuer", "%s: write the issuer that was asked for, %s, or leave it empty", quoted(p.Issuer), quoted(issuer))
	case p.Issuer == "" && !isBase(p.base(), issuer):
		f.add(field+"DiscoveryURL", "%s: write the address of a document whose issuer is the one that was asked for, %s", quoted(p.DiscoveryURL), quoted(issuer))
	}
	if len(p.IssuerAliases) > 0 || len(p.Tenants) > 0 {
		f.add(field+"IssuerAliases", "leave IssuerAliases and Tenants empty: ResolveIssuer is asked for each issuer by itself")
	}
	if p.looksUp() {
		f.add(field+"Tokens", "write core.JWT: an opaque token does not say whose it is")
	}
}

// drop closes a provider once the requests that use it have ended, and at once when the Auth is closed.
func (r *residents) drop(p *party) {
	if r.auth.closed.Load() {
		p.up.Provider.Close()
		return
	}
	time.AfterFunc(2*r.auth.cfg.Timeout, p.up.Provider.Close)
}

// close ends all. A nil one has none.
func (r *residents) close() {
	if r != nil {
		r.table.Close()
	}
}

// ForgetIssuer makes the next token or session of an issuer wait for a new answer of Config.ResolveIssuer: call it when a tenant was added,
// changed or withdrawn, on every instance. Whatever was answered before does not count, and if ResolveIssuer fails then, the answer is 503.
// Without it a withdrawn tenant ends within two minutes, and a new one begins within 30 s. Unknown issuers, those of the configuration, and
// a call without ResolveIssuer are ignored. Safe for concurrent use.
func (a *Auth) ForgetIssuer(issuer string) {
	if a.tenants != nil {
		a.tenants.table.Forget(issuer)
	}
}
