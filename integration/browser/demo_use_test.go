package browser

import (
	"strings"
	"testing"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// says presses a button and holds what its step says against how that has to begin.
func (d *demo) says(t *testing.T, tab *Tab, button, want string) {
	t.Helper()
	if got := d.press(t, tab, button); !strings.HasPrefix(got, want) {
		t.Errorf("%s says %q, not %q", button, got, want)
	}
}

func (d *demo) buttons(t *testing.T, browser *chromium.Browser, peer bool) {
	tab := newTab(t, browser)
	d.page(t, tab)
	quiet(t, tab)
	tab.Press(t, ".copy")
	tab.Until(t, `document.querySelector(".copy").textContent === "Copied"`)
	d.says(t, tab, route("/api/me"), "401")
	d.says(t, tab, route("/api/feed"), "200")
	d.says(t, tab, route("/api/admin"), "401")
	quiet(t, tab, "status of 401")

	for user, admin := range map[string]string{"bob": "403", "alice": "200"} {
		tab := newTab(t, browser)
		d.page(t, tab)
		d.logIn(t, tab, user)
		d.says(t, tab, route("/api/me"), "200")
		d.says(t, tab, route("/api/feed"), "200")
		d.says(t, tab, route("/api/admin"), admin)
		if peer {
			d.says(t, tab, route("/peer"), "200")
		}
		d.says(t, tab, "#refresh", "200 OK Access token …")
		d.says(t, tab, "#exchange", "200 OK From a token of ")
		d.says(t, tab, route("/api/me"), "200")
		quiet(t, tab, "status of 403")
		tab.Press(t, "#send")
		d.says(t, tab, route("/api/me"), "401")
		quiet(t, tab, "status of 403", "status of 401")
		d.logOut(t, tab)
	}
}

// device types the code at the provider, in another tab, and waits until the page knows.
func (d *demo) device(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.page(t, tab)
	d.says(t, tab, "#device", "200")
	tab.Press(t, "#stop")
	tab.Until(t, `document.getElementById("pace").textContent === "Stopped."`)
	if left := script[int](t, tab, `[...document.querySelectorAll("#poll, #stop")].filter((e) => e.getClientRects().length).length`); left > 0 {
		t.Errorf("after the end of a device login %d of its buttons are still there, and do nothing", left)
	}
	d.says(t, tab, "#device", "200")
	code := script[string](t, tab, `document.getElementById("user-code").textContent`)
	link := script[string](t, tab, `document.getElementById("device-link").href`)
	address, _, _ := strings.Cut(link, "?")
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
	tab.Until(t, caller)
	said := script[string](t, tab, `document.querySelector("#poll-answer [role=status]").textContent`)
	if !strings.HasPrefix(said, "200 OK") || !strings.HasSuffix(said, "Logged in as carol.") {
		t.Errorf("the page says %q", said)
	}
	d.says(t, tab, route("/api/admin"), "403")
	quiet(t, other)
	quiet(t, tab, badRequest, "status of 403") // 400 is authorization_pending
	d.logOut(t, tab)
}

// session keeps a login over a reload, ends it, and looks at what the back button shows then.
func (d *demo) session(t *testing.T, browser *chromium.Browser) {
	tab := newTab(t, browser)
	d.page(t, tab)
	d.logIn(t, tab, "alice")
	tab.Reload(t)
	tab.Until(t, caller)
	d.says(t, tab, route("/api/me"), "200")
	if cookie := demoCookie(t, browser); !cookie.HTTPOnly || cookie.SameSite != "Strict" || cookie.Path != "/" {
		t.Errorf("the session's cookie: %+v", cookie)
	}
	second := newTab(t, browser)
	second.Open(t, d.base+"/")
	second.Until(t, caller)
	d.logOut(t, tab)
	if back := tab.Back(t); back.URL.String() != d.base+"/" {
		t.Fatalf("back is %s", back.URL)
	}
	tab.Until(t, guest)
	if claims := script[string](t, tab, `document.getElementById("claims-text").textContent + document.querySelector("[data-claim=username]").textContent`); strings.Contains(claims, "alice") {
		t.Errorf("after the logout the page still has %s", claims)
	}
	d.says(t, second, route("/api/me"), "401")
	quiet(t, tab)
	quiet(t, second, "status of 401")
	d.elsewhere(t, tab, second)
}

// elsewhere leaves the page by a link and logs out in another tab: the page that the back button takes from the browser's
// memory knows it.
func (d *demo) elsewhere(t *testing.T, tab, second *Tab) {
	t.Helper()
	d.page(t, tab)
	d.logIn(t, tab, "alice")
	if page := tab.Click(t, `footer a[href$="/openid-configuration"]`); page.Status != 200 || page.URL.String() == d.base+"/" {
		t.Fatalf("the link leads to %s: %d", page.URL, page.Status)
	}
	second.Reload(t)
	second.Until(t, caller)
	d.logOut(t, second)
	if back := tab.Back(t); back.URL.String() != d.base+"/" {
		t.Fatalf("back is %s", back.URL)
	}
	tab.Until(t, guest)
}

// demoCookie is the session's: its name holds the port.
func demoCookie(t *testing.T, browser *chromium.Browser) *network.Cookie {
	t.Helper()
	for _, cookie := range browser.Cookies(t) {
		if strings.HasPrefix(cookie.Name, "oidcauth-demo-") {
			return cookie
		}
	}
	t.Fatal("the demo has set no cookie")
	return nil
}
