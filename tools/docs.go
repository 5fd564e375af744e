package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"go/format"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// docs checks the documents: programs compile and equal those in examples, marked blocks equal their file or have its lines, Go code
// parses, links, functions and make targets exist, programs set a Logger and SecretKeys, and no committed text contains a folder of one
// machine or the host of a registry.
func (r *repo) docs() error {
	files, err := r.committed()
	if err != nil {
		return err
	}
	c := &docsCheck{root: r.Root, files: files, documents: map[string]document{}}
	for _, file := range files {
		c.text(file)
		if !strings.HasSuffix(file, ".md") {
			continue
		}
		doc, err := readDocument(filepath.Join(r.Root, file), file)
		if err != nil {
			c.fault("%v", err)
			continue
		}
		c.documents[file] = doc
	}
	targets, err := readTargets(filepath.Join(r.Root, "Makefile"))
	if err != nil {
		return err
	}
	var programs []block
	for _, doc := range c.documents {
		programs = append(programs, c.goBlocks(doc)...)
		c.copies(doc)
		doc.links(func(line int, target string) { c.link(doc.File, line, target) })
		doc.makeTargets(func(line int, target string) {
			if !slices.Contains(targets, target) {
				c.fault("%s:%d: the Makefile has no target %s", doc.File, line, target)
			}
		})
	}
	if err := r.compile(programs, files); err != nil {
		c.faults = append(c.faults, err)
	}
	if len(c.faults) == 0 {
		fmt.Printf("docs: %d files, %d Markdown files, %d programs\n", len(files), len(c.documents), len(programs))
	}
	slices.SortFunc(c.faults, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
	return errors.Join(c.faults...)
}

// committed lists the files that git tracks or would add.
func (r *repo) committed() ([]string, error) {
	out, err := command(r.Root, nil, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard").Output()
	if err != nil {
		return nil, fmt.Errorf("git ls-files: %w", err)
	}
	var files []string
	for name := range strings.SplitSeq(string(out), "\x00") {
		info, err := os.Lstat(filepath.Join(r.Root, name))
		if name != "" && err == nil && info.Mode().IsRegular() {
			files = append(files, name)
		}
	}
	return files, nil
}

type docsCheck struct {
	root      string
	files     []string
	documents map[string]document
	faults    []error
}

func (c *docsCheck) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Errorf(format, args...))
}

var (
	// ownPath matches a folder of one machine: it is at the start of a word, unlike a path in a URL.
	ownPath = regexp.MustCompile("(?:^|[\\s\"'`(=:,])(/(?:root|home|work|Users)/[\\w.-]+)")

	// registryHost matches hosts that a user may have replaced by a mirror. The letters in brackets keep this file
	// from matching itself.
	registryHost = regexp.MustCompile(`(?:pr[o]xy|s[u]m)\.golang\.org|reg[i]stry\.npmjs\.org|(?:pyp[i]|files\.pyth[o]nhosted)\.org|\bcr[a]tes\.io|rep[o]1?\.maven\.(?:org|apache\.org)|d[e]b\.debian\.org`)
)

// picture is the only committed file that may be binary; maxPicture is its largest size.
const (
	picture    = "docs/demo.png"
	maxPicture = 300_000 // bytes
)

// text checks the text of one committed file.
func (c *docsCheck) text(file string) {
	data, err := os.ReadFile(filepath.Join(c.root, file))
	if err != nil {
		c.fault("%v", err)
		return
	}
	if file == picture {
		if len(data) > maxPicture {
			c.fault("%s: %d bytes, more than %d: make picture", file, len(data), maxPicture)
		}
		return
	}
	if bytes.IndexByte(data, 0) >= 0 {
		c.fault("%s: binary file", file)
		return
	}
	if isProgram(file) {
		c.sets(file, string(data))
	}
	number := 0
	for line := range strings.Lines(string(data)) {
		number++
		if match := ownPath.FindStringSubmatch(line); match != nil {
			c.fault("%s:%d: names a folder of one machine: %s", file, number, match[1])
		}
		if match := registryHost.FindString(line); match != "" {
			c.fault("%s:%d: names the registry host %s", file, number, match)
		}
	}
}

// goBlocks checks the Go blocks of a document and returns its programs.
func (c *docsCheck) goBlocks(doc document) []block {
	if _, err := doc.programs(); err != nil {
		c.fault("%v", err)
		return nil
	}
	var programs []block
	for _, b := range doc.Blocks {
		if b.Lang != "go" {
			continue
		}
		formatted, err := format.Source([]byte(b.Text))
		switch {
		case err != nil:
			c.fault("%s: not valid Go, line %v", b.at(), err)
		case b.Program == "":
		case string(formatted) != b.Text:
			c.fault("%s: program %s is not formatted with gofmt", b.at(), b.Program)
		default:
			programs = append(programs, b)
			c.example(b)
			c.sets(b.at(), b.Text)
		}
	}
	return programs
}

// copies compares the blocks that show another file, or lines of it, with that file.
func (c *docsCheck) copies(doc document) {
	for _, b := range doc.Blocks {
		name := cmp.Or(b.Copy, b.Part)
		if name == "" {
			continue
		}
		if !slices.Contains(c.files, name) {
			c.fault("%s: no such file: %s", b.at(), name)
		} else if data, err := os.ReadFile(filepath.Join(c.root, name)); err != nil {
			c.fault("%v", err)
		} else if b.Copy != "" && string(data) != b.Text {
			c.fault("%s: the block differs from %s", b.at(), name)
		} else if line := missing(b.Text, string(data)); b.Part != "" && line != "" {
			c.fault("%s: %s has no such line after those before it: %s", b.at(), name, line)
		}
	}
}

