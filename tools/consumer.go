package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
)

// A framework describes the framework of one adapter.
type framework struct {
	Name    string // as in the program marker of the adapter's README
	Adapter string
	Module  string // "" for the standard library
	Brings  string // a disallowed module that the framework itself requires
	Calls   bool   // the program's guarded handlers are methods, which it calls itself when it has an argument, and it has no pages
}

var frameworks = []framework{
	{Name: "gin", Adapter: "ginauth", Module: "github.com/gin-gonic/gin", Brings: "go.mongodb.org/mongo-driver"}, // for BSON bodies
	{Name: "echo5", Adapter: "echo5auth", Module: "github.com/labstack/echo/v5"},
	{Name: "echo", Adapter: "echoauth", Module: "github.com/labstack/echo/v4"},
	{Name: "fiber3", Adapter: "fiber3auth", Module: "github.com/gofiber/fiber/v3"},
	{Name: "fiber", Adapter: "fiberauth", Module: "github.com/gofiber/fiber/v2"},
	{Name: "chi", Adapter: "chiauth", Module: "github.com/go-chi/chi"},
	{Name: "nethttp", Adapter: "httpauth"},
	{Name: "grpc", Adapter: "grpcauth", Module: "google.golang.org/grpc", Calls: true},
}

// drivers lists database drivers. A program that uses only an adapter must not contain any of them.
var drivers = []string{
	"github.com/go-sql-driver/mysql",
	"github.com/gomodule/redigo",
	"github.com/jackc/pgx",
	"github.com/lib/pq",
	"github.com/mattn/go-sqlite3",
	"github.com/microsoft/go-mssqldb",
	"github.com/redis/go-redis",
	"go.mongodb.org/mongo-driver",
	"modernc.org/sqlite",
}

// consumer uses every adapter as a user does, outside of the repository's workspace: go get in an empty module, the program of
// the adapter's README, a first request, and then the lines that getting started adds for pages. It prints what the adapter
// adds to the user's build. Names of frameworks limit it to these.
func (r *repo) consumer(ctx context.Context, names ...string) error {
	for _, name := range names {
		if !slices.ContainsFunc(frameworks, func(f framework) bool { return f.Name == name }) {
			return fmt.Errorf("consumer: no such framework: %s", name)
		}
	}
	pages, err := r.addedForPages()
	if err != nil {
		return err
	}
	p, err := r.newPacked()
	if err != nil {
		return err
	}
	if err := r.packAll(p.dir); err != nil {
		return err
	}
	var table strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "adapter\tmodules in the graph\tmodules in the program\tpackages beyond the standard library")
	var faults []error
	for _, f := range frameworks {
		if len(names) > 0 && !slices.Contains(names, f.Name) {
			continue
		}
		fmt.Printf("== go get %s@%s in an empty module\n", prefix+f.Adapter, r.Version)
		size, err := r.consume(ctx, p, f, pages)
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", f.Adapter, err))
			continue
		}
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%d\n", f.Adapter, size.graph, size.modules, size.packages)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Print(table.String())
	return errors.Join(faults...)
}

// A buildSize counts the parts of a program, including this project's.
type buildSize struct{ graph, modules, packages int }

// consume tests one adapter.
func (r *repo) consume(ctx context.Context, p *packed, f framework, pages []string) (buildSize, error) {
	program, err := r.programOf(f)
	if err != nil {
		return buildSize{}, err
	}
	dir, err := r.emptyModule(f)
	if err != nil {
		return buildSize{}, err
	}
	if err := goRun(dir, p.env, "get", prefix+f.Adapter+"@"+r.Version); err != nil {
		return buildSize{}, err
	}
	if err := writeProgram(dir, program.Text); err != nil {
		return buildSize{}, err
	}
	binary, err := buildProgram(dir, p.env)
	if err != nil {
		return buildSize{}, fmt.Errorf("%s: %w", program.at(), err)
	}
	size, err := measure(dir, p.env, f)
	if err != nil {
		return buildSize{}, err
	}
	if f.Calls {
		return size, tryCalls(ctx, dir, p.env, binary)
	}
	if err := tryProgram(ctx, dir, p.env, binary); err != nil {
		return buildSize{}, err
	}
	return size, tryPages(ctx, p, dir, program, pages)
}

