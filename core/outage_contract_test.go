package core_test

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
	"github.com/go-oidc-auth/oidcauth/core/oidctest"
)

// The contract for outages, as in the operations guide: what is down, since when, how it fails, and the answer to each caller: a
// status, followed by the seconds of Retry-After after a slash. The tests read these tables.
const (
	passthroughOutages = `
| down | since | how | guard | login | callback | code | refresh | device | userinfo | logout |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| nothing | | | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 302 |
| discovery | before the start | any | 503/10 | 503/10 | 503/10 | 503/10 | 503/10 | 502/10 | 503/10 | 302 |
| keys | before the start | any | 503/10 | 302 | 503/10 | 503/10 | 503/10 | 200 | 503/10 | 302 |
| discovery | afterwards | any | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 302 |
| keys | afterwards | any | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 302 |
| token | at any time | out of reach | 200 | 302 | 503/10 | 503/10 | 503/10 | 200 | 200 | 302 |
| token | at any time | unusable | 200 | 302 | 502 | 502 | 502 | 200 | 200 | 302 |
| device | at any time | out of reach | 200 | 302 | 200 | 200 | 200 | 502/10 | 200 | 302 |
| device | at any time | unusable | 200 | 302 | 200 | 200 | 200 | 502 | 200 | 302 |
| userinfo | at any time | out of reach | 200 | 302 | 200 | 200 | 200 | 200 | 503/10 | 302 |
| userinfo | at any time | unusable | 200 | 302 | 200 | 200 | 200 | 200 | 502 | 302 |
| revocation | at any time | any | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 302 |
| provider | before the start | any | 503/10 | 503/10 | 503/10 | 503/10 | 503/10 | 502/10 | 503/10 | 302 |
| provider | afterwards | out of reach | 200 | 302 | 503/10 | 503/10 | 503/10 | 502/10 | 503/10 | 302 |
`
	brokerOutages = `
| down | since | how | guard | trusted | login | callback | code | refresh | exchange | device | userinfo | logout | jwks |
| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |
| nothing | | | 200 | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 200 | 302 | 200 |
| discovery | before the start | any | 200 | 200 | 503/10 | 503/10 | 503/10 | 503/10 | 503/10 | 502/10 | 200 | 302 | 200 |
| keys | before the start | any | 200 | 200 | 302 | 503/10 | 503/10 | 503/10 | 503/10 | 200 | 200 | 302 | 200 |
| discovery | afterwards | any | 200 | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 200 | 302 | 200 |
| keys | afterwards | any | 200 | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 200 | 302 | 200 |
| token | at any time | out of reach | 200 | 200 | 302 | 503/10 | 503/10 | 503/10 | 200 | 200 | 200 | 302 | 200 |
| token | at any time | unusable | 200 | 200 | 302 | 502 | 502 | 502 | 200 | 200 | 200 | 302 | 200 |
| device | at any time | out of reach | 200 | 200 | 302 | 200 | 200 | 200 | 200 | 502/10 | 200 | 302 | 200 |
| device | at any time | unusable | 200 | 200 | 302 | 200 | 200 | 200 | 200 | 502 | 200 | 302 | 200 |
| userinfo | at any time | any | 200 | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 200 | 302 | 200 |
| revocation | at any time | any | 200 | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 200 | 302 | 200 |
| provider | before the start | any | 200 | 200 | 503/10 | 503/10 | 503/10 | 503/10 | 503/10 | 502/10 | 200 | 302 | 200 |
| provider | afterwards | out of reach | 200 | 200 | 302 | 503/10 | 503/10 | 503/10 | 200 | 502/10 | 200 | 302 | 200 |
| trusted keys | before the start | any | 200 | 503/10 | 302 | 200 | 200 | 200 | 200 | 200 | 200 | 302 | 200 |
| trusted keys | afterwards | any | 200 | 200 | 302 | 200 | 200 | 200 | 200 | 200 | 200 | 302 | 200 |
| store | before the start | fails | 503/2 | 200 | 302 | 503/2 | 503/2 | 503/2 | 503/2 | 200 | 503/2 | 302 | 503/2 |
| store | afterwards | fails | 200 | 200 | 302 | 503/2 | 503/2 | 503/2 | 503/2 | 200 | 200 | 302 | 200 |
`
)

