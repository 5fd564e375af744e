package family_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/go-oidc-auth/oidcauth/core/internal/family"
	"github.com/go-oidc-auth/oidcauth/core/store"
)

var (
	errStore = errors.New("store")
	errSpend = errors.New("spend")
)

// world is a family in a store in memory whose calls can fail, with a provider that counts its calls.
type world struct {
	t *testing.T
	*store.Memory
	families *family.Families
	first    family.Token
	begun    time.Time

	mu        sync.Mutex
	spent     int
	abandoned []string
	newest    string        // token with which the test continues
	ttl       time.Duration // of the access tokens that spend issues
	slow      time.Duration
	result    *family.Result
	err       error
	swap      func(call int) error // called before each swap; its error is the swap's
	swaps     int
	lost      int // number of a swap that succeeds but returns an error
	revoke    func() error
	hangs     bool // Revoke hangs until its context ends
}

func (w *world) Swap(ctx context.Context, session store.Session) error {
	w.mu.Lock()
	w.swaps++
	swap, call := w.swap, w.swaps
	w.mu.Unlock()
	if swap != nil {
		if err := swap(call); err != nil {
			return err
		}
	}
	err := w.Memory.Swap(ctx, session)
	if call == w.lost {
		return errStore
	}
	return err
}

func (w *world) Revoke(ctx context.Context, id string, version int64, now, until time.Time) error {
	w.mu.Lock()
	revoke, hangs := w.revoke, w.hangs
	w.mu.Unlock()
	if hangs {
		<-ctx.Done()
	}
	if revoke != nil {
		if err := revoke(); err != nil {
			return err
		}
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return w.Memory.Revoke(ctx, id, version, now, until)
}

func open(t *testing.T) *world {
	w := &world{t: t, Memory: store.NewMemory(), first: family.NewToken(), begun: time.Now()}
	w.families = w.service("client", "a secret of thirty-two bytes or so")
	if err := w.families.Begin(t.Context(), w.first, family.Login{Subject: "iss sub", Data: []byte("data 0"), Expires: time.Now().Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) service(client string, secrets ...string) *family.Families {
	w.t.Helper()
	return w.serve(func(c *family.Config) { c.Client = client }, secrets...)
}

// serve makes another instance with a changed configuration.
func (w *world) serve(change func(*family.Config), secrets ...string) *family.Families {
	w.t.Helper()
	if secrets == nil {
		secrets = []string{"a secret of thirty-two bytes or so"}
	}
	keys := make([][]byte, len(secrets))
	for i, secret := range secrets {
		keys[i] = []byte(secret)
	}
	cfg := family.Config{
		Store: w, Secrets: keys, Issuer: "issuer", Client: "client", Lease: 20 * time.Second, Wait: 12 * time.Second, Grace: 10 * time.Second, Feed: time.Hour,
		Abandon: func(_ context.Context, data []byte) {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.abandoned = append(w.abandoned, string(data))
		},
	}
	change(&cfg)
	families, err := family.New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	return families
}

// spend stands for the provider: its answer is the text of the next token.
func (w *world) spend(_ context.Context, turn family.Turn) (*family.Result, error) {
	w.mu.Lock()
	w.spent++
	slow, result, err := w.slow, w.result, w.err
	w.mu.Unlock()
	time.Sleep(slow)
	if result == nil && err == nil {
		result = &family.Result{Data: []byte(string(turn.Data) + "+"), Answer: []byte(turn.Next.Text), Expires: time.Now().Add(time.Hour), Issued: time.Now().Add(w.ttl)}
	}
	return result, err
}

func (w *world) rotate(text string) (string, error) {
	w.t.Helper()
	answer, err := w.families.Rotate(w.t.Context(), text, w.spend)
	return string(answer), err
}

func (w *world) must(text string) string {
	w.t.Helper()
	answer, err := w.rotate(text)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
}

func (w *world) refuses(text string, want error) {
	w.t.Helper()
	if answer, err := w.rotate(text); !errors.Is(err, want) || answer != "" {
		w.t.Errorf("got %q, %v, want %v", answer, err, want)
	}
}

func (w *world) gave(data string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Contains(strings.Join(w.abandoned, ","), data)
}

func inBubble(name string, t *testing.T, do func(*testing.T, *world)) {
	t.Run(name, func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			w := open(t)
			do(t, w)
			w.families.Close()
		})
	})
}

