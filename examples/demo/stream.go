package main

import (
	"context"
	"io"
	"net/http"
	"time"

	"github.com/go-oidc-auth/oidcauth/core"
)

// beat is the interval at which a stream shows that it is open; so a browser that has left is noticed.
const beat = 5 * time.Second

// events is the stream of a session (server-sent events) with net/http.
func (s *service) events(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	s.watch(r.Context(), w, http.NewResponseController(w).Flush)
}

// watch writes until the session ends, which it tells, or until the browser leaves. ctx has the session.
func (s *service) watch(ctx context.Context, w io.Writer, flush func() error) {
	alive, cancel := core.UntilEnded(ctx) // about two seconds after the end, wherever that was
	defer cancel()
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	for text := "event: open\ndata: {}\n\n"; ; text = ": \n\n" {
		if _, err := io.WriteString(w, text); err != nil || flush() != nil {
			return
		}
		select {
		case <-ticker.C:
		case <-s.stop.Done(): // the demo ends, the session does not
			return
		case <-alive.Done():
			if ctx.Err() == nil {
				_, _ = io.WriteString(w, "event: ended\ndata: {}\n\n")
				_ = flush() // an error only means that the browser has left
			}
			return
		}
	}
}
