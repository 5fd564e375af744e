package core

import (
	"context"
	"time"
)

// seenFor is how long Doctor reports a mistake that a request of this process has shown.
const seenFor = time.Hour

// examineRequests reports mistakes that only requests show, if this process has seen one within the last hour. The log has a line
// about each.
func (a *Auth) examineRequests(_ context.Context, f *findings) {
	since := time.Now().Add(-seenFor)
	if a.covered.Last().After(since) {
		f.wrong("requests", "", "A guard refuses requests for the routes of this library, so that nobody can log in: mount the routes outside of the group that has the guard.")
	}
	if a.preflights.Last().After(since) {
		f.wrong("requests", "", "A guard refused a CORS preflight request: put the middleware for CORS before the guard.")
	}
	if a.foreign.Last().After(since) || a.browsers != nil && a.browsers.LastSealed().After(since) {
		f.wrong("secret keys", keysLine, "A login or a session of another instance did not open here: give all replicas the same SecretKeys, ClientID, DiscoveryURL and PublicURL.")
	}
	if a.redirects.Last().After(since) {
		f.note("requests", `RedirectURIs: []string{core.Loopback, "https://client.example.org/callback"},`, "A client asked for a redirect URI that is not allowed: add it to Config.RedirectURIs if you know it, or correct Config.PublicURL.")
	}
}
