package main

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// The figures are only comparable if every candidate does all the work: each accepts the good token, and oidcauth refuses every
// bad one.
func TestCandidatesAgreeOnTheGoodToken(t *testing.T) {
	for _, alg := range []string{"RS256", "ES256", "EdDSA"} {
		k, err := newKey(alg)
		if err != nil {
			t.Fatal(err)
		}
		p := newProvider(k)
		all, err := libraryPeers(t.Context(), k, p)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range []int{0, -1} {
			own, done, err := ours(t.Context(), p, "oidcauth", size)
			if err != nil {
				t.Fatal(err)
			}
			defer done()
			all = append(all, own)
		}
		good := k.token(keycloak(nil))
		if err := k.bare(good)(); err != nil {
			t.Errorf("%s: the bare check: %v", alg, err)
		}
		bad, err := badTokens(k)
		if err != nil {
			t.Fatal(err)
		}
		if k.bare(bad["another payload"])() == nil || k.bare(bad["another's key"])() == nil {
			t.Errorf("%s: the bare check checks nothing", alg)
		}
		for _, c := range all {
			kinds, err := accepted(c.name, good, bad, c.prepare)
			if err != nil {
				t.Errorf("%s: %v", alg, err)
			}
			if slices.Contains(kinds, "another payload") || c.name == "oidcauth" && len(kinds) > 0 {
				t.Errorf("%s: %s accepts %v", alg, c.name, kinds)
			}
		}
	}
}

