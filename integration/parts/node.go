package parts

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Node returns a command that runs a program of the folder nodejs with the packages of package-lock.json. It first installs them with
// `npm ci` into the user's cache folder, once.
func Node(t testing.TB, program string, arguments ...string) *exec.Cmd {
	t.Helper()
	modules, err := nodeModules()
	if err != nil {
		Missing(t, program, err, "apt-get install nodejs npm")
	}
	dir := t.TempDir() // an ES module finds packages beside itself and above
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(Root(), "nodejs"))); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(modules, filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	return exec.Command("node", append([]string{filepath.Join(dir, program)}, arguments...)...)
}

func nodeModules() (string, error) {
	if _, err := exec.LookPath("npm"); err != nil {
		return "", err
	}
	lock, err := os.ReadFile(filepath.Join(Root(), "package-lock.json"))
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	dir, err := cached("node-"+hex.EncodeToString(sum[:8]), func(dir string) error {
		for _, name := range []string{"package.json", "package-lock.json"} {
			text, err := os.ReadFile(filepath.Join(Root(), name))
			if err != nil {
				return err
			}
			if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
				return err
			}
		}
		return run(exec.Command("npm", "ci", "--prefix", dir, "--no-audit", "--no-fund", "--ignore-scripts"))
	})
	return filepath.Join(dir, "node_modules"), err
}

// run runs a command to its end; its output is in the error.
func run(command *exec.Cmd) error {
	if text, err := command.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", filepath.Base(command.Path), err, text[max(0, len(text)-2000):])
	}
	return nil
}
