package browser

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// The two services of the demo.
const (
	shop   = "/shop"
	office = "/office"
)

// guestTold is what the console says of a request that needs somebody who is logged in, when nobody is.
const guestTold = "status of 401"

func (d *demo) buttons(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.guest(t, tab)
	for _, service := range []string{shop, office} {
		d.says(t, tab, service, "GET /me", "401")
		d.says(t, tab, service, "GET /feed", "200")
		d.says(t, tab, service, "GET /admin", "401")
		d.says(t, tab, service, "POST /orders", "401")
	}
	for user, admin := range map[string]string{"bob": "403", "alice": "200"} {
		d.logIn(t, tab, shop, user)
		d.says(t, tab, shop, "GET /me", "200")
		d.says(t, tab, shop, "GET /admin", admin)
		d.says(t, tab, shop, "POST /orders", "201")
		d.says(t, tab, office, "GET /me", "401") // a cookie of its own
		if user == "alice" {
			d.lines(t, tab)
		}
		d.logOut(t, tab, shop)
	}
	quiet(t, tab, guestTold, "status of 403")
}

// lines shows and copies command lines: what is masked names a file afterwards.
func (d *demo) lines(t *testing.T, tab *Tab) {
	t.Helper()
	tab.Press(t, "#lines summary")
	d.press(t, tab, ".copy")
	tab.Until(t, `document.querySelector(".copy").textContent === "Copied"`)
	masked := `document.querySelector(".reveal").closest(".curl").querySelector("code").textContent`
	if before := script[string](t, tab, masked); !strings.Contains(before, "Bearer ••••••••\"") {
		t.Errorf("the line is %s", before)
	}
	d.press(t, tab, ".reveal")
	if after := script[string](t, tab, masked); !strings.Contains(after, `-H "@`) {
		t.Errorf("shown, the line is %s", after)
	}
	tab.Until(t, fmt.Sprintf(`document.querySelector(%q).textContent.includes("the command line")`, in(shop, ".sessions")))
}

var noticed = regexp.MustCompile(`noticed after (\d+\.\d) s`)

// ends ends sessions in the list of one service: the panes notice without a reload.
func (d *demo) ends(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.guest(t, tab)
	for _, button := range []string{in(shop, `[aria-label^="End the session Office"]`), in(shop, ".end-all")} {
		for _, service := range []string{shop, office} {
			if script[bool](t, tab, isIn(service, false)) {
				d.logIn(t, tab, service, "alice")
			}
		}
		tab.Until(t, fmt.Sprintf(`document.querySelectorAll(%q).length === 2 && document.querySelector(%q) !== null`,
			`.sessions [aria-label^="End the session Shop"]`, in(shop, `[aria-label^="End the session Office"]`)))
		d.press(t, tab, button)
		tab.Until(t, isIn(office, false))
		said := noticed.FindStringSubmatch(script[string](t, tab, fmt.Sprintf(`document.querySelector(%q).textContent`, in(office, ".who-text"))))
		if said == nil {
			t.Fatal("the pane does not say that its session has ended")
		}
		if took, err := strconv.ParseFloat(said[1], 64); err != nil || took > 3.5 {
			t.Errorf("noticed after %s s", said[1])
		}
	}
	tab.Until(t, isIn(shop, false))
	quiet(t, tab, guestTold)
}

// switches turns each switch and waits for what the page lists then.
func (d *demo) switches(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.guest(t, tab)
	d.logIn(t, tab, shop, "alice")
	for _, c := range []struct{ name, then string }{
		{"rotate", "Shop did not know it, fetched the keys, and takes its tokens."},
		{"demote", "GET /shop/admin: 200 is now 403"},
		{"demote", "GET /shop/admin: 403 is now 200"},
		{"steal", "GET /shop/me: 200 is now 401"},
		{"", "own refresh token does not work either: the provider says invalid_grant."},
		{"end", "Shop: the session has ended"},
		{"down", "The provider cuts every connection."},
		{"down", "The provider answers again."},
	} {
		if c.name == "end" {
			d.logIn(t, tab, shop, "alice")
		}
		if c.name != "" {
			d.press(t, tab, `[data-switch="`+c.name+`"]`)
		}
		tab.Until(t, fmt.Sprintf(`document.getElementById("then").textContent.includes(%q)`, c.then))
	}
	if on := script[int](t, tab, `document.querySelectorAll("[aria-checked=true]").length`); on != 0 {
		t.Errorf("%d switches are on", on)
	}
	quiet(t, tab, guestTold, "status of 403")
}

