package browser

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// maxPicture is how large the README's picture may be, in bytes.
const maxPicture = 300_000

// TestPicture takes the README's picture from the page of the demo: alice is logged in at both services, a switch at the provider
// has taken effect, a television waits for its login, and the inspector shows why a token is refused. The file is demo.png in the
// folder OIDCAUTH_PICTURE, which `make picture` sets to docs.
func TestPicture(t *testing.T) {
	d := startDemo(t, buildDemo(t), "-framework", "gin")
	tab := newTab(t, chromium.New(t))
	look(t, tab, "light", 1400)
	d.guest(t, tab)
	d.logIn(t, tab, shop, "alice")
	d.logIn(t, tab, office, "alice")
	d.press(t, tab, "[data-switch=rotate]")
	tab.Until(t, `document.getElementById("then").textContent.includes("Office did not know it, fetched the keys, and takes its tokens.")`)
	d.says(t, tab, shop, "GET /admin", "200")
	d.says(t, tab, office, "POST /orders", "201")
	d.press(t, tab, "#tv-start")
	tab.Until(t, `document.getElementById("tv-qr").naturalWidth > 0`)
	d.inspects(t, tab, "audience", "refused by Shop: wrong audience")
	picture := capture(t, tab)
	if len(picture) > maxPicture {
		t.Errorf("the picture has %d bytes, more than %d", len(picture), maxPicture)
	}
	dir := os.Getenv("OIDCAUTH_PICTURE")
	if dir == "" {
		dir = t.TempDir()
	}
	if err := os.WriteFile(filepath.Join(dir, "demo.png"), picture, 0o600); err != nil {
		t.Fatal(err)
	}
}

// capture takes the page from its top to the end of the inspector: what follows names folders of this machine.
func capture(t *testing.T, tab *Tab) []byte {
	t.Helper()
	height := script[float64](t, tab, `document.querySelector(".wide-left").getBoundingClientRect().bottom + scrollY + 16`)
	clip, beyond := page.Viewport{Width: 1400, Height: height, Scale: 1}, true
	taken, err := chromedp.Call(tab.Ctx, page.CaptureScreenshot, page.CaptureScreenshotParams{Clip: &clip, CaptureBeyondViewport: &beyond})
	if err != nil {
		t.Fatal(err)
	}
	picture, err := png.Decode(bytes.NewReader(taken.Data))
	if err != nil {
		t.Fatal(err)
	}
	var small bytes.Buffer
	if err := (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(&small, picture); err != nil {
		t.Fatal(err)
	}
	return small.Bytes()
}
