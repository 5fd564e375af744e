package main

import (
	"strings"
	"testing"
)

const program = "package main\n\nimport _ \"" + prefix + "core\"\n\nfunc main() {}\n"

func marked(text string) string { return "<!-- program: x -->\n```go\n" + text + "```\n" }

func TestDocsPass(t *testing.T) {
	files := tree()
	files["README.md"] = "# X\n\n[me](#x) [core](core) [other](docs/a.md#b-c) [web](https://example.org/x) `make check`\n\n" + marked(program)
	files["docs/a.md"] = "## B `C`!\n\n[up](../README.md)\n\n```go\nx := f(1)\n```\n"
	files["examples/x/main.go"] = program
	files["docs/d.md"] = "<!-- part: chiauth/chi.go -->\n```go\npackage   chiauth\n\nimport _ \"" + prefix + "core\"\n```\n"
	files["docs/demo.png"] = "\x00"
	files["core/example_test.go"] = "package core_test\n\nvar _ = core.Config{Logger: nil}\n"
	files["core/x_test.go"] = "package core\n\nfunc TestX() {}\n\nfunc (s *x) does() {}\n\ntype x struct{}\n"
	files["docs/c.md"] = "[a](../core/x_test.go#TestX) [b](../core/x_test.go#does) [c](../core/x_test.go)\n"
	files["docs/b.md"] = "<!-- program: y -->\n```go\npackage main\n\nimport _ \"embed\"\n\n//go:embed static/a.js\nvar script string\n\nfunc main() { println(script) }\n```\n" +
		"<!-- file: examples/y/static/a.js -->\n```js\na()\n```\n"
	files["examples/y/static/a.js"] = "a()\n"
	if err := load(t, files).docs(); err != nil {
		t.Error(err)
	}
}

func TestDocsFaults(t *testing.T) {
	host := strings.Join([]string{"pypi", "org"}, ".")
	for name, c := range map[string]struct{ file, text, want string }{
		"link":                 {"README.md", "[a](nowhere.md)", "README.md:1: broken link"},
		"link out":             {"README.md", "[a](../x)", "broken link"},
		"absolute link":        {"README.md", "[a](/core)", "broken link"},
		"link to ignored":      {"README.md", "[a](.cache/x/go.mod)", "broken link"},
		"function":             {"README.md", "[a](core/core.go#TestX)", "README.md:1: core/core.go has no function TestX"},
		"heading":              {"README.md", "# X\n[a](#y)", "has no heading #y"},
		"target":               {"README.md", "`make nothing`", "no target nothing"},
		"target in a block":    {"README.md", "```sh\n$ make nothing\n```", "no target nothing"},
		"no Go":                {"README.md", "```go\nx := \n```", "README.md:2: not valid Go"},
		"program not gofmt's":  {"README.md", marked(strings.Replace(program, "{}", "{ }", 1)), "not formatted with gofmt"},
		"program of another":   {"examples/x/main.go", program + "\n// more\n", "differs from examples/x/main.go"},
		"program without logs": {"README.md", marked(strings.Replace(program, "{}", "{ _ = core.Config{} }", 1)), "README.md:3: the program sets no Logger"},
		"example without logs": {"core/example_test.go", "var _ = core.Config{}\n", "core/example_test.go: the program sets no Logger"},
		"program without keys": {"README.md", marked(strings.Replace(program, "{}", "{ _ = core.Config{Logger: nil} }", 1)), "README.md:3: the program sets no SecretKeys"},
		"program that is none": {"README.md", marked("package main\n\nfunc main() { x() }\n"), "exit status 1"},
		"copy of another":      {"docs/a.md", "<!-- file: README.md -->\n```\nx\n```\n", "docs/a.md:3: the block differs from README.md"},
		"part of another":      {"docs/a.md", "<!-- part: chiauth/chi.go -->\n```go\nimport _ \"" + prefix + "core\"\n\npackage chiauth\n```\n", "docs/a.md:3: chiauth/chi.go has no such line after those before it: package chiauth"},
		"part of nothing":      {"docs/a.md", "<!-- part: x.go -->\n```go\nx()\n```\n", "no such file: x.go"},
		"large picture":        {"docs/demo.png", "\x00" + strings.Repeat("x", maxPicture), "more than 300000: make picture"},
		"copy of nothing":      {"docs/a.md", "<!-- file: x.js -->\n```js\nx\n```\n", "no such file: x.js"},
		"folder":               {"core/x.txt", "in /" + "root/x", "core/x.txt:1: names a folder"},
		"registry":             {"core/x.txt", "a\nhttps://" + host + "/x", "core/x.txt:2: names the registry"},
		"binary":               {"core/x", "a\x00b", "binary file"},
	} {
		t.Run(name, func(t *testing.T) {
			files := with(tree(), "README.md", marked(program))
			err := load(t, with(files, c.file, c.text)).docs()
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestTextOfURLs(t *testing.T) {
	text := "GET https://app.example.org/home/x and /api/home/x, see pkg.go.dev/x\n"
	if err := load(t, with(tree(), "core/x.txt", text)).docs(); err != nil {
		t.Error(err)
	}
}
