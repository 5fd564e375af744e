package fiber3auth_test

import (
	"errors"
	"io/fs"
	"os"
	"strings"
	"testing"
)

// translate.go is that of fiberauth. After a change there, go generate writes it again.
func TestTranslateIsGenerated(t *testing.T) {
	source, err := os.ReadFile("../fiberauth/translate.go")
	if errors.Is(err, fs.ErrNotExist) {
		t.Skip("the module is alone, without the repository")
	}
	if err != nil {
		t.Fatal(err)
	}
	made, err := os.ReadFile("translate.go")
	if err != nil {
		t.Fatal(err)
	}
	_, code, _ := strings.Cut(string(made), "\n\n")
	if code != strings.Replace(string(source), "package fiberauth", "package fiber3auth", 1) {
		t.Error("translate.go differs from that of fiberauth: go generate ./fiber3auth")
	}
}
