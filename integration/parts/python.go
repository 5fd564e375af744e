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

// PythonClient is the file of the folder python that names the packages of the client.
const PythonClient = "requirements.txt"

// PythonServerVersions are the versions of py-oidc-auth that [PythonServer] knows.
var PythonServerVersions = []string{"2604.3.0", "2606.0.0"}

// PythonServer is the file of the folder python that names the packages of a version of the server.
func PythonServer(version string) string { return "requirements-server-" + version + ".txt" }

// Python is a command that runs a program of the folder python, or whatever else a Python is told, with the packages of a
// requirements file: pip has put them into the user's cache.
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
