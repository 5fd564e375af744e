package parts

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// KeycloakVersion is the version of Keycloak that is downloaded from Maven Central.
const KeycloakVersion = "26.7.3"

// keycloakLimit is how long a start may take; it takes 20 s where nothing else runs.
const keycloakLimit = 120 * time.Second

// keycloakServer is the one server of a test binary: it starts when the first test asks for it, and ends with the binary.
var keycloakServer = sync.OnceValues(startKeycloak)

// keycloak returns the address of the server, which all tests of a package share.
func keycloak(t testing.TB) string {
	t.Helper()
	for _, program := range []string{"mvn", "java"} {
		if _, err := exec.LookPath(program); err != nil {
			Missing(t, "Keycloak", err, "apt-get install maven openjdk-17-jdk-headless")
		}
	}
	address, err := keycloakServer()
	if err != nil {
		t.Fatalf("Keycloak: %v", err)
	}
	return address
}

// startKeycloak gives the server a home of its own. Only data/ in it is written to: everything else comes from the cache.
func startKeycloak() (address string, err error) {
	built, err := cached("keycloak-"+KeycloakVersion, buildKeycloak)
	if err != nil {
		return "", err
	}
	dir, err := os.MkdirTemp("", "keycloak-")
	if err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			_ = os.RemoveAll(dir)
		}
	}()
	home, err := keycloakHome(filepath.Join(built, "home"), dir)
	if err != nil {
		return "", err
	}
	port, err := freePort()
	if err != nil {
		return "", err
	}
	address = fmt.Sprintf("http://127.0.0.1:%d", port)
	p, err := launch(dir, keycloakCommand(home, "java", "--http-host=127.0.0.1", fmt.Sprintf("--http-port=%d", port), "--hostname="+address))
	if err != nil {
		return "", err
	}
	if err := p.untilAnswers(address+"/realms/master/.well-known/openid-configuration", keycloakLimit); err != nil {
		p.Stop()
		return "", err
	}
	shared.add(p, dir)
	return address, nil
}

// keycloakHome makes a home out of links to a built one. The start script alone is a copy, for it looks for its home
// beside itself.
func keycloakHome(built, dir string) (string, error) {
	home := filepath.Join(dir, "home")
	if err := os.MkdirAll(filepath.Join(home, "bin"), 0o750); err != nil {
		return "", err
	}
	script, err := os.ReadFile(filepath.Join(built, "bin", "kc.sh"))
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(home, "bin", "kc.sh"), script, 0o700); err != nil {
		return "", err
	}
	for _, name := range []string{"conf", "lib", "providers", "themes", "version.txt"} {
		if err := os.Symlink(filepath.Join(built, name), filepath.Join(home, name)); err != nil {
			return "", err
		}
	}
	return home, nil
}

// keycloakCommand starts a home in development mode, its data in memory. What it says goes to the error output.
func keycloakCommand(home, java string, options ...string) *exec.Cmd {
	script := append([]string{filepath.Join(home, "bin", "kc.sh"), "start-dev", "--cache=local"}, options...)
	command := exec.Command("sh", append([]string{"-c", `exec "$0" "$@" >&2`}, script...)...)
	command.Dir = home
	for _, entry := range os.Environ() {
		if !strings.HasPrefix(entry, "KC_") { // options of Keycloak
			command.Env = append(command.Env, entry)
		}
	}
	command.Env = append(command.Env, "JAVA="+java, "KC_DB=dev-mem",
		"KC_BOOTSTRAP_ADMIN_USERNAME="+keycloakAdmin, "KC_BOOTSTRAP_ADMIN_PASSWORD="+keycloakAdmin,
		"JAVA_OPTS_KC_HEAP=-Xms64m -Xmx512m", "JAVA_OPTS_APPEND=-Djava.net.preferIPv4Stack=true -XX:TieredStopAtLevel=1")
	return command
}

// buildKeycloak fetches and builds a home. The first start in development mode builds, ends with 10, and the script then
// starts once more: here the building alone is wanted, so the 10 is turned into a 0.
func buildKeycloak(dir string) error {
	fetch := exec.Command("mvn", "-B", "-q", "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:unpack",
		"-Dartifact=org.keycloak:keycloak-quarkus-dist:"+KeycloakVersion+":zip", "-DoutputDirectory="+dir)
	fetch.Dir = dir
	if err := run(fetch); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(dir, "${project.basedir}")); err != nil { // what Maven leaves without a project
		return err
	}
	home := filepath.Join(dir, "home")
	if err := os.Rename(filepath.Join(dir, "keycloak-"+KeycloakVersion), home); err != nil {
		return err
	}
	java := filepath.Join(dir, "java")
	if err := os.WriteFile(java, []byte("#!/bin/sh\njava \"$@\"\n[ $? = 10 ]\n"), 0o700); err != nil {
		return err
	}
	return run(keycloakCommand(home, java))
}
