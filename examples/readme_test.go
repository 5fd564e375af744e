// Package examples_test holds the programs of the README to those of this module, which are tested.
package examples_test

import (
	"os"
	"strings"
	"testing"
)

func TestReadmeShowsThePrograms(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, framework := range []string{"gin", "echo", "fiber", "chi"} {
		program, err := os.ReadFile(framework + "/main.go")
		if err != nil {
			t.Fatal(err)
		}
		want := "<!-- program: " + framework + " -->\n```go\n" + string(program) + "```\n"
		if !strings.Contains(string(readme), want) {
			t.Errorf("the README's program for %s is not examples/%s/main.go", framework, framework)
		}
	}
}