// outageRow is a row of the contract.
type outageRow struct {
	down, since, how string
	callers, answers []string
}

func outageRows(t *testing.T, table string) []outageRow {
	t.Helper()
	var lines [][]string
	for line := range strings.Lines(strings.TrimSpace(table)) {
		var cells []string
		for cell := range strings.SplitSeq(strings.Trim(strings.TrimSpace(line), "|"), "|") {
			cells = append(cells, strings.TrimSpace(cell))
		}
		lines = append(lines, cells)
	}
	var rows []outageRow
	for _, cells := range lines[2:] {
		if len(cells) != len(lines[0]) {
			t.Fatalf("a row of %d cells: %q", len(cells), cells)
		}
		rows = append(rows, outageRow{cells[0], cells[1], cells[2], lines[0][3:], cells[3:]})
	}
	return rows
}

// TestOutageContract tests each row of both tables with each of its faults. Every caller gets the documented answer in the
// documented time, nothing is sent twice, and after the fault and one pause everything works again without a restart.
func TestOutageContract(t *testing.T) {
	for mode, table := range map[string]string{"passthrough": passthroughOutages, "broker": brokerOutages} {
		for _, row := range outageRows(t, table) {
			for name, fault := range faultsOf(row.how, mode == "broker") {
				t.Run(strings.Join([]string{mode, row.down, row.since, name}, " "), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { row.hold(newOutageNet(t), mode == "broker", fault) })
				})
			}
		}
	}
}

func (row outageRow) hold(n *outageNet, inBrokerMode bool, f fault) {
	var service *outageService
	switch row.since {
	case "before the start":
		beside := n.serve(inBrokerMode)
		ready := beside.prepare()
		n.fails(row.down, f)
		service = n.serve(inBrokerMode)
		service.prepared = ready
	case "afterwards": // long enough that every document was fetched again
		service = n.serve(inBrokerMode)
		service.warm()
		service.outlast(row.down, f)
	default:
		service = n.serve(inBrokerMode)
		service.warm()
		service.prepared = service.prepare()
		n.fails(row.down, f)
	}
	row.check(service, "in the outage")
	n.heals(row.down)
	time.Sleep(coolDown)
	service.prepared = service.prepare()
	row.answers = strings.Split(strings.Repeat("well ", len(row.callers)), " ")
	row.check(service, "afterwards")
}

func (row outageRow) check(s *outageService, when string) {
	s.t.Helper()
	for i, caller := range row.callers {
		before, start := s.net.posts(), time.Now()
		got := s.ask(caller)
		if row.answers[i] == "well" {
			row.answers[i] = "200"
			if caller == "login" || caller == "logout" {
				row.answers[i] = "302"
			}
		}
		if got != row.answers[i] {
			s.t.Errorf("%s, %s: got %s, want %s", when, caller, got, row.answers[i])
		}
		bound := outagePatience + time.Second
		if s.inBrokerMode && caller != "guard" && caller != "trusted" {
			bound += 2 * time.Second
		}
		if took := time.Since(start); took > bound {
			s.t.Errorf("%s, %s: took %s", when, caller, took)
		}
		for endpoint, n := range s.net.posts() {
			if n-before[endpoint] > 1 {
				s.t.Errorf("%s, %s: %s was posted to %d times", when, caller, endpoint, n-before[endpoint])
			}
			if endpoint == oidctest.Token && n > before[endpoint] && strings.HasPrefix(got, "503") && (row.since == "before the start" || row.down == "store") {
				s.t.Errorf("%s, %s: something was spent for an answer that nobody could verify or keep", when, caller)
			}
		}
	}
}

func outageAnswer(answer *core.Response) string {
	text := strconv.Itoa(answer.Status)
	if after := answer.Header.Get("Retry-After"); after != "" {
		text += "/" + after
	}
	return text
}

// The guide contains the tested tables. The released module does not contain the guide.
func TestOutageContractInTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../docs/operations.md")
	if err != nil {
		t.Skip("there is no guide beside this module")
	}
	for name, table := range map[string]string{"passthrough": passthroughOutages, "broker": brokerOutages} {
		if !strings.Contains(string(guide), table) {
			t.Errorf("docs/operations.md has another table for %s mode; it has to be:\n%s", name, table)
		}
	}
}