// Every framework answers on all routes, in process and over loopback, and only the bare one lets forged credentials pass.
func TestSites(t *testing.T) {
	for _, f := range frameworks {
		s, err := newSite(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		defer s.close()
		if s.Browser.Get("Cookie") == "" || s.Browser.Get("Sec-Fetch-Site") != "same-origin" || s.Browser.Get("Authorization") != "" {
			t.Errorf("a browser sends %v", s.Browser)
		}
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		go func() { _ = s.serve(listener) }()
		o := order{Address: listener.Addr().String()} // for no time: one request on each connection
		for i, v := range visits {
			forged := s.prepare(v.path, forgery(s.of(v)))() == nil
			if err := s.prepare(v.path, s.of(v))(); err != nil || forged != (v.path == bareRoute) {
				t.Errorf("%s %s: %v; a forgery passes: %v", f.name, v.path, err, forged)
			}
			o.Path, o.Header = v.path, s.of(v)
			if got, err := o.carryOut(); err != nil || got.Requests != connections || got.Time <= 0 {
				t.Errorf("%s %s over loopback: %+v, %v", f.name, v.path, got, err)
			}
			o.Header = forgery(o.Header)
			if _, err := o.carryOut(); (err == nil) != (i == visitBare || i == visitBareBrowser) {
				t.Errorf("%s %s over loopback with a forgery: %v", f.name, v.path, err)
			}
		}
		if _, err := acceptedBy(s); err != nil {
			t.Errorf("%s: %v", f.name, err)
		}
		o.Path, o.Header = "/nowhere", s.Program
		if _, err := o.carryOut(); err == nil {
			t.Errorf("%s: an answer of 404 was counted", f.name)
		}
	}
}

// forgery returns headers with another signature of the token, or another secret in the cookie.
func forgery(header http.Header) http.Header {
	forged := make(http.Header)
	for name := range header {
		value := header.Get(name)
		if name == "Authorization" || name == "Cookie" {
			end := len(value) - 2 // the last character of a signature may have bits that do not count
			value = value[:end] + another(value[end]) + value[end+1:]
		}
		forged.Set(name, value)
	}
	return forged
}

// wrk and the own load generator send the same headers.
func TestRequestHeaders(t *testing.T) {
	header := http.Header{"Cookie": {"a=b"}, "Sec-Fetch-Site": {"same-origin"}}
	raw := string(rawRequest("app.example.org", "/hit", header))
	if raw != "GET /hit HTTP/1.1\r\nHost: app.example.org\r\nCookie: a=b\r\nSec-Fetch-Site: same-origin\r\n\r\n" {
		t.Errorf("sent: %q", raw)
	}
	arguments := wrkArguments(order{Address: "127.0.0.1:80", Path: "/hit", Header: header})
	for _, want := range []string{"Cookie: a=b", "Sec-Fetch-Site: same-origin"} {
		if i := slices.Index(arguments, want); i < 1 || arguments[i-1] != "-H" {
			t.Errorf("no %q in %q", want, arguments)
		}
	}
	if last := arguments[len(arguments)-1]; last != "http://127.0.0.1:80/hit" {
		t.Errorf("wrk calls %s", last)
	}
}

// The page ends with the notes, unchanged.
func TestNotes(t *testing.T) {
	page, err := os.ReadFile("../docs/performance.md")
	if err != nil || !strings.HasSuffix(string(page), notes) {
		t.Errorf("docs/performance.md does not end with bench/notes.txt: %v", err)
	}
}

// Clients run whole refreshes, each with the token of the previous one, and write the same rows through the store and directly;
// the store can read rows that were added directly.
func TestRefreshes(t *testing.T) {
	for _, p := range places(t.TempDir())[:2] { // databases that need no server
		t.Run(p.name, func(t *testing.T) {
			url, err := p.started(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			w, err := newWorld(t.Context(), p, url, effort{quick: true})
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = w.close() }()
			for i, do := range tasks {
				for range 5 {
					if err := do(w.clients[0], t.Context()); err != nil {
						t.Errorf("task %d: %v", i, err)
					}
				}
			}
			testTokenChanges(t, w.clients[0])
			testWrites(t, w.clients[0])
			testRows(t, w)
		})
	}
}

func testTokenChanges(t *testing.T, c *client) {
	seen := map[string]bool{}
	for range 3 * len(c.tokens) {
		if err := c.refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		seen[c.tokens[c.next].RefreshToken] = true
	}
	if len(seen) != 3*len(c.tokens) {
		t.Errorf("%d refreshes brought %d tokens", 3*len(c.tokens), len(seen))
	}
}

// The store sees a direct write, and the write depends on the version.
func testWrites(t *testing.T, c *client) {
	for name, do := range map[string]func(*client, context.Context) error{"swap": (*client).swap, "write": (*client).write, "least": (*client).least} {
		if err := do(c, t.Context()); err != nil {
			t.Fatal(err)
		}
		row := c.rows[c.next]
		stored, err := c.store.Session(t.Context(), row.ID, time.Now())
		if err != nil || stored.Version != row.Version || !stored.Expires.Equal(row.Expires) || !bytes.Equal(stored.Answer, row.Answer) {
			t.Errorf("%s: version %d is stored as %d, %v", name, row.Version, stored.Version, err)
		}
		row.Version--
		if c.bare.write(t.Context(), row) == nil {
			t.Errorf("after %s, a row of another version was written", name)
		}
	}
}

func testRows(t *testing.T, w *world) {
	like := w.clients[0].rows[0]
	if size, err := w.bare.seed(t.Context(), like, 5*batch); err != nil || size < float64(length(like)) {
		t.Errorf("rows of %d bytes are stored as %.0f, %v", length(like), size, err)
	}
	rows := spreadOut(short(like), 2, 5)
	if err := w.bare.add(t.Context(), rows); err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		if stored, err := w.store.Session(t.Context(), row.ID, time.Now()); err != nil || !bytes.Equal(stored.Data, row.Data) || stored.Version != 1 {
			t.Fatalf("a row that was added is read as %+v, %v", stored, err)
		}
	}
}

// Rounds rotate the order, and figures of the same round are paired.
func TestCompare(t *testing.T) {
	busy := func(n int) func() error {
		return func() error {
			for begin := processTime(); processTime()-begin < time.Duration(n)*100*time.Microsecond; {
			}
			return nil
		}
	}
	seen, err := compare([]subject{{"one", busy(1)}, {"four", busy(4)}}, 5, 4*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	if ratio := seen[1].over(seen[0]); ratio.mid < 2 || ratio.mid > 8 {
		t.Errorf("four times the work is %s times the time", ratio)
	}
	if _, err := compare([]subject{{"broken", func() error { return errStatus }}}, 1, time.Millisecond); err == nil {
		t.Error("a fault was measured")
	}
}

// The report lists goals in order and marks those that are not met.
func TestReport(t *testing.T) {
	r := &report{quick: true}
	r.section("Things", "About things.")
	r.table([]string{"", "x"}, [][]string{{"a", "1"}}, "github.com/gin-gonic/gin")
	r.judge(7, "seventh", "1.2", false)
	r.judge(1, "first", "1", true)
	text := r.String()
	for _, want := range []string{"quick run", "| 1 | first | 1 | met |\n| 7 | seventh | 1.2 | **not met** |", "## Things\n\nAbout things.\n\n|  | x |\n| --- | --- |\n| a | 1 |\n", machine()} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in:\n%s", want, text)
		}
	}
}
