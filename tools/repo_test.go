package main

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
)

// A tree is a small repository: a core without dependencies, an adapter that sorts before it, and the files that the checks
// read.
func tree() map[string]string {
	return map[string]string{
		"go.work":         "go 1.26.0\n\nuse (\n\t./chiauth\n\t./core\n)\n",
		"core/go.mod":     "module " + prefix + "core\n\ngo 1.26.0\n",
		"core/core.go":    "// Package core is core.\npackage core\n",
		"chiauth/go.mod":  "module " + prefix + "chiauth\n\ngo 1.26.0\n\nrequire " + prefix + "core v0.1.0\n",
		"chiauth/chi.go":  "// Package chiauth is chi.\npackage chiauth\n\nimport _ \"" + prefix + "core\"\n",
		"chiauth/data":    "content\n",
		"Makefile":        "check: ## all\n\ttrue\n",
		"README.md":       "# X\n",
		".gitignore":      ".cache\n",
		"CHANGELOG.md":    "# Changelog\n\n## [0.1.0] - 2026-11-24\n",
		".cache/x/go.mod": "module none.example/x\n",
	}
}

// lay writes the files and makes them a git repository. From then on the go command may not use the network.
func lay(t *testing.T, files map[string]string) string {
	t.Helper()
	t.Setenv("GOPROXY", "off")
	if info, ok := debug.ReadBuildInfo(); ok && slices.Contains(info.Settings, debug.BuildSetting{Key: "-race", Value: "true"}) {
		t.Setenv("GOFLAGS", "-race") // the standard library is compiled for this binary already
	}
	root := t.TempDir()
	for name, text := range files {
		write(t, &repo{Root: root}, name, text)
	}
	git(t, root, "init", "--quiet")
	git(t, root, "add", ".")
	git(t, root, "-c", "user.name=a", "-c", "user.email=a@example.org", "commit", "--quiet", "-m", "all")
	return root
}

func write(t *testing.T, r *repo, name, text string) {
	t.Helper()
	file := filepath.Join(r.Root, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, root string, args ...string) {
	t.Helper()
	cmd := exec.Command("git", args...)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("git %v: %v\n%s", args, err, out)
	}
}

// load lays the files and loads them at v0.1.0.
func load(t *testing.T, files map[string]string) *repo {
	t.Helper()
	r, err := loadRepo(lay(t, files), "v0.1.0")
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func with(files map[string]string, name, text string) map[string]string {
	files = maps.Clone(files)
	files[name] = text
	return files
}

func TestLoadRepo(t *testing.T) {
	r := load(t, with(tree(), "core/testdata/x/go.mod", "module x\n")) // a module of a test's own
	var names []string
	for _, m := range r.Modules {
		names = append(names, m.Name)
	}
	if want := []string{"core", "chiauth"}; !slices.Equal(names, want) {
		t.Errorf("modules %v, want %v", names, want)
	}
}

// An unreleased module may be in the folder of a released one.
func TestUnreleased(t *testing.T) {
	files := with(tree(), "go.work", "go 1.26.0\n\nuse (\n\t./chiauth\n\t./core\n\t./core/conformance\n\t./core/conformity\n)\n")
	files = with(files, "core/conformance/go.mod", "module "+prefix+"core/conformance\n\nrequire "+prefix+"core v0.1.0\n")
	files = with(files, "core/conformity/go.mod", "module "+prefix+"core/conformity\n")
	for _, m := range load(t, files).Modules {
		if m.Released != (m.Name != "core/conformance") {
			t.Errorf("%s is released: %v", m.Name, m.Released)
		}
	}
}

func TestLoadRepoFaults(t *testing.T) {
	chi := tree()["chiauth/go.mod"]
	for name, c := range map[string]struct {
		files map[string]string
		want  string
	}{
		"replace":        {with(tree(), "chiauth/go.mod", chi+"replace "+prefix+"core => ../core\n"), "replace"},
		"other path":     {with(tree(), "chiauth/go.mod", "module "+prefix+"chi\n"), "must be"},
		"unknown module": {with(tree(), "chiauth/go.mod", chi+"require "+prefix+"none v0.1.0\n"), "not in the repository"},
		"cycle":          {with(tree(), "core/go.mod", "module "+prefix+"core\nrequire "+prefix+"chiauth v0.1.0\n"), "require each other"},
		"unreleased": {with(with(tree(), "bench/go.mod", "module "+prefix+"bench\n"), "core/go.mod",
			"module "+prefix+"core\nrequire "+prefix+"bench v0.1.0\n"), "never released"},
		"not in go.work": {with(tree(), "bench/go.mod", "module "+prefix+"bench\n"), "go.work uses"},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := loadRepo(lay(t, c.files), "v0.1.0"); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
	for _, version := range []string{"0.1.0", "v0.1", "v1.0.0+meta", ""} {
		if _, err := loadRepo(lay(t, tree()), version); err == nil {
			t.Errorf("version %q is taken", version)
		}
	}
}

func TestRelease(t *testing.T) {
	r := load(t, tree())
	if err := r.release(); err != nil {
		t.Error(err)
	}
	git(t, r.Root, "-c", "user.name=a", "-c", "user.email=a@example.org", "tag", "-m", "x", "core/v0.1.0")
	if err := r.release(); err == nil || !strings.Contains(err.Error(), "core/v0.1.0 exists") {
		t.Errorf("with a tag: %v", err)
	}
	r.Version = "v0.2.0"
	err := r.release()
	for _, want := range []string{"chiauth/go.mod requires", "CHANGELOG.md has no dated section"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("at v0.2.0: %v, want %q in it", err, want)
		}
	}
}

func TestReleaseNeedsACommittedTree(t *testing.T) {
	r := load(t, tree())
	write(t, r, "more", "")
	if err := r.release(); err == nil || !strings.Contains(err.Error(), "uncommitted changes") {
		t.Errorf("error: %v", err)
	}
}
