package core_test

import (
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// After Close the revocation list is no longer updated, so guards of broker mode refuse every token. Passthrough mode has no such
// list, and its guards still work.
func TestGuardsAfterClose(t *testing.T) {
	f := newFlow(t, brokered())
	token := flowGranted(t, f.exchange(f.idp.AccessToken("alice"), nil)).AccessToken
	_ = f.who(token)
	idp := newIDP(t)
	passthrough := idp.auth()
	mustAdmit(t, passthrough.Required(), idp.token())
	for range 2 {
		if err := f.auth.Close(); err != nil {
			t.Fatal(err)
		}
		if err := passthrough.Close(); err != nil {
			t.Fatal(err)
		}
	}
	credentials := bearerOf(token)
	decision := f.auth.Required().Admit(t.Context(), credentials)
	if statusOfDecision(decision) != 503 || decision.Refusal.Header.Get("Retry-After") != "10" {
		t.Errorf("got %+v", decision)
	}
	if guest := f.auth.Optional().Admit(t.Context(), credentials); guest.Caller != nil || guest.Refusal != nil {
		t.Errorf("optional: %+v", guest)
	}
	if got := statusOfDecision(f.auth.Optional(core.RejectInvalid).Admit(t.Context(), credentials)); got != 503 {
		t.Errorf("optional, RejectInvalid: %d", got)
	}
	if got := statusOfDecision(f.auth.Required().Admit(t.Context(), core.Credentials{})); got != 401 {
		t.Errorf("no token is never an outage: %d", got)
	}
	mustAdmit(t, passthrough.Required(), idp.token())
}
