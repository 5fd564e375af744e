package main

import (
	"sync"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// kept is how many events the strip keeps.
const kept = 200

// entry is one event on the page: of a service, as Config.Observe reports it, or of a switch.
type entry struct {
	ID      int    `json:"id"`
	At      int64  `json:"at"` // Unix milliseconds
	Where   string `json:"where"`
	Kind    string `json:"kind"`
	Part    string `json:"part,omitempty"`
	Outcome string `json:"outcome"`
}

// strip keeps the latest events. Safe for concurrent use; the zero value is empty.
type strip struct {
	mu      sync.Mutex
	last    int
	entries []entry
}

// observer returns the function for Config.Observe of a service. It leaves out what every service does every two seconds: reading
// which sessions have ended.
func (s *strip) observer(where string) func(core.Event) {
	return func(event core.Event) {
		if event != (core.Event{Kind: "fetch", Part: "revocations", Outcome: "ok"}) {
			s.add(where, event)
		}
	}
}

func (s *strip) add(where string, event core.Event) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last++
	s.entries = append(s.entries, entry{s.last, time.Now().UnixMilli(), where, event.Kind, event.Part, event.Outcome})
	s.entries = s.entries[max(0, len(s.entries)-kept):]
}

// after returns the events that are newer than the one with this ID.
func (s *strip) after(id int) []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	newer := []entry{}
	for _, e := range s.entries {
		if e.ID > id {
			newer = append(newer, e)
		}
	}
	return newer
}
