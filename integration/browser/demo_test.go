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

	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// TestDemo is the program of `make demo`, built and run as a user runs it, and its page.
func TestDemo(t *testing.T) {
	program := filepath.Join(t.TempDir(), "demo")
	build := exec.Command("go", "build", "-p", "1", "-o", program, "./demo")
	build.Dir = filepath.Join(filepath.Dir(parts.Root()), "examples")
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the demo is not built: %v: %s", err, text)
	}
	for framework, peers := range map[string]string{"gin": "2", "fiber": "1"} {
		t.Run(framework, func(t *testing.T) {
			d := startDemo(t, program, "-framework", framework, "-peers", peers)
			browser := chromium.New(t)
			checks := compat.New(t, part, chromium.Version, framework, brokered)
			checks.Run("the demo's page: every button", func(t *testing.T) { d.buttons(t, browser, peers == "2") })
			checks.Run("the demo's page: device login", func(t *testing.T) { d.device(t, browser) })
			checks.Run("the demo's page: session over reload, logout, and the back button after it", func(t *testing.T) { d.session(t, browser) })
			checks.Run("the demo's page: wide and narrow, light and dark", func(t *testing.T) { d.looks(t, browser, framework) })
			checks.Run("the demo's page: keyboard alone", func(t *testing.T) { d.keyboard(t, browser) })
			checks.Run("the demo's page: names, labels, headings", func(t *testing.T) { d.named(t, browser) })
		})
	}
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

// page opens the page of somebody who is not logged in.
func (d *demo) page(t *testing.T, tab *Tab) {
	t.Helper()
	if page := tab.Open(t, d.base+"/"); page.Status != 200 {
		t.Fatalf("the page: %d %s", page.Status, page.Text)
	}
	tab.Until(t, guest)
}

// What the page's script has shown once it knows who is there.
const (
	guest  = `document.getElementById("profile")?.hidden === true && document.querySelector(".copy") !== null`
	caller = `document.getElementById("profile")?.hidden === false`
)

// logIn clicks through the login.
func (d *demo) logIn(t *testing.T, tab *Tab, user string) {
	t.Helper()
	tab.Click(t, "#login")
	if page := tab.Click(t, as(user)); page.Status != 200 || page.URL.String() != d.base+"/" {
		t.Fatalf("the login ends at %s: %d %s", page.URL, page.Status, page.Text)
	}
	tab.Until(t, caller)
	if name := script[string](t, tab, `document.querySelector("[data-claim=username]").textContent`); name != user {
		t.Errorf("the page shows %s, not %s", name, user)
	}
}

// logOut clicks the button and waits for the page.
func (d *demo) logOut(t *testing.T, tab *Tab) {
	t.Helper()
	if page := tab.Click(t, "#logout"); page.Status != 200 || page.URL.String() != d.base+"/" {
		t.Fatalf("the logout ends at %s: %d %s", page.URL, page.Status, page.Text)
	}
	tab.Until(t, guest)
}

// press presses a button of a step and returns what the step says of the answer.
func (d *demo) press(t *testing.T, tab *Tab, button string) string {
	t.Helper()
	tab.Press(t, button)
	tab.Until(t, fmt.Sprintf(`!document.querySelector(%q).hasAttribute("aria-disabled") && document.querySelector(%[1]q).closest(".step").querySelector(".told") !== null`, button))
	return script[string](t, tab, fmt.Sprintf(`document.querySelector(%q).closest(".step").querySelector("[role=status]").textContent`, button))
}

// route is the button that calls a route.
func route(path string) string { return `[data-route="` + path + `"] .do button` }
