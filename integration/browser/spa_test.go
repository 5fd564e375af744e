package browser

import (
	"crypto/rand"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/oidctest"
	"github.com/go-oidc-auth/oidcauth/integration/parts/chromium"
)

// runExample builds a program of examples and runs it at address until the test ends.
func runExample(t *testing.T, name, address string, env ...string) {
	t.Helper()
	program := filepath.Join(t.TempDir(), name)
	build := exec.Command("go", "build", "-o", program, "./examples/"+name)
	build.Dir = filepath.Join("..", "..")
	if output, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	command := exec.Command(program)
	command.Env = append(os.Environ(), append(env, "ADDR="+address, "XDG_DATA_HOME="+t.TempDir())...)
	command.Env = append(command.Env, "CLIENT_ID="+oidctest.ConfidentialClient, "CLIENT_SECRET="+oidctest.ClientSecret, "SECRET_KEY="+rand.Text()+rand.Text())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
	})
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if connection, err := net.Dial("tcp", address); err == nil {
			_ = connection.Close()
			return
		}
	}
	t.Fatalf("%s never listens", name)
}

// freeAddress is one that nobody listens on: the examples have to know theirs before they start.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return listener.Addr().String()
}

func shows(text string) string {
	return `document.getElementById("status")?.textContent.includes("` + text + `")`
}

// TestSinglePage runs the application of examples/spa: a script with a session.
func TestSinglePage(t *testing.T) {
	browser, provider, address := chromium.New(t), oidctest.NewProvider(t), freeAddress(t)
	runExample(t, "spa", address, "DISCOVERY_URL="+provider.DiscoveryURL(), "PUBLIC_URL=http://"+address)
	tab := newTab(t, browser)
	tab.Open(t, "http://"+address+"/orders?page=2")
	tab.Until(t, shows("not logged in"))
	tab.Click(t, "#login")
	if back := tab.Click(t, as("alice")); back.URL.RequestURI() != "/orders?page=2" {
		t.Errorf("the login comes back to %s", back.URL)
	}
	tab.Until(t, shows("Hello Alice"))
	tab.Press(t, "#order")
	tab.Until(t, shows("Ordered by alice"))
	if seen := script[string](t, tab, "document.cookie + JSON.stringify([localStorage, sessionStorage])"); seen != "[{},{}]" {
		t.Errorf("the script sees %s", seen)
	}

	other := newTab(t, browser)
	other.Open(t, "http://"+address+"/")
	other.Until(t, shows("Hello Alice"))
	tab.Press(t, "#logout")
	tab.Until(t, `location.pathname === "/" && `+shows("not logged in"))
	other.Press(t, "#order") // the other tab does not know of the logout yet
	other.Until(t, `location.host !== "`+address+`"`)
	if page := script[string](t, other, "document.body.innerText"); !strings.Contains(page, "alice") {
		t.Errorf("after a 401 the tab shows %s", page)
	}
	quiet(t, tab, "status of 401")
	quiet(t, other, "status of 401")
}

// TestSinglePageOfAnotherSite runs the script of examples/spa-cors. localhost and 127.0.0.1 are two sites.
func TestSinglePageOfAnotherSite(t *testing.T) {
	browser, provider, address := chromium.New(t), oidctest.NewProvider(t), freeAddress(t)
	source, err := os.ReadFile(filepath.Join("..", "..", "examples", "spa-cors", "app.js"))
	if err != nil {
		t.Fatal(err)
	}
	module := strings.Replace(string(source), "https://api.example.org", "http://"+address, 1)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; connect-src http://"+address)
		switch r.URL.Path {
		case "/app.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(module))
		case "/page.js":
			w.Header().Set("Content-Type", "text/javascript")
			_, _ = w.Write([]byte(`import { finish, call, logout } from "/app.js";
window.call = call; window.logout = logout;
const say = (text) => { document.getElementById("status").textContent = text; };
finish().then(() => call("/me")).then((answer) => answer.json()).then((me) => say("I am " + me.name), (error) => say("failed: " + error.message));`))
		default:
			_, _ = w.Write([]byte(`<!DOCTYPE html><title>x</title><script type="module" src="/page.js"></script><p id="status">`))
		}
	}))
	t.Cleanup(site.Close)
	app := strings.Replace(site.URL, "127.0.0.1", "localhost", 1)
	provider.AddClient(oidctest.Client{ID: oidctest.ConfidentialClient, Secret: oidctest.ClientSecret, RedirectURIs: []string{app + "/"}})
	runExample(t, "spa-cors", address, "DISCOVERY_URL="+provider.DiscoveryURL(), "PUBLIC_URL=http://"+address, "APP_ORIGIN="+app)

	tab := newTab(t, browser)
	tab.Open(t, app+"/orders?page=2")
	tab.Until(t, `location.host !== "`+strings.TrimPrefix(app, "http://")+`" && document.readyState === "complete"`)
	tab.Press(t, as("alice"))
	tab.Until(t, shows("I am alice"))
	if seen := script[string](t, tab, "location.pathname + location.search + JSON.stringify([localStorage, sessionStorage]) + document.cookie"); seen != "/orders?page=2[{},{}]" {
		t.Errorf("after the login the page has %s", seen)
	}
	// The API refuses the first token from now on: of four requests at once, one spends the refresh token.
	hits := provider.Hits(oidctest.Token)
	if sum := script[int](t, tab, `(() => {
		const real = window.fetch;
		let first;
		window.fetch = (address, options) => {
			const bearer = new Headers(options?.headers).get("Authorization");
			first ??= bearer;
			return bearer && bearer === first ? Promise.resolve(new Response("{}", { status: 401 })) : real(address, options);
		};
		return Promise.all([1, 2, 3, 4].map(() => call("/me"))).then((all) => all.reduce((sum, answer) => sum + answer.status, 0));
	})()`); sum != 800 {
		t.Errorf("four requests at once: %d", sum)
	}
	if n := provider.Hits(oidctest.Token) - hits; n != 1 {
		t.Errorf("%d refreshes", n)
	}

	foreign := newTab(t, browser)
	foreign.Open(t, site.URL+"/app.js") // the same server under its other name
	if seen := script[string](t, foreign, `fetch("http://`+address+`/me").then((a) => "status " + a.status, (e) => e.name)`); seen != "TypeError" {
		t.Errorf("another origin reads %s", seen)
	}

	script[string](t, tab, `logout().then(() => "")`) // by way of the provider to the page, which begins a login again
	tab.Until(t, `location.host !== "`+strings.TrimPrefix(app, "http://")+`" && document.querySelector('`+as("alice")+`') !== null`)
	if n := provider.Hits(oidctest.EndSession); n != 1 {
		t.Errorf("the provider's logout was opened %d times", n)
	}
	quiet(t, tab, "status of 401")
}
