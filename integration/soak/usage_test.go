package soak

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"
)

// What an instance may take. A slope is that of the line through all samples after the warm-up, by least squares, and is judged where
// they span ten minutes at least: a line through less says nothing.
const (
	maxHeapSlope  = 6.0  // MB per hour of live objects
	maxRSSSlope   = 30.0 // MB per hour
	maxHeap       = 100 << 20
	maxGoroutines = 10 // more at rest after the run than before it
	judgedSpan    = 10 * time.Minute
)

// sample is what the first instance took at a time.
type sample struct {
	At time.Time `json:"at"`
	usage
}

// warmUp is how long the memory of a run may do as it likes: caches fill. The revocation list goes on growing for an hour, by some hundred
// bytes for each logout.
func warmUp(whole time.Duration) time.Duration { return min(20*time.Minute, whole/3) }

// sample measures the instance that lives from the begin to the end.
func (r *run) sample() {
	var u usage
	if err := r.fleet.slots[0].Load().get("/usage", &u); err != nil {
		r.violation("no answer", "its usage: %v", err)
		return
	}
	r.samples = append(r.samples, sample{time.Now(), u})
}

// warm are the samples after the warm-up.
func (r *run) warm() []sample {
	for n, s := range r.samples {
		if s.At.Sub(r.begun) >= warmUp(r.length) {
			return r.samples[n:]
		}
	}
	return nil
}

// slope is that of the line with the least squares, in MB per hour.
func slope(samples []sample, of func(sample) float64) float64 {
	if len(samples) < 2 {
		return 0
	}
	var x, y float64
	for _, s := range samples {
		x, y = x+s.At.Sub(samples[0].At).Hours(), y+of(s)
	}
	x, y = x/float64(len(samples)), y/float64(len(samples))
	var above, below float64
	for _, s := range samples {
		dx := s.At.Sub(samples[0].At).Hours() - x
		above, below = above+dx*(of(s)-y), below+dx*dx
	}
	if below == 0 {
		return 0
	}
	return above / below
}

func heapMB(s sample) float64 { return float64(s.Heap) / (1 << 20) }
func rssMB(s sample) float64  { return float64(s.RSS) / (1 << 20) }

// rest waits until the instance is at rest, and returns how many goroutines it has then.
func (r *run) rest() int {
	r.fleet.transport.CloseIdleConnections()
	least := 1 << 30
	for range 10 { // connections to the provider and the store may close in this time
		var u usage
		if err := r.fleet.slots[0].Load().get("/usage", &u); err == nil {
			least = min(least, u.Goroutines)
		}
		time.Sleep(500 * time.Millisecond)
	}
	return least
}

// profile writes a profile of the first instance to the folder of the run.
func (r *run) profile(name, file string, debug int) {
	response, err := http.Get(fmt.Sprintf("%s/profile/%s?debug=%d", r.fleet.slots[0].Load().base, name, debug))
	if err != nil {
		r.say("no profile: %v", err)
		return
	}
	defer response.Body.Close()
	into, err := os.Create(filepath.Join(r.dir, file))
	if err != nil {
		r.say("no profile: %v", err)
		return
	}
	defer into.Close() //nolint:errcheck // a profile is for a reader's eyes
	_, _ = io.Copy(into, response.Body)
}
