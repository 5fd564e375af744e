package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPackIsAProxy(t *testing.T) {
	r := load(t, tree())
	p, err := r.newPacked()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.packAll(p.dir); err != nil {
		t.Fatal(err)
	}
	// The go command is the judge: an empty module gets the adapter, and core with it.
	dir := t.TempDir()
	for _, args := range [][]string{{"mod", "init", "example.com/app"}, {"get", prefix + "chiauth@v0.1.0"}} {
		if err := goRun(dir, p.env, args...); err != nil {
			t.Fatal(err)
		}
	}
	got, err := goOutput(dir, p.env, "list", "-m", "all")
	if want := "example.com/app\n" + prefix + "chiauth v0.1.0\n" + prefix + "core v0.1.0\n"; err != nil || got != want {
		t.Errorf("modules %q, %v; want %q", got, err, want)
	}
}

// The same version with other content, in files with other names. A released version never changes, and several caches of the
// go command rely on that.
func TestPackAgainIsSeen(t *testing.T) {
	r := load(t, tree())
	for _, name := range []string{"A", "B"} {
		write(t, r, "core/"+name+".go", "package core\n\nconst "+name+" = 1\n")
		p, err := r.newPacked()
		if err != nil {
			t.Fatal(err)
		}
		if err := r.packAll(p.dir); err != nil {
			t.Fatal(err)
		}
		write(t, r, ".cache/app/go.mod", "module app\n")
		write(t, r, ".cache/app/go.sum", "")
		write(t, r, ".cache/app/main.go", "package main\n\nimport \""+prefix+"core\"\n\nfunc main() { _ = core."+name+" }\n")
		for _, args := range [][]string{{"get", prefix + "core@v0.1.0"}, {"build", "."}} {
			if err := goRun(r.cache("app"), p.env, args...); err != nil {
				t.Errorf("the go command does not see %s: %v", name, err)
			}
		}
		if err := os.Remove(filepath.Join(r.Root, "core", name+".go")); err != nil {
			t.Fatal(err)
		}
	}
}

func TestPackRefusesAnotherVersion(t *testing.T) {
	r := load(t, tree())
	r.Version = "v0.2.0"
	if err := r.packAll(t.TempDir()); err == nil || !strings.Contains(err.Error(), "run make tidy") {
		t.Errorf("error: %v", err)
	}
}

func TestRunPacked(t *testing.T) {
	passing := "package chiauth\n\nimport (\n\t\"os\"\n\t\"testing\"\n)\n\nfunc TestData(t *testing.T) {\n\tif _, err := os.ReadFile(\"FILE\"); err != nil {\n\t\tt.Fatal(err)\n\t}\n}\n"
	good := with(tree(), "chiauth/chi_test.go", strings.Replace(passing, "FILE", "data", 1))
	if err := load(t, good).runPacked("test", "-vet=off"); err != nil {
		t.Error(err)
	}
	if err := load(t, good).runPacked("vet", "-tags=x"); err != nil {
		t.Error(err)
	}
	// It passes in the repository, and nowhere else.
	bad := with(tree(), "chiauth/chi_test.go", strings.Replace(passing, "FILE", "../Makefile", 1))
	if err := load(t, bad).runPacked("test", "-vet=off"); err == nil {
		t.Error("a test that reads beyond its module passes")
	}
}

func TestTidy(t *testing.T) {
	files := tree()
	// Wrong in every way that tidy knows: an old version, a hash of our own, a requirement that is missing.
	files["chiauth/go.mod"] = strings.Replace(files["chiauth/go.mod"], "v0.1.0", "v0.0.9", 1)
	files["chiauth/go.sum"] = prefix + "core v0.0.9 h1:x\n"
	r := load(t, files)
	before, err := os.ReadFile(filepath.Join(r.Root, "chiauth/go.mod"))
	if err != nil {
		t.Fatal(err)
	}
	err = r.tidy(true)
	for _, want := range []string{"chiauth/go.mod is not tidy", "chiauth/go.sum is not tidy"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("check: %v, want %q in it", err, want)
		}
	}
	after, err := os.ReadFile(filepath.Join(r.Root, "chiauth/go.mod"))
	if err != nil || !bytes.Equal(before, after) {
		t.Errorf("the check has changed go.mod: %v", err)
	}
	if err := r.tidy(false); err != nil {
		t.Fatal(err)
	}
	// Now the workspace alone is wrong.
	write(t, r, "go.work", files["go.work"])
	if err := r.tidy(true); err == nil || !strings.Contains(err.Error(), "go.work is not tidy") {
		t.Errorf("check of the workspace: %v", err)
	}
	if err := r.tidy(false); err != nil {
		t.Fatal(err)
	}
	if err := r.tidy(true); err != nil {
		t.Errorf("after tidy: %v", err)
	}
	work, err := os.ReadFile(filepath.Join(r.Root, "go.work"))
	if err != nil || strings.Count(string(work), replaceComment) != 1 || !strings.Contains(string(work), prefix+"core v0.1.0 => ./core") {
		t.Errorf("go.work, %v:\n%s", err, work)
	}
	if _, err := os.Stat(filepath.Join(r.Root, "chiauth/go.sum")); !os.IsNotExist(err) {
		t.Errorf("a go.sum with no other than our own hashes stays: %v", err)
	}
}

func TestTidyNewAdapter(t *testing.T) {
	files := with(tree(), "chiauth/go.mod", "module "+prefix+"chiauth\n\ngo 1.26.0\n")
	r := load(t, files)
	if err := r.tidy(false); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(r.Root, "chiauth/go.mod"))
	if err != nil || !strings.Contains(string(data), "core v0.1.0") {
		t.Errorf("core is imported and not required, %v:\n%s", err, data)
	}
}
