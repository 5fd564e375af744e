package parts

import (
	"crypto/rand"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"
)

// mcpServer is the program of examples/mcp, compiled once for a test binary.
var mcpServer = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "mcp-")
	if err != nil {
		return "", err
	}
	shared.addDir(dir)
	program := filepath.Join(dir, "mcp")
	build := exec.Command("go", "build", "-o", program, "./examples/mcp")
	build.Dir = filepath.Dir(Root())
	return program, run(build)
})

// StartMCP runs the MCP server of examples/mcp on a framework until the test ends. It serves publicURL, which is http on a free port of
// 127.0.0.1, accepts tokens for publicURL + "/mcp" from the provider with this issuer, and allows its clock no leeway worth mentioning: tests
// wait for tokens to expire.
func StartMCP(t testing.TB, framework, publicURL, issuer string) {
	t.Helper()
	program, err := mcpServer()
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(program, "-framework", framework, "-leeway", "1ms")
	command.Env = append(os.Environ(), "PUBLIC_URL="+publicURL, "ADDR="+publicURL[len("http://"):], "CLIENT_ID=orders",
		"DISCOVERY_URL="+issuer+"/.well-known/openid-configuration", "SECRET_KEY="+rand.Text()+rand.Text(), "NO_PROXY=127.0.0.1,localhost")
	p, err := launch(t.TempDir(), command)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		p.Stop()
		if t.Failed() {
			t.Logf("examples/mcp on %s: %s", framework, p.Log())
		}
	})
	if err := p.untilAnswers(fmt.Sprintf("%s/.well-known/oauth-protected-resource/mcp", publicURL), time.Minute); err != nil {
		t.Fatalf("examples/mcp on %s: %v", framework, err)
	}
}
