// Package compat collects the results of tests with the software of other projects, and renders docs/compatibility.md from them.
package compat

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Row is a row of the table: the results of one part (a provider, client or browser) with one adapter in one mode.
type Row struct {
	Part    string   `json:"part"`    // what it is: "Keycloak"
	Version string   `json:"version"` // exactly, or where it comes from
	Adapter string   `json:"adapter"` // "gin", or "core" where no adapter is between
	Mode    string   `json:"mode"`    // "passthrough", "broker", "" where it makes no difference
	Passed  []string `json:"passed"`
	Lacks   []string `json:"lacks"` // what the part does not have or gets wrong, each with the reason
}

// Checks runs the checks of one row and records their results.
type Checks struct {
	t   *testing.T
	row Row
}

// New begins a row. If the test passes, the row is written to the folder in the environment variable OIDCAUTH_COMPAT; unset: nowhere.
func New(t *testing.T, part, version, adapter, mode string) *Checks {
	t.Helper()
	c := &Checks{t: t, row: Row{Part: part, Version: version, Adapter: adapter, Mode: mode}}
	t.Cleanup(c.write)
	return c
}

// Run runs a check as a subtest and reports whether it passed. what is its name in the table. Checks after a failed one still run.
func (c *Checks) Run(what string, check func(t *testing.T)) bool {
	c.t.Helper()
	skipped := false
	passed := c.t.Run(what, func(t *testing.T) {
		defer func() { skipped = t.Skipped() }()
		check(t)
	})
	if passed && !skipped {
		c.row.Passed = append(c.row.Passed, what)
	}
	return passed
}

// Lacks records what the part does not have, or gets wrong, with the reason.
func (c *Checks) Lacks(what string) { c.row.Lacks = append(c.row.Lacks, what) }

func (c *Checks) write() {
	dir := os.Getenv("OIDCAUTH_COMPAT")
	if dir == "" || c.t.Failed() || c.t.Skipped() {
		return
	}
	text, err := json.Marshal(c.row)
	if err != nil {
		c.t.Error(err)
		return
	}
	name := strings.Map(func(r rune) rune {
		if strings.ContainsRune(`/\ :`, r) {
			return '_'
		}
		return r
	}, strings.Join([]string{c.row.Part, c.row.Version, c.row.Adapter, c.row.Mode, c.t.Name()}, " "))
	if err := os.WriteFile(filepath.Join(dir, name+".json"), text, 0o600); err != nil {
		c.t.Error(err)
	}
}
