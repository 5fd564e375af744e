package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"
	"golang.org/x/mod/semver"
)

// prefix is the common prefix of the paths of all own modules.
const prefix = "github.com/go-oidc-auth/oidcauth/"

// unreleased lists the modules that are only used in the repository and never get a tag, including modules in their folders.
var unreleased = []string{"bench", "core/conformance", "examples", "integration", "tools"}

// A module is one go.mod of the repository.
type module struct {
	Name     string // the folder below the root, which is the path below prefix too: "core", "ginauth"
	Dir      string
	Requires []string // names of other own modules in its go.mod
	Released bool
}

func (m module) path() string { return prefix + m.Name }

// A repo is the whole repository: every module at one version.
type repo struct {
	Root    string
	Version string
	Modules []module // each after the modules that it requires
}

// loadRepo reads the modules on disk. It reports problems that would make later errors confusing.
func loadRepo(root, version string) (*repo, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	if !semver.IsValid(version) || semver.Canonical(version) != version {
		return nil, fmt.Errorf("%q is not a full version such as v0.1.0", version)
	}
	found := map[string]module{}
	for _, pattern := range []string{"*/go.mod", "*/*/go.mod", "*/*/*/go.mod"} {
		files, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if strings.HasPrefix(strings.TrimPrefix(file, root+string(filepath.Separator)), ".") || isTestdata(file) {
				continue // .cache and folders of tests contain modules too
			}
			m, err := readModule(root, file)
			if err != nil {
				return nil, err
			}
			found[m.Name] = m
		}
	}
	r := &repo{Root: root, Version: version}
	if r.Modules, err = inOrder(found); err != nil {
		return nil, err
	}
	return r, r.checkWorkspace()
}

// isTestdata reports whether go commands ignore a file.
func isTestdata(file string) bool {
	return slices.Contains(strings.Split(filepath.ToSlash(file), "/"), "testdata")
}

func readModule(root, file string) (module, error) {
	dir := filepath.Dir(file)
	rel, err := filepath.Rel(root, dir)
	if err != nil {
		return module{}, err
	}
	m := module{Name: filepath.ToSlash(rel), Dir: dir}
	parsed, err := readModFile(file)
	if err != nil {
		return module{}, err
	}
	if parsed.Module == nil || parsed.Module.Mod.Path != m.path() {
		return module{}, fmt.Errorf("%s/go.mod: the module must be %s, like its folder", m.Name, m.path())
	}
	if len(parsed.Replace) > 0 {
		// The go command uses it only in this repository, so code that works here would fail for users.
		return module{}, fmt.Errorf("%s/go.mod: has a replace", m.Name)
	}
	for _, require := range parsed.Require {
		if name, ours := strings.CutPrefix(require.Mod.Path, prefix); ours {
			m.Requires = append(m.Requires, name)
		}
	}
	m.Released = !slices.ContainsFunc(unreleased, func(name string) bool { return strings.HasPrefix(m.Name+"/", name+"/") })
	return m, nil
}

func readModFile(file string) (*modfile.File, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return modfile.Parse(file, data, nil)
}

// inOrder sorts the modules so that each comes after the ones that it requires, released modules first.
func inOrder(found map[string]module) ([]module, error) {
	var sorted []module
	state := map[string]int{} // 1: being placed, 2: placed
	var place func(name, by string) error
	place = func(name, by string) error {
		m, ok := found[name]
		switch {
		case !ok:
			return fmt.Errorf("%s/go.mod requires %s, which is not in the repository", by, prefix+name)
		case state[name] == 1:
			return fmt.Errorf("%s and %s require each other", by, name)
		case state[name] == 2:
			return nil
		}
		state[name] = 1
		for _, required := range m.Requires {
			if other, ok := found[required]; ok && m.Released && !other.Released {
				return fmt.Errorf("%s/go.mod requires %s, which is never released", name, prefix+required)
			}
			if err := place(required, name); err != nil {
				return err
			}
		}
		state[name] = 2
		sorted = append(sorted, m)
		return nil
	}
	names := make([]string, 0, len(found))
	for name := range found {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { // released first: they require only released ones
		if found[a].Released != found[b].Released {
			if found[a].Released {
				return -1
			}
			return 1
		}
		return strings.Compare(a, b)
	})
	for _, name := range names {
		if err := place(name, name); err != nil {
			return nil, err
		}
	}
	return sorted, nil
}

// checkWorkspace compares go.work with the modules on disk.
func (r *repo) checkWorkspace() error {
	work, err := r.readWork()
	if err != nil {
		return err
	}
	var used, have []string
	for _, use := range work.Use {
		used = append(used, filepath.ToSlash(filepath.Clean(use.Path)))
	}
	for _, m := range r.Modules {
		have = append(have, m.Name)
	}
	slices.Sort(used)
	slices.Sort(have)
	if !slices.Equal(used, have) {
		return fmt.Errorf("go.work uses %v, the modules on disk are %v", used, have)
	}
	return nil
}

func (r *repo) readWork() (*modfile.WorkFile, error) {
	file := filepath.Join(r.Root, "go.work")
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return modfile.ParseWork(file, data, nil)
}

func (r *repo) released() []module {
	return slices.DeleteFunc(slices.Clone(r.Modules), func(m module) bool { return !m.Released })
}

// versionFaults reports requirements of own modules at a version other than the release's.
func (r *repo) versionFaults() error {
	var faults []error
	for _, m := range r.Modules {
		parsed, err := readModFile(filepath.Join(m.Dir, "go.mod"))
		if err != nil {
			return err
		}
		for _, require := range parsed.Require {
			if strings.HasPrefix(require.Mod.Path, prefix) && require.Mod.Version != r.Version {
				faults = append(faults, fmt.Errorf("%s/go.mod requires %s, the release is %s: run make tidy", m.Name, require.Mod, r.Version))
			}
		}
	}
	return errors.Join(faults...)
}

// scratch returns an empty folder below .cache. Its path is constant, because the go command's caches depend on it.
func (r *repo) scratch(name string) (string, error) {
	dir := r.cache(name)
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	return dir, os.MkdirAll(dir, 0o755)
}

func (r *repo) cache(name string) string { return filepath.Join(r.Root, ".cache", name) }

// command prepares a program that runs in dir with additional environment; its stderr is ours.
func command(dir string, env []string, name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), env...)
	cmd.Stderr = os.Stderr
	return cmd
}

// goRun runs the go command and shows its output.
func goRun(dir string, env []string, args ...string) error {
	cmd := command(dir, env, "go", args...)
	cmd.Stdout = os.Stdout
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return nil
}

// goOutput runs the go command and returns its output.
func goOutput(dir string, env []string, args ...string) (string, error) {
	out, err := command(dir, env, "go", args...).Output()
	if err != nil {
		return "", fmt.Errorf("go %s: %w", strings.Join(args, " "), err)
	}
	return string(out), nil
}

// readOptional reads a file that may be missing, such as the go.sum of a module without dependencies.
func readOptional(file string) ([]byte, error) {
	data, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return data, err
}