// programOf returns the program of the adapter's README.
func (r *repo) programOf(f framework) (block, error) {
	name := f.Adapter + "/README.md"
	readme, err := readDocument(filepath.Join(r.Root, name), name)
	if err != nil {
		return block{}, err
	}
	programs, err := readme.programs()
	if err != nil {
		return block{}, err
	}
	program, ok := programs[f.Name]
	if !ok {
		return block{}, fmt.Errorf("%s has no program %s", name, f.Name)
	}
	return program, nil
}

func writeProgram(dir, text string) error {
	return os.WriteFile(filepath.Join(dir, "main.go"), []byte(text), 0o644)
}

// buildProgram builds the program in the module at dir and returns the path of the binary.
func buildProgram(dir string, env []string) (string, error) {
	binary := filepath.Join(dir, "program")
	return binary, goRun(dir, env, "build", "-o", binary, ".")
}

// emptyModule makes a module without requirements. Its go.sum has the hashes that the adapter, the store and the
// examples, which use both, have of third-party modules: they are the same for every module, so that the go command needs no
// checksum database.
func (r *repo) emptyModule(f framework) (string, error) {
	dir, err := r.scratch(filepath.Join("consumer", f.Name))
	if err != nil {
		return "", err
	}
	sums, err := r.sums(f.Adapter, sessionStore, "examples")
	if err != nil {
		return "", err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.sum"), sums, 0o644); err != nil {
		return "", err
	}
	return dir, goRun(dir, []string{"GOWORK=off"}, "mod", "init", "example.com/app")
}

// sums returns the lines of the go.sum files of modules.
func (r *repo) sums(modules ...string) ([]byte, error) {
	lines := map[string]bool{}
	for _, module := range modules {
		data, err := readOptional(filepath.Join(r.Root, module, "go.sum"))
		if err != nil {
			return nil, err
		}
		for line := range strings.Lines(string(data)) {
			lines[line] = true
		}
	}
	return []byte(strings.Join(slices.Sorted(maps.Keys(lines)), "")), nil
}

// measure counts the parts of the program in dir and reports disallowed modules and packages.
func measure(dir string, env []string, f framework) (buildSize, error) {
	graph, err := goOutput(dir, env, "list", "-m", "all")
	if err != nil {
		return buildSize{}, err
	}
	deps, err := goOutput(dir, env, "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}} {{.Module.Path}}{{end}}", ".")
	if err != nil {
		return buildSize{}, err
	}
	var size buildSize
	var faults []error
	for line := range strings.Lines(graph) {
		path := strings.Fields(line)[0]
		size.graph++
		if f.Brings != "" && within(path, f.Brings) {
			continue
		}
		if foreign(path, f) {
			faults = append(faults, fmt.Errorf("module %s is in the graph", path))
		}
	}
	modules := map[string]bool{}
	for line := range strings.Lines(deps) {
		fields := strings.Fields(line)
		if len(fields) != 2 {
			continue
		}
		size.packages++
		modules[fields[1]] = true
		if foreign(fields[0], f) && !isBSON(fields[0]) {
			faults = append(faults, fmt.Errorf("package %s is in the program", fields[0]))
		}
	}
	size.modules = len(modules)
	return size, errors.Join(faults...)
}

// isBSON reports whether a package is the BSON encoding, which gin needs, and not the driver that contains it.
func isBSON(pkg string) bool {
	rest, ok := strings.CutPrefix(pkg, "go.mongodb.org/mongo-driver/v2/")
	return ok && (within(rest, "bson") || within(rest, "x/bsonx") || within(rest, "internal"))
}

// foreign reports whether a package or module belongs to another framework or to a database driver.
func foreign(path string, f framework) bool {
	other := slices.ContainsFunc(frameworks, func(o framework) bool {
		return o.Name != f.Name && (within(path, o.Module) || within(path, prefix+o.Adapter))
	})
	return other || slices.ContainsFunc(drivers, func(driver string) bool { return within(path, driver) })
}

// within reports whether path is parent or below it.
func within(path, parent string) bool {
	return path == parent || strings.HasPrefix(path, parent+"/")
}