// missing returns the first line of part that text does not have after the lines before it, "" if it has all. Indentation, the
// alignment of comments and empty lines do not count.
func missing(part, text string) string {
	rest := strings.Split(text, "\n")
	for line := range strings.SplitSeq(part, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 {
			continue
		}
		at := slices.IndexFunc(rest, func(other string) bool { return slices.Equal(strings.Fields(other), words) })
		if at < 0 {
			return line
		}
		rest = rest[at+1:]
	}
	return ""
}

// example compares a program with the one of the same name in examples, so that its tests cover both.
func (c *docsCheck) example(b block) {
	name := path.Join("examples", b.Program, "main.go")
	if !c.exists(name) {
		return
	}
	data, err := os.ReadFile(filepath.Join(c.root, name))
	if err != nil {
		c.fault("%v", err)
	} else if string(data) != b.Text {
		c.fault("%s: program %s differs from %s", b.at(), b.Program, name)
	}
}

// sets requires fields in each program that configures the library: a Logger, so that people who copy it see what to correct, and
// SecretKeys, without which a login is lost at a restart and fails on a second replica. An Example of the package documentation
// needs no keys: a key written into it would be copied.
func (c *docsCheck) sets(where, text string) {
	if !strings.Contains(text, "core.Config{") {
		return
	}
	if !strings.Contains(text, "Logger:") {
		c.fault("%s: the program sets no Logger in core.Config", where)
	}
	if strings.Contains(text, "package main\n") && !strings.Contains(text, "SecretKeys:") {
		c.fault("%s: the program sets no SecretKeys in core.Config", where)
	}
}

// isProgram reports whether a file is one that people copy from.
func isProgram(file string) bool {
	return strings.HasPrefix(file, "examples/") && path.Base(file) == "main.go" || path.Base(file) == "example_test.go"
}

// link checks a link to a file of the repository, to a heading in a Markdown file, and to a function in a Go file.
func (c *docsCheck) link(file string, line int, target string) {
	if strings.Contains(target, "://") || strings.HasPrefix(target, "mailto:") {
		return
	}
	name, anchor, _ := strings.Cut(target, "#")
	to := file
	if name != "" {
		to = path.Join(path.Dir(file), name)
	}
	if path.IsAbs(name) || strings.HasPrefix(to, "../") || !c.exists(to) {
		c.fault("%s:%d: broken link: %s", file, line, target)
		return
	}
	if doc, ok := c.documents[to]; ok && anchor != "" && !doc.anchors()[anchor] {
		c.fault("%s:%d: %s has no heading #%s", file, line, to, anchor)
	}
	if strings.HasSuffix(to, ".go") && anchor != "" {
		c.function(file, line, to, anchor)
	}
}

// function checks that a Go file has the function that a document names, as core/x_test.go#TestX.
func (c *docsCheck) function(file string, line int, to, name string) {
	data, err := os.ReadFile(filepath.Join(c.root, to))
	if err != nil {
		c.fault("%v", err)
		return
	}
	declared := regexp.MustCompile(`(?m)^func (?:\([^)]*\) )?` + regexp.QuoteMeta(name) + `\(`)
	if !declared.Match(data) {
		c.fault("%s:%d: %s has no function %s", file, line, to, name)
	}
}

// exists reports whether name is committed, as a file or as a folder of files.
func (c *docsCheck) exists(name string) bool {
	return name == "." || slices.ContainsFunc(c.files, func(file string) bool {
		return file == name || strings.HasPrefix(file, name+"/")
	})
}

var targetLine = regexp.MustCompile(`(?m)^([a-z][a-z0-9-]*) *:(?:[^=]|$)`)

// readTargets returns the targets of a Makefile.
func readTargets(file string) ([]string, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var targets []string
	for _, match := range targetLine.FindAllStringSubmatch(string(data), -1) {
		targets = append(targets, match[1])
	}
	return targets, nil
}

// compile vets the programs inside the workspace, against the current code.
func (r *repo) compile(programs []block, files []string) error {
	if len(programs) == 0 {
		return nil
	}
	dir, err := r.scratch("docs")
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.mod"), []byte("module docs\n\ngo 1.26\n"), 0o644); err != nil {
		return err
	}
	for _, b := range programs {
		at := filepath.Join(dir, strings.NewReplacer("/", "-", ".md", "").Replace(b.File)+"-"+b.Program)
		if err := os.MkdirAll(at, 0o755); err != nil {
			return err
		}
		if err := r.embedded(files, path.Join("examples", b.Program), at); err != nil {
			return err
		}
		// So the compiler reports the document and its line.
		source := fmt.Sprintf("//line %s:%d\n%s", filepath.Join(r.Root, b.File), b.Line, b.Text)
		if err := os.WriteFile(filepath.Join(at, "main.go"), []byte(source), 0o644); err != nil {
			return err
		}
	}
	work, err := r.readWork()
	if err != nil {
		return err
	}
	file, err := r.workAbroad(dir, work, dir)
	if err != nil {
		return err
	}
	sum, err := readOptional(filepath.Join(r.Root, "go.work.sum"))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(dir, "go.work.sum"), sum, 0o644); err != nil {
		return err
	}
	return goRun(dir, []string{"GOWORK=" + file}, "vet", "./...")
}

// embedded copies the files of an example that are not Go, which its program may embed.
func (r *repo) embedded(files []string, example, to string) error {
	for _, file := range files {
		name, inside := strings.CutPrefix(file, example+"/")
		if !inside || strings.HasSuffix(file, ".go") {
			continue
		}
		data, err := os.ReadFile(filepath.Join(r.Root, file))
		if err != nil {
			return err
		}
		target := filepath.Join(to, name)
		if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(target, data, 0o644); err != nil {
			return err
		}
	}
	return nil
}