// The outcomes of a rotation.
func TestRotate(t *testing.T) {
	inBubble("chain and grace", t, func(t *testing.T, w *world) {
		second := w.must(w.first.Text)
		if w.must(w.first.Text) != second || w.spent != 1 {
			t.Error("the grace gave another answer")
		}
		time.Sleep(10*time.Second - time.Millisecond)
		if w.must(w.first.Text) != second {
			t.Error("the grace was short")
		}
		third := w.must(second)
		w.refuses(w.first.Text, family.ErrReused)
		w.refuses(third, family.ErrEnded)
	})
	inBubble("kind", t, func(t *testing.T, w *world) {
		w.must(w.first.Text)
		if row, err := w.Session(t.Context(), w.first.ID, time.Now()); err != nil || row.Kind != store.KindToken {
			t.Errorf("kind %q, %v", row.Kind, err)
		}
	})
	inBubble("reuse after the grace", t, func(t *testing.T, w *world) {
		second := w.must(w.first.Text)
		time.Sleep(10 * time.Second)
		w.refuses(w.first.Text, family.ErrReused)
		w.refuses(second, family.ErrEnded)
		w.families.Close()
		if !w.gave("data 0+") {
			t.Error("nothing was revoked at the provider")
		}
		if list, err := w.Revoked(t.Context(), time.Time{}, time.Now()); err != nil || len(list) != 1 || list[0].ID != w.first.ID {
			t.Errorf("the feed: %v, %v", list, err)
		}
	})
	inBubble("what is no token", t, func(t *testing.T, w *world) {
		for _, text := range []string{"", "x", w.first.Text + "A", w.first.Text[:63] + "\n", strings.Repeat("=", 64), family.NewToken().Text} {
			w.refuses(text, family.ErrEnded)
		}
		w.must(w.first.Text)
	})
	inBubble("refused for good", t, func(t *testing.T, w *world) {
		w.err, w.result = family.ErrRefused, &family.Result{Data: []byte("fresh")}
		w.refuses(w.first.Text, family.ErrEnded)
		w.refuses(w.first.Text, family.ErrEnded)
		if !w.gave("fresh") {
			t.Error("the result was not abandoned")
		}
	})
	inBubble("failure", t, func(t *testing.T, w *world) {
		w.err = errSpend
		w.refuses(w.first.Text, errSpend)
		w.err = nil
		if w.must(w.first.Text); w.spent != 2 {
			t.Errorf("spent %d times", w.spent)
		}
	})
	inBubble("failure with new data", t, func(t *testing.T, w *world) {
		w.err, w.result = errSpend, &family.Result{Data: []byte("kept")}
		w.refuses(w.first.Text, errSpend)
		w.err, w.result = nil, nil
		seen := ""
		if _, err := w.families.Rotate(t.Context(), w.first.Text, func(ctx context.Context, turn family.Turn) (*family.Result, error) {
			seen = string(turn.Data)
			return w.spend(ctx, turn)
		}); err != nil || seen != "kept" {
			t.Errorf("%q, %v", seen, err)
		}
	})
	inBubble("expired", t, func(t *testing.T, w *world) {
		time.Sleep(time.Hour)
		w.refuses(w.first.Text, family.ErrEnded)
	})
	inBubble("closed", t, func(t *testing.T, w *world) {
		w.families.Close()
		w.refuses(w.first.Text, family.ErrBusy)
		if w.spent != 0 {
			t.Error("spent")
		}
	})
}

