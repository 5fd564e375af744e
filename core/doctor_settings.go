package core

import (
	"context"
	"log/slog"
	"strconv"
	"strings"
	"time"
)

// keysLine is the line for missing SecretKeys.
const keysLine = `SecretKeys: []string{os.Getenv("SECRET_KEY")}, // the output of: openssl rand -base64 48`

// examineSettings examines what needs neither provider nor store.
func (a *Auth) examineSettings(_ context.Context, f *findings) {
	if a.closed.Load() {
		f.wrong("settings", "", "Close was called: guards that need the store answer 503.")
	}
	a.examineRelaxations(f)
	a.examineCookie(f)
	a.examineResources(f)
	if c := a.cfg; c.mayBreakPython() {
		f.note("signing algorithm", `SigningAlgorithm: "RS256",`, "Broker.SigningAlgorithm is %s, and this service is in a federation: a Python service that trusts it would refuse every token, its own too.", c.Broker.SigningAlgorithm)
	}
	if a.tenants != nil {
		f.note("tenants", "", "Config.ResolveIssuer is set: the providers that it returns are not examined here.")
	}
	if a.log.Handler() == slog.DiscardHandler {
		f.note("logger", "Logger: slog.Default(),", "Config.Logger is empty, so that nothing is logged when something fails.")
	}
	if len(a.cfg.SecretKeys) == 0 && a.cfg.main.DiscoveryURL != "" {
		f.note("secret keys", keysLine, "Config.SecretKeys is empty: logins in progress are lost on a restart, and a login that begins on one replica cannot end on another.")
	}
}

// longLeeway is the Leeway above which Doctor mentions it.
const longLeeway = time.Minute

// examineRelaxations notes every setting that permits more than the default.
func (a *Auth) examineRelaxations(f *findings) {
	c := a.cfg
	if c.AllowHTTP {
		f.note("relaxations", "AllowHTTP: false,", "Config.AllowHTTP is set: whoever can read or change the traffic can take over every login.")
	}
	for i, p := range a.parties {
		var found findings
		if p.takesAnyAudience() {
			found.note("relaxations", "Audience: []string{"+strconv.Quote(p.ClientID)+"},", "Config.Audience is core.AnyAudience: guards accept tokens that were issued for other services of the provider.")
		}
		if p.takesIssuedToUs() {
			found.note("relaxations", "", "Config.Audience has core.IssuedToUs: guards accept every token that was issued to this client, whatever its audience.")
		}
		a.attribute(f, found, i)
	}
	if c.RolesOfAllClients {
		f.note("relaxations", "RolesOfAllClients: false,", "Config.RolesOfAllClients is set: an administrator of another application of the provider is one here too.")
	}
	if c.Leeway > longLeeway {
		f.note("relaxations", "Leeway: 30 * time.Second,", "Config.Leeway is %s: expired tokens are accepted for that time.", c.Leeway)
	}
	if c.ownStore && isUnencrypted(c.StoreURL) {
		f.note("relaxations", "", "Config.StoreURL connects to another machine without TLS, and the password crosses the network unencrypted: write tls=true, or rediss://.")
	}
	if c.Sessions != nil && len(c.Sessions.TrustedOrigins) > 0 {
		f.note("relaxations", "", "Sessions.TrustedOrigins has %d entries, whose scripts may send unsafe requests with the session of a person.", len(c.Sessions.TrustedOrigins))
	}
}

// examineCookie compares the name of the session cookie with the scheme of PublicURL. Browsers ignore the case of the prefixes.
func (a *Auth) examineCookie(f *findings) {
	if a.cfg.Sessions == nil {
		return
	}
	name := a.cfg.Sessions.CookieName
	switch bare := strings.ToLower(strings.TrimPrefix(name, "__Host-")); {
	case !a.cfg.isSecure() && (strings.HasPrefix(strings.ToLower(name), "__host-") || strings.HasPrefix(strings.ToLower(name), "__secure-")):
		f.wrong("cookie", `CookieName: "`+sessionCookie+`",`, "Browsers refuse the cookie %s over http, because its prefix needs https: nobody stays logged in.", name)
	case strings.HasPrefix(bare, "__host-") || strings.HasPrefix(bare, "__secure-"):
		f.note("cookie", `CookieName: "`+sessionCookie+`",`, "The cookie is called %s, because the prefix __Host- is added to Sessions.CookieName.", name)
	case !a.cfg.isSecure():
		f.note("cookie", `PublicURL: "https://app.example.org",`, "PublicURL is http, so that the session cookie %s is neither Secure nor protected by the prefix __Host-; that is for development.", name)
	default:
		f.ok("cookie", "The session cookie is %s, which only https of this host can set.", name)
	}
}

// examineResources reports resources whose metadata no route of this process serves.
func (a *Auth) examineResources(f *findings) {
	switch r := a.resources; {
	case r == nil:
	case !r.mounted.Load():
		f.wrong("resource metadata", "auth.MountRoot(router)", "Config.Resources is set, and nothing serves its metadata: call MountRoot with the router that serves the root of the host, so that clients find out where to get a token.")
	default:
		f.ok("resource metadata", "Clients find out where to get a token at %s.", strings.Join(r.documents(), " and "))
	}
}
