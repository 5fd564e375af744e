package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
)

// tidy runs go mod tidy for every module with the packed own modules, writes the version of the release into every requirement
// of an own module, and updates go.work and go.work.sum. With check it changes nothing and reports what it would change.
func (r *repo) tidy(check bool) error {
	p, err := r.newPacked()
	if err != nil {
		return err
	}
	work, err := r.scratch("tidy")
	if err != nil {
		return err
	}
	// Pack all of them first: a new module may import one that its go.mod does not require yet.
	for _, m := range r.released() {
		if err := r.pack(m, p.dir); err != nil {
			return err
		}
	}
	t := &tidier{root: r.Root, check: check}
	for _, m := range r.Modules {
		at := filepath.Join(work, filepath.FromSlash(m.Name))
		if err := r.tidyModule(p, m, at); err != nil {
			return fmt.Errorf("%s: %w", m.Name, err)
		}
		for _, name := range []string{"go.mod", "go.sum"} {
			if err := t.settle(filepath.Join(at, name), filepath.Join(m.Dir, name)); err != nil {
				return err
			}
		}
		if m.Released {
			if err := errors.Join(r.pack(m, p.dir), p.forget()); err != nil {
				return err
			}
		}
	}
	if err := errors.Join(t.faults...); err != nil {
		return err // the workspace needs tidy modules
	}
	if err := r.tidyWork(work, check); err != nil {
		return err
	}
	for _, name := range []string{"go.work", "go.work.sum"} {
		if err := t.settle(filepath.Join(work, name), filepath.Join(r.Root, name)); err != nil {
			return err
		}
	}
	return errors.Join(t.faults...)
}

// tidyModule puts the tidy go.mod and go.sum of m into the folder at.
func (r *repo) tidyModule(p *packed, m module, at string) error {
	file, err := readModFile(filepath.Join(m.Dir, "go.mod"))
	if err != nil {
		return err
	}
	for _, name := range m.Requires {
		if err := file.AddRequire(prefix+name, r.Version); err != nil {
			return err
		}
	}
	goMod, err := file.Format()
	if err != nil {
		return err
	}
	goSum, err := readOptional(filepath.Join(m.Dir, "go.sum"))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	target := filepath.Join(at, "go.mod")
	if err := os.WriteFile(target, goMod, 0o644); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(at, "go.sum"), goSum, 0o644); err != nil {
		return err
	}
	if err := goRun(m.Dir, p.env, "mod", "tidy", "-modfile="+target); err != nil {
		return err
	}
	return dropOwnSums(filepath.Join(at, "go.sum"))
}

const replaceComment = "// The modules require each other at the version that is released next, which no proxy has yet."

// tidyWork puts go.work and go.work.sum into the folder at.
//
// The workspace uses the own modules in their folders, but the go command still needs the go.mod of a required version that no
// registry has yet. The replaces in go.work, which users never see, provide it.
func (r *repo) tidyWork(at string, check bool) error {
	work, err := r.readWork()
	if err != nil {
		return err
	}
	for _, replace := range slices.Clone(work.Replace) {
		if strings.HasPrefix(replace.Old.Path, prefix) {
			if err := work.DropReplace(replace.Old.Path, replace.Old.Version); err != nil {
				return err
			}
		}
	}
	work.Cleanup()
	text := strings.TrimRight(string(modfile.Format(work.Syntax)), "\n") + "\n\n" + replaceComment + "\nreplace (\n"
	for _, m := range r.released() {
		text += fmt.Sprintf("\t%s %s => ./%s\n", m.path(), r.Version, m.Name)
	}
	text += ")\n"
	target := filepath.Join(at, "go.work")
	if err := os.WriteFile(target, []byte(text), 0o644); err != nil {
		return err
	}
	return r.tidyWorkSum(work, at, check)
}

// tidyWorkSum writes the go.work.sum of the whole module graph, so that no go command adds to it later.
func (r *repo) tidyWorkSum(work *modfile.WorkFile, at string, check bool) error {
	abroad, err := r.workAbroad(filepath.Join(at, "abroad"), work)
	if err != nil {
		return err
	}
	sum := strings.TrimSuffix(abroad, "go.work") + "go.work.sum"
	if check { // look up only missing hashes
		known, err := readOptional(filepath.Join(r.Root, "go.work.sum"))
		if err != nil {
			return err
		}
		if err := os.WriteFile(sum, known, 0o644); err != nil {
			return err
		}
	}
	env := []string{"GOWORK=" + abroad}
	list := []string{"list", "-deps", "-test"}
	for _, m := range r.Modules {
		list = append(list, "./"+m.Name+"/...")
	}
	for _, args := range [][]string{{"list", "-m", "all"}, list} { // the whole graph, and the packages that are built
		if _, err := goOutput(r.Root, env, args...); err != nil {
			return err
		}
	}
	if err := dropOwnSums(sum); err != nil {
		return err
	}
	data, err := readOptional(sum)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(at, "go.work.sum"), data, 0o644)
}

// workAbroad writes a copy of work into another folder, with paths that point back here, and returns its name.
func (r *repo) workAbroad(dir string, work *modfile.WorkFile, more ...string) (string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	var b strings.Builder
	fmt.Fprintf(&b, "go %s\n", work.Go.Version)
	for _, m := range r.Modules {
		fmt.Fprintf(&b, "use %q\n", m.Dir)
		if m.Released {
			fmt.Fprintf(&b, "replace %s %s => %q\n", m.path(), r.Version, m.Dir)
		}
	}
	for _, dir := range more {
		fmt.Fprintf(&b, "use %q\n", dir)
	}
	file := filepath.Join(dir, "go.work")
	return file, os.WriteFile(file, []byte(b.String()), 0o644)
}

// dropOwnSums removes the hashes of own modules from a go.sum, because they change with every commit.
func dropOwnSums(file string) error {
	data, err := readOptional(file)
	if err != nil {
		return err
	}
	var kept []byte
	for line := range bytes.Lines(data) {
		if !bytes.HasPrefix(line, []byte(prefix)) {
			kept = append(kept, line...)
		}
	}
	return os.WriteFile(file, kept, 0o644)
}

// A tidier writes tidy files into the tree, or collects the differences.
type tidier struct {
	root   string
	check  bool
	faults []error
}

// settle replaces the file in the tree with the tidy one. An empty file counts as missing.
func (t *tidier) settle(tidy, tree string) error {
	want, err := readOptional(tidy)
	if err != nil {
		return err
	}
	have, err := readOptional(tree)
	if err != nil || bytes.Equal(want, have) {
		return err
	}
	name, err := filepath.Rel(t.root, tree)
	if err != nil {
		return err
	}
	if t.check {
		t.faults = append(t.faults, fmt.Errorf("%s is not tidy: run make tidy", name))
		showDiff(tree, tidy)
		return nil
	}
	fmt.Println("tidy:", name)
	if len(want) == 0 {
		return os.Remove(tree)
	}
	return os.WriteFile(tree, want, 0o644)
}

// showDiff prints a diff, if the machine has the program.
func showDiff(tree, tidy string) {
	cmd := exec.Command("diff", "-u", "-N", tree, tidy)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	_ = cmd.Run()
}
