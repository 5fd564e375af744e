package main

import (
	"fmt"
	"slices"
	"syscall"
	"testing"
	"time"
)

// subject is one of several operations that are compared; run does it once.
type subject struct {
	name string
	run  func() error
}

// measured has the figures of a subject: nanoseconds of processor time per run, for each round.
type measured struct {
	subject
	times []float64
}

// compare runs the subjects in turns: in each round each of them for about slice, in rotating order. So a disturbance of the
// machine affects all of them alike, and figures of the same round can be divided by each other.
func compare(subjects []subject, rounds int, slice time.Duration) ([]*measured, error) {
	all := make([]*measured, len(subjects))
	counts := make([]int, len(subjects))
	for i, s := range subjects {
		all[i] = &measured{subject: s}
		var err error
		if counts[i], err = calibrate(s, slice); err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	for round := range rounds {
		for i := range subjects {
			i = (i + round) % len(subjects)
			took, err := repeat(all[i].run, counts[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", all[i].name, err)
			}
			all[i].times = append(all[i].times, float64(took.Nanoseconds())/float64(counts[i]))
		}
	}
	return all, nil
}

// calibrate finds how many runs take about slice.
func calibrate(s subject, slice time.Duration) (int, error) {
	for count := 1; ; count *= 2 {
		took, err := repeat(s.run, count)
		if err != nil {
			return 0, err
		}
		if took >= slice/2 {
			return max(1, int(float64(count)*float64(slice)/float64(took))), nil
		}
	}
}

func repeat(run func() error, count int) (time.Duration, error) {
	start := processTime()
	for range count {
		if err := run(); err != nil {
			return 0, err
		}
	}
	return processTime() - start, nil
}

// processTime returns the processor time of this process. It includes garbage collection and excludes waiting for other
// processes of the machine.
func processTime() time.Duration {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		panic(err) // never fails
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// allocations returns the allocations per run, as counted by the runtime.
func (m *measured) allocations() float64 {
	return testing.AllocsPerRun(200, func() { _ = m.run() }) // it ran without an error before
}

// spread is the median of the rounds, and the quartiles around it.
type spread struct{ low, mid, high float64 }

func spreadOf(values []float64) spread {
	values = slices.Sorted(slices.Values(values))
	at := func(part float64) float64 { return values[int(part*float64(len(values)-1)+0.5)] }
	return spread{at(0.25), at(0.5), at(0.75)}
}

// pairs joins the figures of the same rounds.
func pairs(a, b *measured, join func(a, b float64) float64) spread {
	joined := make([]float64, len(a.times))
	for i := range a.times {
		joined[i] = join(a.times[i], b.times[i])
	}
	return spreadOf(joined)
}

// over returns the ratio to base in each round.
func (m *measured) over(base *measured) spread {
	return pairs(m, base, func(a, b float64) float64 { return a / b })
}

// more returns the difference to base in nanoseconds in each round.
func (m *measured) more(base *measured) spread {
	return pairs(m, base, func(a, b float64) float64 { return a - b })
}

// String shows the quartiles in brackets: if they are far apart, the machine was busy.
func (s spread) String() string {
	digits := 2
	if s.mid >= 20 {
		digits = 0
	}
	return fmt.Sprintf("%.*f (%.*f to %.*f)", digits, s.mid, digits, s.low, digits, s.high)
}
