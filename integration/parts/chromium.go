package parts

import (
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/storage"
	"github.com/chromedp/chromedp"
)

// ChromiumVersion is where the browser comes from: Debian brings a new one every few weeks.
const ChromiumVersion = "Debian's"

// chromiumLimit is how long the life of one browser may be, whatever a test waits for in it.
const chromiumLimit = 5 * time.Minute

// Chromium is a person's browser: a process with a profile of its own, which starts empty. It reaches 127.0.0.1 and
// localhost, and finds no other host.
type Chromium struct {
	Ctx     context.Context // for actions of chromedp; a context made from it is a tab
	profile string
	flags   []string
	stop    func() // may be called again
}

// NewChromium starts one, to be ended with the test. Start it after the servers that it talks to: its connections then end
// before they wait for them. flags are added to the command line.
func NewChromium(t testing.TB, flags ...string) *Chromium {
	t.Helper()
	return startChromium(t, t.TempDir(), flags)
}

// Restart ends the browser as a person does, and starts it again with the same profile: what it has on disk.
func (c *Chromium) Restart(t testing.TB) *Chromium {
	t.Helper()
	c.stop()
	return startChromium(t, c.profile, c.flags)
}

func startChromium(t testing.TB, profile string, flags []string) *Chromium {
	t.Helper()
	program, err := exec.LookPath("chromium")
	if err != nil {
		Missing(t, "Chromium", err, "apt-get install chromium")
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
	limited, release := context.WithTimeout(context.Background(), chromiumLimit)
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
	return &Chromium{Ctx: ctx, profile: profile, flags: flags, stop: stop}
}

// Cookies are those that the browser keeps, as it understood them.
func (c *Chromium) Cookies(t testing.TB) []*network.Cookie {
	t.Helper()
	got, err := chromedp.Call(c.Ctx, storage.GetCookies, storage.GetCookiesParams{})
	if err != nil {
		t.Fatal(err)
	}
	return got.Cookies
}

// DropCookies empties the jar, as the end of a cookie's life does.
func (c *Chromium) DropCookies(t testing.TB) {
	t.Helper()
	if _, err := chromedp.Call(c.Ctx, storage.ClearCookies, storage.ClearCookiesParams{}); err != nil {
		t.Fatal(err)
	}
}