// inspector has tokens judged.
func (d *demo) inspector(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.guest(t, tab)
	for token, want := range map[string]string{"good": "accepted by Shop", "signature": "refused by Shop: the signature", "audience": "refused by Shop: wrong audience"} {
		d.inspects(t, tab, token, want)
	}
	quiet(t, tab, guestTold)
}

// inspects chooses a token and waits for the verdict.
func (d *demo) inspects(t *testing.T, tab *Tab, token, want string) {
	t.Helper()
	script[bool](t, tab, fmt.Sprintf(`(document.getElementById("token").value = %q) !== ""`, token))
	d.press(t, tab, "#inspect button")
	tab.Until(t, `!document.getElementById("inspect").hasAttribute("aria-disabled")`)
	if got := script[string](t, tab, `document.getElementById("verdict").textContent`); !strings.HasPrefix(got, want) {
		t.Errorf("the inspector says %q of the token %s, not %q: %s", got, token, want, script[string](t, tab, `document.getElementById("status").textContent`))
	}
}

// device types the code at the provider, in another tab, and waits until the page knows.
func (d *demo) device(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.guest(t, tab)
	d.press(t, tab, "#tv-start")
	tab.Until(t, `document.getElementById("tv-qr").naturalWidth > 0`)
	code := script[string](t, tab, `document.getElementById("tv-user-code").textContent`)
	address, _, _ := strings.Cut(script[string](t, tab, `document.getElementById("tv-link").href`), "?")
	other := newTab(t, browser)
	other.Open(t, address)
	if err := chromedp.Do(other.Ctx, chromedp.SendKeys(chromedp.CSS("#user_code"), strings.ToLower(code))); err != nil {
		t.Fatal(err)
	}
	if page := other.Click(t, "form button"); !strings.Contains(page.Text, code) {
		t.Fatalf("the code leads to %s: %s", page.URL, page.Text)
	}
	if page := other.Click(t, as("carol")); !strings.Contains(page.Text, "The device is connected") {
		t.Fatalf("the approval leads to %s: %s", page.URL, page.Text)
	}
	front(t, tab)
	tab.Until(t, `document.getElementById("tv-text").textContent === "carol is logged in on the television."`)
	d.press(t, tab, "#tv-off")
	tab.Until(t, `document.getElementById("tv-text").textContent === "Off"`)
	quiet(t, other)
	quiet(t, tab, guestTold)
}

// session keeps a login over a reload, ends it, and looks at what the back button shows then.
func (d *demo) session(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.guest(t, tab)
	d.logIn(t, tab, shop, "alice")
	tab.Reload(t)
	tab.Until(t, isIn(shop, true))
	cookies := 0
	for _, c := range browser.Cookies(t) {
		if !strings.HasPrefix(c.Name, "oidc-session-") || strings.HasSuffix(c.Name, "-logins") {
			continue
		}
		if cookies++; !c.HTTPOnly || c.SameSite != network.CookieSameSiteLax || c.Path != "/" {
			t.Errorf("a session's cookie: %+v", c)
		}
	}
	if cookies == 0 {
		t.Error("there is no cookie of a session")
	}
	second := newTab(t, browser)
	d.page(t, second)
	second.Until(t, isIn(shop, true))
	front(t, tab)
	d.logOut(t, tab, shop)
	if back := tab.Back(t); back.URL.String() != d.base+"/" {
		t.Fatalf("back is %s", back.URL)
	}
	tab.Until(t, isIn(shop, false))
	if text := script[string](t, tab, `document.querySelector(".panes").textContent`); strings.Contains(text, "Alice") {
		t.Errorf("after the logout the page still has %s", text)
	}
	front(t, second)
	second.Until(t, isIn(shop, false))
	quiet(t, tab, guestTold)
	quiet(t, second, guestTold)
	d.elsewhere(t, tab, second)
}

// elsewhere leaves the page by a link and logs out in another tab: the page that the back button takes from the browser's
// memory knows it.
func (d *demo) elsewhere(t *testing.T, tab, second *Tab) {
	t.Helper()
	front(t, tab)
	d.page(t, tab)
	d.logIn(t, tab, shop, "alice")
	if page := tab.Click(t, `footer a[href$="/openid-configuration"]`); page.Status != 200 || page.URL.String() == d.base+"/" {
		t.Fatalf("the link leads to %s: %d", page.URL, page.Status)
	}
	front(t, second)
	second.Reload(t)
	second.Until(t, isIn(shop, true))
	d.logOut(t, second, shop)
	front(t, tab)
	if back := tab.Back(t); back.URL.String() != d.base+"/" {
		t.Fatalf("back is %s", back.URL)
	}
	tab.Until(t, isIn(shop, false))
}
