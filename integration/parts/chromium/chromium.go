// Package chromium starts the browser Chromium for tests. It is separate from package parts because the packages that control a browser
// take long to compile, and most tests need none.
package chromium

import (
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// Version is the version that the compatibility table shows. It names the source, because Debian updates the browser every few weeks.
const Version = "Debian's"

// limit is how long the life of one browser may be, whatever a test waits for in it.
const limit = 5 * time.Minute

// Browser is a running browser with a new, empty profile. It can reach 127.0.0.1 and localhost, and no other host.
type Browser struct {
	Ctx     context.Context // for actions of chromedp; a context made from it is a tab
	profile string
	flags   []string
	stop    func() // may be called again
}

// New starts a browser. It stops when the test ends. Start it after the servers that it talks to: it then stops before them, and they
// need not wait for its connections. flags are added to the command line.
func New(t testing.TB, flags ...string) *Browser {
	t.Helper()
	return start(t, t.TempDir(), flags)
}

// Restart closes the browser and starts a new one with the same profile on disk.
func (c *Browser) Restart(t testing.TB) *Browser {
	t.Helper()
	c.stop()
	return start(t, c.profile, c.flags)
}

func start(t testing.TB, profile string, flags []string) *Browser {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		parts.Missing(t, "Chromium", err, "apt-get install chromium")
	}
	options := []chromedp.ExecAllocatorOption{
		chromedp.ExecPath(program), chromedp.UserDataDir(profile), chromedp.WindowSize(1280, 900),
		chromedp.Flag("headless", "new"), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	}
	for _, flag := range append([]string{
		"no-sandbox", // it refuses to run as root with one
		"no-first-run", "no-default-browser-check", "disable-gpu", "disable-quic", "disable-background-networking",
		"disable-component-update", "disable-sync", "disable-default-apps", "disable-dev-shm-usage",
	}, flags...) {
		options = append(options, chromedp.Flag(flag, true))
	}
	limited, release := context.WithTimeout(context.Background(), limit)
	allocator, _ := chromedp.NewExecAllocator(limited, options...)
	ctx, _ := chromedp.NewContext(allocator)
	stop := sync.OnceFunc(func() {
		_ = chromedp.Cancel(ctx) // waits until the process has gone; that it has gone before is told by what failed
		release()
	})
	t.Cleanup(stop)
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("Chromium: %v", err)
	}
	return &Browser{Ctx: ctx, profile: profile, flags: flags, stop: stop}
}

// Cookies returns all cookies of the browser, as it has parsed them.
func (c *Browser) Cookies(t testing.TB) []*network.Cookie {
	t.Helper()
	got, err := chromedp.Call(c.Ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Cookies
}

// DropCookies deletes all cookies, as if they had expired.
func (c *Browser) DropCookies(t testing.TB) {
	t.Helper()
	if _, err := chromedp.Call(c.Ctx, storage.ClearCookies, storage.ClearCookiesParams{}); err != nil {
		t.Fatal(err)
	}
}