// Concurrent and slow rotations.
func TestRotateAtOnce(t *testing.T) {
	inBubble("one is enough", t, func(t *testing.T, w *world) {
		w.slow = time.Second
		other := w.service("client", "a secret of thirty-two bytes or so")
		var wg sync.WaitGroup
		answers := make([]string, 20)
		for i := range answers {
			wg.Go(func() {
				families := []*family.Families{w.families, other}[i%2]
				answer, err := families.Rotate(t.Context(), w.first.Text, w.spend)
				if err != nil {
					t.Error(err)
				}
				answers[i] = string(answer)
			})
		}
		wg.Wait()
		for _, answer := range answers {
			if answer != answers[0] || w.spent != 1 {
				t.Error("two successors")
			}
		}
	})
	inBubble("the one fails", t, func(t *testing.T, w *world) {
		w.slow, w.err = time.Second, errSpend
		go func() { _, _ = w.rotate(w.first.Text) }()
		time.Sleep(time.Millisecond)
		w.refuses(w.first.Text, family.ErrBusy)
		if w.spent != 1 {
			t.Errorf("spent %d times", w.spent)
		}
	})
	inBubble("the one hangs", t, func(t *testing.T, w *world) {
		w.slow = 30 * time.Second
		go func() { _, _ = w.rotate(w.first.Text) }()
		time.Sleep(time.Millisecond)
		begun := time.Now()
		w.refuses(w.first.Text, family.ErrBusy)
		if took := time.Since(begun); took > 12*time.Second {
			t.Errorf("it took %s", took)
		}
	})
	inBubble("a late answer", t, func(t *testing.T, w *world) {
		w.slow = 14 * time.Second
		w.refuses(w.first.Text, family.ErrBusy) // no client has got the next token, so the row must not have one
		w.mu.Lock()
		w.slow = 0
		w.mu.Unlock()
		time.Sleep(time.Minute)
		second := w.must(w.first.Text)
		if row, err := w.Session(t.Context(), w.first.ID, time.Now()); err != nil || w.spent != 2 {
			t.Errorf("spent %d times, %+v, %v", w.spent, row.Version, err)
		}
		w.must(second)
	})
	inBubble("taken over", t, func(t *testing.T, w *world) {
		w.slow = 5 * time.Second
		done := make(chan error, 1)
		go func() { _, err := w.rotate(w.first.Text); done <- err }()
		time.Sleep(time.Millisecond)
		row, err := w.Session(t.Context(), w.first.ID, time.Now())
		if err != nil {
			t.Fatal(err)
		}
		row.Lease, row.Data = time.Time{}, append(row.Data, 0)
		if err := w.Memory.Swap(t.Context(), row); err != nil {
			t.Fatal(err)
		}
		if err := <-done; !errors.Is(err, family.ErrBusy) {
			t.Errorf("the one who lost the row: %v", err)
		}
		if after, err := w.Session(t.Context(), w.first.ID, time.Now()); err != nil || after.Version != row.Version+1 || w.gave("data 0+") {
			t.Errorf("a row of somebody else was changed: %+v, %v, %v", after.Version, err, w.abandoned)
		}
	})
	inBubble("ended meanwhile", t, func(t *testing.T, w *world) {
		w.slow = time.Second
		done := make(chan error, 1)
		go func() { _, err := w.rotate(w.first.Text); done <- err }()
		time.Sleep(time.Millisecond)
		if data, err := w.families.End(t.Context(), w.first.ID, time.Time{}); err != nil || string(data) != "data 0" {
			t.Errorf("%q, %v", data, err)
		}
		if err := <-done; !errors.Is(err, family.ErrEnded) || !w.gave("data 0+") {
			t.Errorf("%v, abandoned %v", err, w.abandoned)
		}
	})
	inBubble("ended and refused", t, func(t *testing.T, w *world) {
		w.slow, w.err = time.Second, family.ErrRefused
		done := make(chan error, 1)
		go func() { _, err := w.rotate(w.first.Text); done <- err }()
		time.Sleep(time.Millisecond)
		if _, err := w.families.End(t.Context(), w.first.ID, time.Time{}); err != nil {
			t.Error(err)
		}
		if err := <-done; !errors.Is(err, family.ErrBusy) {
			t.Error(err)
		}
		w.refuses(w.first.Text, family.ErrEnded)
	})
}
