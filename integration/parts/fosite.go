package parts

import (
	"fmt"
	"os/exec"
	"testing"
)

// FositeVersion is the version of github.com/ory/fosite in testdata/fosite/go.mod.
const FositeVersion = "0.49.0"

// Fosite is a running provider that uses ory/fosite. Every user name and password is accepted. The clients are web, with the secret
// [GoSecret], and cli, which is public; both may get access tokens with the audience [API].
type Fosite struct{ Issuer string }

var fositeProgram = goProgram{name: "fosite"}

// NewFosite starts a provider for the application at publicURL. It stops when the test ends.
func NewFosite(t testing.TB, publicURL string, shape Shape) *Fosite {
	t.Helper()
	command := exec.Command(fositeProgram.binary(t))
	command.Env = shape.environment(publicURL)
	return &Fosite{fmt.Sprint(Start(t, command).Ready["issuer"])}
}
