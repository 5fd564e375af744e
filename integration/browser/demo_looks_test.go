package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// overflow names what is wider than the window, "" where nothing is.
const overflow = `(() => {
	const wide = document.documentElement.scrollWidth;
	if (wide <= window.innerWidth) return "";
	const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > window.innerWidth + 1);
	return wide + " px: " + out.slice(0, 3).map((e) => e.tagName + "#" + e.id + "." + e.className).join(", ");
})()`

// contrast names texts that are hard to read on what is behind them (WCAG 2.2, 1.4.3: 4.5 to 1, large ones 3 to 1).
const contrast = `(() => {
	const parse = (text) => { const n = text.match(/[\d.]+/g).map(Number); return [n[0], n[1], n[2], n[3] ?? 1]; };
	const light = (c) => { const [r, g, b] = c.map((v) => (v /= 255) <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4); return .2126 * r + .7152 * g + .0722 * b; };
	const faults = new Set();
	for (const element of document.querySelectorAll("body *")) {
		const own = [...element.childNodes].some((n) => n.nodeType === 3 && n.data.trim());
		if (!own || !element.getClientRects().length || element.closest("[aria-disabled=true]")) continue;
		const style = getComputedStyle(element);
		let behind = null;
		for (let e = element; e && !behind; e = e.parentElement) {
			const back = parse(getComputedStyle(e).backgroundColor);
			if (back[3] === 1) behind = back;
		}
		if (!behind) continue;
		const [a, b] = [light(parse(style.color).slice(0, 3)), light(behind.slice(0, 3))].sort((x, y) => y - x);
		const ratio = (a + .05) / (b + .05), size = parseFloat(style.fontSize);
		if (ratio < (size >= 24 || size >= 18.66 && style.fontWeight >= 700 ? 3 : 4.5)) faults.add(element.tagName + "." + element.className + " " + ratio.toFixed(2) + " " + element.textContent.slice(0, 30));
	}
	return [...faults].join("; ");
})()`

// looks holds the page, and the provider's, against windows wide and narrow, light and dark.
func (d *demo) looks(t *testing.T, browser *chromium.Browser, name string) {
	for _, scheme := range []string{"light", "dark"} {
		for _, width := range []int64{1400, 390} {
			t.Run(fmt.Sprintf("%s, %d", scheme, width), func(t *testing.T) {
				tab := newTab(t, browser)
				look(t, tab, scheme, width)
				show := func(what string) { t.Helper(); d.seen(t, tab, fmt.Sprintf("%s-%s-%d-%s", name, what, width, scheme)) }
				d.guest(t, tab)
				show("guest")
				d.says(t, tab, shop, "GET /me", "401")
				d.says(t, tab, office, "GET /feed", "200")
				d.press(t, tab, "#tv-start")
				tab.Until(t, `document.getElementById("tv-qr").naturalWidth > 0`)
				d.inspects(t, tab, "signature", "refused by Shop")
				show("guest-answers")
				d.press(t, tab, "#tv-off")

				tab.Click(t, in(shop, ".login"))
				show("provider")
				tab.Click(t, as("alice"))
				tab.Until(t, isIn(shop, true))
				d.logIn(t, tab, office, "alice")
				show("caller")
				d.says(t, tab, shop, "GET /admin", "200")
				d.inspects(t, tab, "session", "accepted by Shop")
				d.press(t, tab, "[data-switch=down]")
				for _, summary := range []string{"#content", "#lines", "#source"} {
					tab.Press(t, summary+" summary")
				}
				show("caller-answers")
				d.press(t, tab, "[data-switch=down]")
				tab.Until(t, `document.querySelectorAll("[aria-checked=true]").length === 0`)
				d.press(t, tab, in(shop, ".end-all"))
				tab.Until(t, isIn(office, false))
				show("ended")
				quiet(t, tab, guestTold)
			})
		}
	}
}

func look(t *testing.T, tab *Tab, scheme string, width int64) {
	t.Helper()
	_, err := chromedp.Call(tab.Ctx, emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{
		Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}},
	})
	if err == nil {
		err = chromedp.Do(tab.Ctx, chromedp.EmulateViewport(width, 900))
	}
	if err != nil {
		t.Fatal(err)
	}
}

// seen looks at the whole page as it is now, and keeps a picture of it in the folder OIDCAUTH_SCREENSHOTS.
func (d *demo) seen(t *testing.T, tab *Tab, name string) {
	t.Helper()
	if wide := script[string](t, tab, overflow); wide != "" {
		t.Errorf("%s: %s", name, wide)
	}
	if pale := script[string](t, tab, contrast); pale != "" {
		t.Errorf("%s: hard to read: %s", name, pale)
	}
	dir := os.Getenv("OIDCAUTH_SCREENSHOTS")
	if dir == "" {
		return
	}
	picture, err := chromedp.Run(tab.Ctx, chromedp.FullScreenshot(100))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, name+".png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}
