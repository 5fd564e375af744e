package core_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/go-oidc-auth/oidcauth/core"
)

// found returns the findings of a check and a level; "" means any.
func found(list []core.Finding, check string, level core.Level) []core.Finding {
	return slices.DeleteFunc(slices.Clone(list), func(f core.Finding) bool {
		return check != "" && f.Check != check || level != "" && f.Level != level
	})
}

// mistake changes a service, and says which finding must tell of it.
type mistake struct {
	config func(*core.Config)
	mount  core.Paths
	check  string
	level  core.Level
	text   string // a part of Text
	line   string // all of Line
}

// has reports whether one finding says what a mistake must lead to.
func (m *mistake) has(list []core.Finding) bool {
	return slices.ContainsFunc(found(list, m.check, m.level), func(f core.Finding) bool {
		return strings.Contains(f.Text, m.text) && f.Line == m.line
	})
}

// Wrong findings come first, notes second.
func TestDoctorSorts(t *testing.T) {
	f := newFlow(t, func(c *core.Config) { c.PublicURL, c.AllowHTTP = "", true })
	list := f.auth.Doctor(t.Context())
	order := []core.Level{core.FindingWrong, core.FindingNote, core.FindingOK}
	if !slices.IsSortedFunc(list, func(one, other core.Finding) int {
		return slices.Index(order, one.Level) - slices.Index(order, other.Level)
	}) || list[0].Level != core.FindingWrong {
		t.Errorf("got %v", list)
	}
	for _, finding := range list {
		if finding.Check == "" || finding.Text == "" || !strings.HasSuffix(finding.Text, ".") {
			t.Errorf("an incomplete finding: %+v", finding)
		}
	}
}
