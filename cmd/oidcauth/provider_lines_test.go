package main

import (
	"os/exec"
	"strings"
	"testing"
)

// A shell that is pasted the lines has the very values in its environment, whatever characters they have.
func TestLinesInShell(t *testing.T) {
	const secret = "it's \"quoted\" $HOME `id` \\ ü"
	lines := provides(t, "-client", "my app:"+secret, "-lines", "sh").lines
	shell, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("there is no sh")
	}
	out, err := exec.CommandContext(t.Context(), shell, "-c", lines+`printf '%s|%s' "$CLIENT_ID" "$CLIENT_SECRET"; env | grep -c '^SECRET_KEY='`).Output()
	if err != nil || string(out) != "my app|"+secret+"1\n" {
		t.Errorf("%v: %s of\n%s", err, out, lines)
	}
}

// Each way to print the lines has its form.
func TestLines(t *testing.T) {
	for as, want := range map[string]string{"sh": "export CLIENT_SECRET='a'\\''b'\n", "powershell": "$env:CLIENT_SECRET = 'a''b'\n", "env": "\nCLIENT_SECRET=a'b\n"} {
		if lines := provides(t, "-lines", as, "-client", "app:a'b").lines; !strings.Contains(lines, want) {
			t.Errorf("%s:\n%s", as, lines)
		}
	}
	if got := runs(t, nil, "", "provider", "-addr", "127.0.0.1:0", "-client", "app:a\nb"); got.code != exitUsage || got.out != "" {
		t.Errorf("a line break: %+v", got)
	}
}
