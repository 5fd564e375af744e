package parts

import (
	"fmt"
	"os/exec"
	"testing"
)

// FositeVersion is the version of github.com/ory/fosite in testdata/fosite/go.mod.
const FositeVersion = "0.49.0"

// Fosite is a provider made with ory/fosite. Users are whoever comes, any password is right. Clients are web, with the
// secret [GoSecret], and cli, which is public; both may have access tokens for [API].
type Fosite struct{ Issuer string }

var fositeProgram = goProgram{name: "fosite"}

// NewFosite starts one for an application.
func NewFosite(t testing.TB, publicURL string, shape Shape) *Fosite {
	t.Helper()
	command := exec.Command(fositeProgram.binary(t))
	command.Env = shape.environment(publicURL)
	return &Fosite{fmt.Sprint(Start(t, command).Ready["issuer"])}
}
