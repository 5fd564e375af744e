package parts

import (
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// ZitadelVersion is the version of github.com/zitadel/oidc/v3 in testdata/zitadel/go.mod.
const ZitadelVersion = "3.51.17"

// Shape configures a provider. The zero value: opaque access tokens, RS256, client_secret_basic, no browser sessions.
type Shape struct {
	JWT       bool   // access tokens are JWTs
	Algorithm string // of its signatures
	Auth      string // how clients with a secret show it, and the only way that is offered
	OffersAll bool   // the other way is offered, too, though it is refused; fosite alone
	ClientAlg string // the client web-key is there: it signs assertions with this algorithm, and its keys are at the application; node-oidc-provider and zitadel
	Push      bool   // authorization requests have to be pushed; node-oidc-provider alone
	Signed    bool   // introspection answers are JWTs; node-oidc-provider alone
	ACR       string // levels of logins, separated by spaces, the lowest first; node-oidc-provider alone
	Name      string // of the provider at an application of several: its callback ends in it; "": it is the only or the main one
	Sessions  bool   // the application has browser sessions: it gets people back from a logout, and logout tokens; node-oidc-provider alone
}

// environment is what the providers of this module read.
func (s Shape) environment(publicURL string) []string {
	list := append(os.Environ(), "OP_CALLBACKS="+strings.Join(callbacks(publicURL, s.Name), " "), "OP_LOGOUT="+publicURL+"/bye")
	for name, value := range map[string]string{"OP_ALG": or(s.Algorithm, "RS256"), "OP_AUTH": or(s.Auth, "client_secret_basic")} {
		list = append(list, name+"="+value)
	}
	if s.JWT {
		list = append(list, "OP_JWT=1")
	}
	if s.OffersAll {
		list = append(list, "OP_OFFERS_ALL=1")
	}
	if s.ClientAlg != "" {
		list = append(list, "OP_CLIENT_KEYS="+publicURL+"/auth/v2/client-keys.json", "OP_CLIENT_ALG="+s.ClientAlg)
	}
	if s.Push {
		list = append(list, "OP_PUSH=1")
	}
	if s.Signed {
		list = append(list, "OP_SIGNED=1")
	}
	if s.ACR != "" {
		list = append(list, "OP_ACR="+s.ACR)
	}
	if s.Sessions {
		list = append(list, "OP_LOGOUT="+publicURL+"/auth/v2/logout", "OP_BACKCHANNEL="+publicURL+"/auth/v2/backchannel-logout")
	}
	return list
}

func or(text, otherwise string) string {
	if text == "" {
		return otherwise
	}
	return text
}

// Zitadel is a running example provider of zitadel/oidc. The users are alice and bob, with the password x. The clients are web, with
// the secret [GoSecret], and cli, which is public.
type Zitadel struct{ Issuer string }

// GoSecret is the secret of the client web at [Zitadel] and [Fosite].
const GoSecret = "web-secret-0123456789abcdef0123456789abcdef"

// NewZitadel starts a provider for the application at publicURL. It stops when the test ends.
func NewZitadel(t testing.TB, publicURL string, shape Shape) *Zitadel {
	t.Helper()
	command := exec.Command(zitadelProgram.binary(t))
	command.Env = shape.environment(publicURL)
	return &Zitadel{fmt.Sprint(Start(t, command).Ready["issuer"])}
}

// Rotate gives the provider a new signing key. With drop, it stops publishing the old ones.
func (z *Zitadel) Rotate(t testing.TB, drop bool) { t.Helper(); rotate(t, z.Issuer, drop) }

// rotate asks a provider of this module for new signing keys.
func rotate(t testing.TB, issuer string, drop bool) {
	t.Helper()
	address := strings.TrimSuffix(issuer, "/") + "/_test/rotate"
	if drop {
		address += "?drop=1"
	}
	response, err := http.Post(address, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Fatalf("rotate: %s", response.Status)
	}
}

var zitadelProgram = goProgram{name: "zitadel"}

// goProgram is a program in testdata with a go.mod of its own, so that nothing of it gets into the modules here. It is
// built once for all tests of a package; the build cache makes the next time quick.
type goProgram struct {
	name string

	once             sync.Once
	path             string
	missing, failure error
}

func (p *goProgram) binary(t testing.TB) string {
	t.Helper()
	p.once.Do(p.build)
	if p.missing != nil {
		Missing(t, p.name, p.missing, "GOWORK=off go mod download -C integration/testdata/"+p.name)
	}
	if p.failure != nil {
		t.Fatal(p.failure)
	}
	return p.path
}

func (p *goProgram) build() {
	source := filepath.Join(Root(), "testdata", p.name)
	dir, err := os.MkdirTemp("", "oidcauth-"+p.name+"-")
	if err != nil {
		p.failure = err
		return
	}
	shared.Lock()
	shared.dirs = append(shared.dirs, dir)
	shared.Unlock()
	command := func(arguments ...string) error {
		c := exec.Command("go", arguments...)
		c.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=-mod=readonly")
		return run(c)
	}
	if p.missing = command("list", "-C", source, "-deps", "."); p.missing == nil { // fetches what is not there
		p.path = filepath.Join(dir, p.name)
		p.failure = command("build", "-C", source, "-o", p.path, ".")
	}
}
