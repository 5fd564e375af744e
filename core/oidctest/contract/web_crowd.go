package contract

import (
	"fmt"
	"net/http"
	"sync"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// testWebCrowd: requests of many browsers at the same time never see each other's session.
func testWebCrowd(t *testing.T, a setup) {
	w := a.openWeb(t, plan{})
	errs := make(chan error, crowd)
	var all sync.WaitGroup
	for i := range crowd {
		name := fmt.Sprintf("user-%02d", i)
		w.idp.AddUser(oidctest.User{Name: name, Claims: oidctest.Claims{"sub": name, "preferred_username": name}})
		b := w.browser()
		id := b.logIn(name)
		all.Go(func() { errs <- b.live(name, id) })
	}
	all.Wait()
	close(errs)
	for err := range errs {
		if err != nil {
			t.Error(err)
		}
	}
}

func (b *browser) live(name, id string) error {
	m := &member{site: b.site, name: name}
	cookie := "Cookie: " + cookieName + "=" + b.session()
	for range rounds {
		for _, want := range []struct{ method, path, header, answer string }{
			{http.MethodGet, page, cookie, seenBy(name, id)},
			{http.MethodPost, page, cookie, seenBy(name, id)},
			{http.MethodGet, open, "X-None: 1", seenGuest()},
			{http.MethodGet, page, "Cookie: " + cookieName + "=x" + id, sessionOver()},
		} {
			if err := m.expect(want.method, want.path, want.answer, want.header); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
	}
	return nil
}
