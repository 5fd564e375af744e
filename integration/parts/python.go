package parts

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// PythonClientVersion is the version of py-oidc-auth-client in [PythonClient].
const PythonClientVersion = "2603.0.1"

// PythonClient is the requirements file of the client, in the folder python.
const PythonClient = "requirements.txt"

// PythonMCPVersion is the version of mcp, the MCP client, in [PythonMCP].
const PythonMCPVersion = "2.3.0"

// PythonMCP is the requirements file of the MCP client, in the folder python.
const PythonMCP = "requirements-mcp.txt"

// PythonServerVersions are the versions of py-oidc-auth for which [PythonServer] has a file.
var PythonServerVersions = []string{"2604.3.0", "2606.0.0"}

// PythonServer returns the requirements file of a version of py-oidc-auth, in the folder python.
func PythonServer(version string) string { return "requirements-server-" + version + ".txt" }

// Python returns a command that runs the Python interpreter in the folder python, with these arguments (a program and its arguments,
// for instance) and the packages of a requirements file. It first installs the packages into the user's cache folder, once.
func Python(t testing.TB, requirements string, arguments ...string) *exec.Cmd {
	t.Helper()
	interpreter, err := python(requirements)
	if err != nil {
		Missing(t, requirements, err, "apt-get install python3-venv")
	}
	command := exec.Command(interpreter, arguments...)
	command.Dir = filepath.Join(Root(), "python")
	// Nothing is written beside the programs, and a proxy of the environment is not asked for loopback.
	command.Env = append(os.Environ(), "PYTHONDONTWRITEBYTECODE=1", "PYTHONNOUSERSITE=1", "NO_PROXY=127.0.0.1,localhost")
	return command
}

// python is the interpreter of a virtual environment. It is made under another name than it is used under, which it bears
// as long as its programs are not started by their first line: that alone holds the old name. The name has the interpreter
// in it that it stands on, so that an upgraded one makes a new environment.
func python(requirements string) (string, error) {
	base, err := exec.Command("python3", "-c", "import sys; print(sys.version, sys._base_executable)").Output()
	if err != nil {
		return "", err
	}
	file := filepath.Join(Root(), "python", requirements)
	list, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(append(base, list...))
	dir, err := cached("python-"+hex.EncodeToString(sum[:8]), func(dir string) error {
		if err := run(exec.Command("python3", "-m", "venv", dir)); err != nil {
			return err
		}
		return run(exec.Command(filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "-q", "--disable-pip-version-check",
			"--no-deps", "--only-binary", ":all:", "-r", file))
	})
	return filepath.Join(dir, "bin", "python"), err
}
