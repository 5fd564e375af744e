package tenants

import (
	"context"
	"time"
)

// flight is one call, for all who wait for it.
type flight[T any] struct {
	done  chan struct{}
	entry *Entry[T]
	err   error
	void  bool // the issuer was forgotten meanwhile: ask again
}

// begin joins or begins the call about an issuer. The caller holds mu.
func (t *Table[T]) begin(issuer string, last *Entry[T]) (*flight[T], error) {
	if f := t.flights[issuer]; f != nil {
		return f, nil
	}
	places := t.second
	if last == nil {
		if places = t.first; t.waiting >= maxWaiting {
			return nil, ErrBusy
		}
		t.waiting++
	}
	f := &flight[T]{done: make(chan struct{})}
	t.flights[issuer] = f
	go t.run(f, places, issuer, last)
	return f, nil
}

// run calls the function. The flight ends in time although the function may not; its place is free when it returns.
func (t *Table[T]) run(f *flight[T], places chan struct{}, issuer string, last *Entry[T]) {
	ctx, cancel := context.WithTimeout(context.Background(), t.cfg.Timeout)
	defer cancel()
	type answer struct {
		entry *Entry[T]
		err   error
	}
	answers := make(chan answer, 1)
	select {
	case places <- struct{}{}:
		go func() {
			defer func() { <-places }()
			entry, err := t.cfg.Ask(ctx, issuer, last)
			answers <- answer{entry, err}
		}()
	case <-ctx.Done():
	}
	got := answer{err: ErrSlow}
	select {
	case got = <-answers:
	case <-ctx.Done():
	}
	t.finish(f, issuer, last, got.entry, got.err)
}

func (t *Table[T]) finish(f *flight[T], issuer string, last, entry *Entry[T], err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	defer close(f.done)
	if last == nil {
		t.waiting--
	}
	if t.flights[issuer] == f {
		delete(t.flights, issuer)
	}
	if f.void = f.void || t.live[issuer] != last || t.closed; f.void {
		if entry != nil && entry != last {
			t.cfg.Drop(entry.Value)
		}
		return
	}
	now := time.Now()
	f.entry, f.err = entry, err
	switch {
	case err != nil && last == nil:
	case err != nil:
		last.err, last.retry = err, now.Add(Pause)
		if last.counts(now) {
			f.entry, f.err = last, nil
			last.good.Store(min(last.retry.UnixMilli(), last.asked.Add(StaleAge).UnixMilli()))
		}
	case entry == nil:
		t.remove(last)
		t.refused.add(issuer, now.Add(RefusedAge))
	default:
		if entry != last {
			t.remove(last)
			t.add(issuer, entry)
		}
		entry.asked, entry.err, entry.again, entry.retry = now, nil, false, time.Time{}
		entry.good.Store(now.Add(Age).UnixMilli())
		t.recent.MoveToFront(entry.place)
	}
}
