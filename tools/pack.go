package main

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	modversion "golang.org/x/mod/module"
	modzip "golang.org/x/mod/zip"
)

// packAll writes every released module into dir.
func (r *repo) packAll(dir string) error {
	if err := r.versionFaults(); err != nil {
		return err
	}
	for _, m := range r.released() {
		if err := r.pack(m, dir); err != nil {
			return err
		}
	}
	return nil
}

// pack writes one module into dir in the layout of a module proxy, with the content that its tag will have.
func (r *repo) pack(m module, dir string) error {
	at := filepath.Join(dir, filepath.FromSlash(m.path()), "@v")
	if err := os.MkdirAll(at, 0o755); err != nil {
		return err
	}
	goMod, err := os.ReadFile(filepath.Join(m.Dir, "go.mod"))
	if err != nil {
		return err
	}
	// The time is constant, so that equal content gives equal bytes.
	info, err := json.Marshal(map[string]any{"Version": r.Version, "Time": time.Unix(0, 0).UTC()})
	if err != nil {
		return err
	}
	var archive bytes.Buffer
	if err := modzip.CreateFromDir(&archive, modversion.Version{Path: m.path(), Version: r.Version}, m.Dir); err != nil {
		return fmt.Errorf("pack %s: %w", m.Name, err)
	}
	for name, data := range map[string][]byte{
		"list":              []byte(r.Version + "\n"),
		r.Version + ".info": info,
		r.Version + ".mod":  goMod,
		r.Version + ".zip":  archive.Bytes(),
	} {
		if err := os.WriteFile(filepath.Join(at, name), data, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// A packed is a module proxy with freshly packed modules, and the environment for the go command to use it.
type packed struct {
	dir     string
	modules string // the module cache that belongs to it
	env     []string
}

// newPacked starts with an empty proxy.
//
// It has its own module cache: the content of a version never changes, so a pack in the user's cache would stay there and
// later be taken for the real release. Third-party modules come from the user's cache, which has the layout of a proxy, and
// only then from the network.
func (r *repo) newPacked() (*packed, error) {
	dir, err := r.scratch("proxy")
	if err != nil {
		return nil, err
	}
	out, err := goOutput(r.Root, nil, "env", "-json", "GOPROXY", "GOMODCACHE", "GONOSUMDB", "GOFLAGS")
	if err != nil {
		return nil, err
	}
	var user struct{ GOPROXY, GOMODCACHE, GONOSUMDB, GOFLAGS string }
	if err := json.Unmarshal([]byte(out), &user); err != nil {
		return nil, err
	}
	p := &packed{dir: dir, modules: r.cache("mod")}
	p.env = []string{
		"GOWORK=off",
		"GOMODCACHE=" + p.modules,
		"GOPROXY=" + fileURL(dir) + "," + fileURL(filepath.Join(user.GOMODCACHE, "cache", "download")) + "," + user.GOPROXY,
		"GONOPROXY=none",
		"GONOSUMDB=" + strings.TrimPrefix(user.GONOSUMDB+","+prefix+"*", ","),
		// The index of a package in a module cache is kept by the folder's name, for content that never changes.
		"GODEBUG=" + strings.TrimPrefix(os.Getenv("GODEBUG")+",goindex=0", ","),
		// modcacherw: makes the folder removable.
		"GOFLAGS=" + strings.TrimSpace(user.GOFLAGS+" -modcacherw"),
	}
	return p, p.forget()
}

// forget removes the own modules from the module cache, so that the next command sees the last pack.
func (p *packed) forget() error {
	for _, at := range []string{"", filepath.Join("cache", "download")} {
		if err := os.RemoveAll(filepath.Join(p.modules, at, filepath.FromSlash(prefix))); err != nil {
			return err
		}
	}
	return nil
}

// runPacked runs a go command such as vet in every released module, unpacked from its archive together with the modules that
// it requires, outside of the workspace: code that only works inside the repository fails here.
//
// Third-party modules come from the user's cache, so that packages compiled in the workspace with the same flags are reused.
// The consumer command tests the use of a module proxy.
func (r *repo) runPacked(verb string, flags ...string) error {
	archives, err := r.scratch("archives")
	if err != nil {
		return err
	}
	if err := r.packAll(archives); err != nil {
		return err
	}
	root, err := r.scratch("packed")
	if err != nil {
		return err
	}
	for _, m := range r.released() {
		file := filepath.Join(archives, filepath.FromSlash(m.path()), "@v", r.Version+".zip")
		if err := extract(file, m.path()+"@"+r.Version+"/", filepath.Join(root, filepath.FromSlash(m.Name))); err != nil {
			return err
		}
	}
	args := append(append([]string{verb}, flags...), "./...")
	// goindex: as in newPacked, for the files of one size and time.
	env := []string{"GOWORK=off", "GODEBUG=" + strings.TrimPrefix(os.Getenv("GODEBUG")+",goindex=0", ",")}
	for _, m := range r.released() {
		dir := filepath.Join(root, filepath.FromSlash(m.Name))
		if err := r.replaceOwn(dir, root); err != nil {
			return err
		}
	}
	// Two at a time, because tests wait for servers and links use one processor. What each says stays together.
	var printing sync.Mutex
	slots, failed := make(chan struct{}, 2), make(chan error, len(r.released()))
	try := func(m module) {
		cmd := command(filepath.Join(root, filepath.FromSlash(m.Name)), env, "go", args...)
		cmd.Stderr = nil
		text, err := cmd.CombinedOutput()
		printing.Lock()
		defer printing.Unlock()
		fmt.Printf("== go %s in %s %s, packed\n%s", verb, m.Name, r.Version, text)
		if err != nil {
			err = fmt.Errorf("%s, packed: go %s: %w", m.Name, strings.Join(args, " "), err)
		}
		failed <- err
	}
	for i, m := range r.released() {
		if i == 0 { // the core, which the others would compile at once
			try(m)
			continue
		}
		slots <- struct{}{}
		go func() {
			defer func() { <-slots }()
			try(m)
		}()
	}
	var errs []error
	for range r.released() {
		errs = append(errs, <-failed)
	}
	return errors.Join(errs...)
}

// replaceOwn makes the go.mod in dir use the own modules in the folders below root.
func (r *repo) replaceOwn(dir, root string) error {
	name := filepath.Join(dir, "go.mod")
	file, err := readModFile(name)
	if err != nil {
		return err
	}
	for _, m := range r.released() {
		if err := file.AddReplace(m.path(), r.Version, filepath.Join(root, filepath.FromSlash(m.Name)), ""); err != nil {
			return err
		}
	}
	text, err := file.Format()
	if err != nil {
		return err
	}
	return os.WriteFile(name, text, 0o644)
}

// extract unpacks a module archive that pack wrote. All files get the same time: go test identifies the files that a test
// reads by size and time, so its cache keeps working.
func extract(file, strip, dir string) error {
	archive, err := zip.OpenReader(file)
	if err != nil {
		return err
	}
	defer func() { _ = archive.Close() }()
	for _, entry := range archive.File {
		name, ok := strings.CutPrefix(entry.Name, strip)
		if !ok || !filepath.IsLocal(filepath.FromSlash(name)) {
			return fmt.Errorf("%s: unexpected name %q", file, entry.Name)
		}
		data, err := readEntry(entry)
		if err != nil {
			return err
		}
		target := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			return err
		}
		if err := os.Chtimes(target, time.Time{}, time.Unix(1, 0)); err != nil {
			return err
		}
	}
	return nil
}

func readEntry(entry *zip.File) ([]byte, error) {
	f, err := entry.Open()
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	return io.ReadAll(f)
}

func fileURL(dir string) string {
	return (&url.URL{Scheme: "file", Path: filepath.ToSlash(dir)}).String()
}
