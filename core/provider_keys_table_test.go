package core_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// keySetTable has the cases that a key set must handle, with the calls to the provider's endpoints. Every token is new, so that the
// token cache has no effect, unless a row says otherwise. provider_keys_test.go has more cases.
var keySetTable = map[string]func(*testing.T, *memoryIDP, *core.Guard){
	"cold, 1000 good tokens at once: one fetch": func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		idp.breaks(oidctest.Slow(time.Second), oidctest.JWKS)
		if got := statuses(t, guard, 1000, numbered(idp)); got[200] != 1000 {
			t.Errorf("got %v", got)
		}
		idp.wantAsked(1, 1, "1000 at once")
	},
	"a key after a stranger's kid: within the cool-down, one fetch more": func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		time.Sleep(time.Minute)
		wantStatus(t, guard, stranger(idp)(1), http.StatusUnauthorized)
		idp.setKids("k1", "k2")
		for range 9 {
			time.Sleep(time.Second)
			wantStatus(t, guard, idp.tokenOf("k2"), http.StatusUnauthorized)
		}
		idp.wantAsked(1, 2, "in the cool-down")
		time.Sleep(time.Second)
		mustAdmit(t, guard, idp.tokenOf("k2"))
		idp.wantAsked(1, 3, "after it")
	},
	"refusing for a day: nobody is refused, one try in ten seconds": func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		good := numbered(idp)
		mustAdmit(t, guard, good(-1))
		idp.breaks(refuse, oidctest.JWKS)
		for i := range 24*4 - 1 {
			time.Sleep(15 * time.Minute)
			mustAdmit(t, guard, good(i))
		}
		if got, most := idp.Hits(oidctest.JWKS), 1+24*360; got > most || got < most*9/10 {
			t.Errorf("%d fetches in a day, want about %d", got, most)
		}
		idp.Heal(oidctest.JWKS)
		time.Sleep(coolDown)
		synctest.Wait()
		if got := strings.Count(idp.logs.String(), "can be fetched again"); got != 1 {
			t.Errorf("%d all-clears", got)
		}
	},
	"an empty list: the last good set serves, one warning": func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		good := numbered(idp)
		mustAdmit(t, guard, good(-1))
		idp.change(func() { idp.keySet = `{"keys":[]}` })
		for i := range 60 {
			time.Sleep(time.Minute)
			mustAdmit(t, guard, good(i))
		}
		if got, most := idp.Hits(oidctest.JWKS), 2+48*6; got > most {
			t.Errorf("%d fetches in an hour, want at most %d", got, most)
		}
		if got := strings.Count(idp.logs.String(), "level=WARN"); got != 1 || !strings.Contains(idp.logs.String(), "key set cannot be fetched") {
			t.Errorf("%d warnings: %s", got, idp.logs.String())
		}
		idp.change(func() { idp.keySet = "" })
		time.Sleep(coolDown)
		synctest.Wait()
		if got := strings.Count(idp.logs.String(), "can be fetched again"); got != 1 {
			t.Errorf("%d all-clears: %s", got, idp.logs.String())
		}
	},
	"an empty list from the start: an outage, until there are keys": func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		idp.change(func() { idp.keySet = `{"keys":[]}` })
		for range 100 {
			wantStatus(t, guard, idp.token(), http.StatusServiceUnavailable)
		}
		idp.wantAsked(1, 2, "100 requests")
		idp.change(func() { idp.keySet = "" })
		time.Sleep(coolDown)
		mustAdmit(t, guard, idp.token())
		idp.wantAsked(1, 3, "afterwards")
	},
	"a key that is withdrawn: refused within the refresh interval, for tokens that came before too": func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		idp.setKids("k1", "k2")
		token := idp.token(claims{"exp": time.Now().Unix() + 3600})
		mustAdmit(t, guard, token)
		idp.setKids("k2")
		time.Sleep(12*time.Minute - time.Second)
		mustAdmit(t, guard, token)
		time.Sleep(time.Second)
		synctest.Wait()
		idp.wantAsked(1, 2, "in the refresh interval")
		wantStatus(t, guard, token, http.StatusUnauthorized)
		wantStatus(t, guard, numbered(idp)(1), http.StatusUnauthorized)
		wantStatus(t, guard, idp.tokenOf("k2"), http.StatusOK)
		idp.wantAsked(1, 3, "the withdrawn name is asked for once")
	},
	"started while the endpoint is down: accepted at once when it is up": func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		idp.breaks(refuse, oidctest.JWKS)
		wantStatus(t, guard, idp.token(), http.StatusServiceUnavailable)
		idp.Heal(oidctest.JWKS)
		mustAdmit(t, guard, idp.token())
		idp.wantAsked(1, 2, "in all")
	},
	"discovery is fetched again, and what it says counts": func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		const moved = oidctest.Elsewhere
		mustAdmit(t, guard, idp.token())
		idp.change(func() { idp.metadata = claims{"jwks_uri": idp.URL(moved)} })
		idp.breaks(document(toJSON(claims{"keys": []any{publicJWK("k2")}})), moved)
		time.Sleep(time.Hour + 13*time.Minute)
		mustAdmit(t, guard, idp.tokenOf("k2"))
		wantStatus(t, guard, idp.token(), http.StatusUnauthorized)
		if got := idp.Hits(moved); got < 1 || got > 3 {
			t.Errorf("%d fetches at the new address", got)
		}
		// Both are due after an hour: the keys may still be fetched from the old address.
		if old := idp.Hits(oidctest.JWKS); idp.Hits(oidctest.Discovery) != 2 || old < 5 || old > 6 {
			t.Errorf("%d fetches of discovery, %d at the old address", idp.Hits(oidctest.Discovery), old)
		}
	},
	"discovery is gone: its old answer serves on, keys are renewed": func(t *testing.T, idp *memoryIDP, guard *core.Guard) {
		mustAdmit(t, guard, idp.token())
		idp.breaks(faults["404"], oidctest.Discovery)
		time.Sleep(3 * time.Hour)
		idp.setKids("k2")
		time.Sleep(13 * time.Minute)
		mustAdmit(t, guard, idp.tokenOf("k2"))
		wantStatus(t, guard, idp.token(), http.StatusUnauthorized)
		if got, most := idp.Hits(oidctest.Discovery), 2+2*360+13*6; got > most {
			t.Errorf("%d fetches of discovery, want at most %d", got, most)
		}
	},
}

func TestKeySetTable(t *testing.T) {
	for row, test := range keySetTable {
		t.Run(row, func(t *testing.T) { inBubble(t, test) })
	}
}

// numbered makes different valid tokens.
func numbered(idp *memoryIDP) func(int) string {
	return func(i int) string { return idp.token(claims{"jti": fmt.Sprint(i)}) }
}

func (idp *memoryIDP) wantAsked(discovery, keys int, when string) {
	idp.t.Helper()
	idp.wantFetches(keys, when)
	if got := idp.Hits(oidctest.Discovery); got != discovery {
		idp.t.Errorf("%s: %d fetches of the discovery document, want %d", when, got, discovery)
	}
}
