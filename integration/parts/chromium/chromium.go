// Package chromium starts a browser. It is not a file of package parts, because the protocol that drives a browser takes as long
// to compile as all that the tests without one import here.
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

// Version is where the browser comes from: Debian brings a new one every few weeks.
const Version = "Debian's"

// limit is how long the life of one browser may be, whatever a test waits for in it.
const limit = 5 * time.Minute

// Browser is a person's browser: a process with a profile of its own, which starts empty. It reaches 127.0.0.1 and
// localhost, and finds no other host.
type Browser struct {
	Ctx     context.Context // for actions of chromedp; a context made from it is a tab
	profile string
	flags   []string
	stop    func() // may be called again
}

// New starts one, to be ended with the test. Start it after the servers that it talks to: its connections then end
// before they wait for them. flags are added to the command line.
func New(t testing.TB, flags ...string) *Browser {
	t.Helper()
	return start(t, t.TempDir(), flags)
}

// Restart ends the browser as a person does, and starts it again with the same profile: what it has on disk.
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

// Cookies are those that the browser keeps, as it understood them.
func (c *Browser) Cookies(t testing.TB) []*network.Cookie {
	t.Helper()
	got, err := chromedp.Call(c.Ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Cookies
}

// DropCookies empties the jar, as the end of a cookie's life does.
func (c *Browser) DropCookies(t testing.TB) {
	t.Helper()
	if _, err := chromedp.Call(c.Ctx, storage.ClearCookies, storage.ClearCookiesParams{}); err != nil {
		t.Fatal(err)
	}
}
