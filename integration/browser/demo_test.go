package browser

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/chromedp"

	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// TestDemo builds and runs the program of `make demo` as a user does, and uses its page.
func TestDemo(t *testing.T) {
	program := buildDemo(t)
	for _, framework := range []string{"gin", "fiber"} {
		t.Run(framework, func(t *testing.T) {
			d := startDemo(t, program, "-framework", framework)
			browser := chromium.New(t)
			checks := compat.New(t, part, chromium.Version, framework, passthrough)
			checks.Run("the demo's page: every button", func(t *testing.T) { d.buttons(t, browser) })
			checks.Run("the demo's page: a session is ended, and both services notice", func(t *testing.T) { d.ends(t, browser) })
			checks.Run("the demo's page: switches at the provider", func(t *testing.T) { d.switches(t, browser) })
			checks.Run("the demo's page: inspector of tokens", func(t *testing.T) { d.inspector(t, browser) })
			checks.Run("the demo's page: device login", func(t *testing.T) { d.device(t, browser) })
			checks.Run("the demo's page: session over reload, logout, and the back button after it", func(t *testing.T) { d.session(t, browser) })
			checks.Run("the demo's page: wide and narrow, light and dark", func(t *testing.T) { d.looks(t, browser, framework) })
			checks.Run("the demo's page: keyboard alone", func(t *testing.T) { d.keyboard(t, browser) })
			checks.Run("the demo's page: names, labels, headings", func(t *testing.T) { d.named(t, browser) })
		})
	}
}

// buildDemo builds the program into a folder of the test.
func buildDemo(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "demo")
	build := exec.Command("go", "build", "-p", "1", "-o", program, "./demo")
	build.Dir = filepath.Join(filepath.Dir(parts.Root()), "examples")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the demo is not built: %v: %s", err, text)
	}
	return program
}

// demo is a running demo.
type demo struct{ base string }

// startDemo starts the program on free ports, its data in a folder of the test.
func startDemo(t *testing.T, program string, arguments ...string) *demo {
	t.Helper()
	command := exec.Command(program, append(arguments, "-addr", "127.0.0.1:0", "-provider", "127.0.0.1:0", "-data", t.TempDir())...)
	command.Stderr = os.Stderr
	output, err := command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewReader(output)
		for {
			line, err := lines.ReadString('\n')
			if base, found := strings.CutPrefix(strings.TrimSpace(line), "Open "); found {
				address <- strings.TrimSuffix(base, "/")
			}
			if err != nil {
				break
			}
		}
		_, _ = io.Copy(io.Discard, lines)
		ended <- command.Wait()
	}()
	t.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("the demo's end: %v", err)
			}
		case <-time.After(15 * time.Second):
			_ = command.Process.Kill()
			t.Error("the demo does not end")
		}
	})
	select {
	case base := <-address:
		return &demo{base}
	case err := <-ended:
		ended <- err
		t.Fatalf("the demo has ended: %v", err)
	case <-time.After(30 * time.Second):
		t.Fatal("the demo is not ready in time")
	}
	return nil
}

// page opens the page.
func (d *demo) page(t *testing.T, tab *Tab) {
	t.Helper()
	if page := tab.Open(t, d.base+"/"); page.Status != 200 {
		t.Fatalf("the page: %d %s", page.Status, page.Text)
	}
	tab.Until(t, ready)
}

// guest opens the page as somebody who is logged in nowhere.
func (d *demo) guest(t *testing.T, tab *Tab) {
	t.Helper()
	if _, err := chromedp.Call(tab.Ctx, network.ClearBrowserCookies, struct{}{}); err != nil {
		t.Fatal(err)
	}
	d.page(t, tab)
}

// ready is true once the page's script has asked both services who is there.
const ready = `document.documentElement.dataset.ready === "true"`

// in selects within the pane of a service.
func in(service, selector string) string { return `[data-service="` + service + `"] ` + selector }

// isIn is true once the pane shows somebody, or nobody.
func isIn(service string, somebody bool) string {
	return fmt.Sprintf(`document.querySelector(%q)?.hidden === %t && %s`, in(service, ".when-guest"), somebody, ready)
}

// logIn clicks through the login at a service. The provider may know the person already.
func (d *demo) logIn(t *testing.T, tab *Tab, service, user string) {
	t.Helper()
	page := tab.Click(t, in(service, ".login"))
	if !strings.HasPrefix(page.URL.String(), d.base+"/") {
		page = tab.Click(t, as(user))
	}
	if page.Status != 200 || page.URL.String() != d.base+"/" {
		t.Fatalf("the login ends at %s: %d %s", page.URL, page.Status, page.Text)
	}
	tab.Until(t, isIn(service, true))
	if who := script[string](t, tab, fmt.Sprintf(`document.querySelector(%q).textContent`, in(service, ".who-text"))); who != user+" is logged in" {
		t.Errorf("the pane of %s says: %s", service, who)
	}
}

// logOut clicks the button and waits for the page.
func (d *demo) logOut(t *testing.T, tab *Tab, service string) {
	t.Helper()
	if page := tab.Click(t, in(service, ".logout")); page.Status != 200 || page.URL.String() != d.base+"/" {
		t.Fatalf("the logout ends at %s: %d %s", page.URL, page.Status, page.Text)
	}
	tab.Until(t, isIn(service, false))
}

// press presses a button and waits until its action is over.
func (d *demo) press(t *testing.T, tab *Tab, button string) {
	t.Helper()
	tab.Press(t, button)
	tab.Until(t, fmt.Sprintf(`!document.querySelector(%q)?.hasAttribute("aria-disabled")`, button))
}

// call is the button that calls a route, "GET /me".
func call(service, route string) string { return in(service, `[data-call="`+route+`"]`) }

// says presses the button of a route and holds what the pane says against how that has to begin.
func (d *demo) says(t *testing.T, tab *Tab, service, route, want string) {
	t.Helper()
	d.press(t, tab, call(service, route))
	if got := script[string](t, tab, fmt.Sprintf(`document.querySelector(%q).textContent`, in(service, ".answer [role=status]"))); !strings.HasPrefix(got, want) {
		t.Errorf("%s at %s says %q, not %q", route, service, got, want)
	}
}
