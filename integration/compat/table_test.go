package compat

import (
	"os"
	"path/filepath"
	"testing"
)

// Rows are sorted and merged, gaps are listed below their part, and the text of a cell cannot break the table.
func TestTable(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"1": `{"part":"b","version":"2","adapter":"gin","mode":"broker","passed":["login","refresh"],"lacks":["x: why"]}`,
		"2": `{"part":"b","version":"2","adapter":"gin","mode":"broker","passed":["refresh","a|b"],"lacks":["x: why"]}`,
		"3": `{"part":"A","version":"1","adapter":"chi","mode":"","passed":["login"]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name+".json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	rows, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	const head = "| version | adapter | mode | passed |\n| --- | --- | --- | --- |\n"
	want := "\n## A\n\n" + head + "| 1 | chi |  | login |\n\n## b\n\n" + head + `| 2 | gin | broker | a\|b; login; refresh |` + "\n\n- gap: x: why\n"
	if got := Markdown(rows); got != want {
		t.Errorf("got %s\nwant %s", got, want)
	}
}

// A row is written if its test has passed, with the checks that have passed.
func TestRow(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("OIDCAUTH_COMPAT", dir)
	t.Run("passes", func(t *testing.T) {
		c := New(t, "part", "1", "gin", "broker")
		c.Run("login", func(*testing.T) {})
		c.Run("refresh", func(t *testing.T) { t.Skip("not installed") })
		c.Lacks("device flow: none")
	})
	t.Run("skipped", func(t *testing.T) {
		New(t, "missing", "1", "gin", "broker")
		t.Skip("not installed")
	})
	rows, err := Read(dir)
	if err != nil || len(rows) != 1 || len(rows[0].Passed) != 1 || rows[0].Passed[0] != "login" || len(rows[0].Lacks) != 1 {
		t.Errorf("rows %+v, %v", rows, err)
	}
}
