package client

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-oidc-auth/oidcauth/integration/compat"
	"github.com/go-oidc-auth/oidcauth/integration/parts"
)

// openIDClient is the part's name in the table.
const openIDClient = "openid-client"

// openIDClientVersion is what package.json says.
func openIDClientVersion(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(parts.Root(), "package.json"))
	if err != nil {
		t.Fatal(err)
	}
	var manifest struct{ Dependencies map[string]string }
	if err := json.Unmarshal(text, &manifest); err != nil || manifest.Dependencies[openIDClient] == "" {
		t.Fatalf("package.json names no version: %v", err)
	}
	return manifest.Dependencies[openIDClient]
}

// judged runs a program of the folder nodejs to its end; each line that it prints is a check of its own.
func judged(t *testing.T, checks *compat.Checks, program string, environment map[string]string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	prepared := parts.Node(t, program)
	command := exec.CommandContext(ctx, prepared.Path, prepared.Args[1:]...)
	command.Env = os.Environ()
	for name, value := range environment {
		command.Env = append(command.Env, name+"="+value)
	}
	var stderr bytes.Buffer
	command.Stderr = &stderr
	output, err := command.Output()
	if err != nil {
		t.Errorf("%s: %v: %.4000s", program, err, stderr.String())
	}
	ran, said := 0, -1
	for line := range strings.Lines(string(output)) {
		var verdict struct {
			Check, Error string
			Done         *int
		}
		if err := json.Unmarshal([]byte(line), &verdict); err != nil {
			t.Errorf("%s printed %q", program, line)
			continue
		}
		if verdict.Done != nil {
			said = *verdict.Done
			continue
		}
		ran++
		checks.Run(verdict.Check, func(t *testing.T) {
			if verdict.Error != "" {
				t.Error(verdict.Error)
			}
		})
	}
	if ran == 0 || said != ran {
		t.Errorf("%s ran %d checks and ended with %d", program, ran, said)
	}
}

// controls listens for a program's orders, each a path.
func controls(t *testing.T, orders map[string]func()) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		order, known := orders[strings.TrimPrefix(r.URL.Path, "/")]
		if !known || r.Method != http.MethodPost {
			http.NotFound(w, r)
			return
		}
		order()
		w.WriteHeader(http.StatusNoContent)
	}))
	t.Cleanup(server.Close)
	return server.URL
}
