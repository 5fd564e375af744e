package oidctest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
)

// Client returns an HTTP client that calls the provider in memory, without a network. A request to another host returns an error and counts
// as a hit of [Elsewhere]; [HTTPClient] is for several providers. No goroutine outlives its request. In a testing/synctest bubble, waiting uses the bubble's clock. Safe for
// concurrent use.
func (p *Provider) Client() *http.Client { return &http.Client{Transport: transport{p}} }

var (
	errNoSuchHost = errors.New("oidctest: no such host: upstream-secret.internal")
	errClosed     = errors.New("oidctest: connection closed by upstream-secret.internal")
)

type transport struct{ provider *Provider }

// RoundTrip runs the provider's handler. It returns when the answer begins or the request's context ends.
func (t transport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body []byte
	if r.Body != nil {
		text, err := io.ReadAll(r.Body)
		if err = errors.Join(err, r.Body.Close()); err != nil {
			return nil, err
		}
		body = text
	}
	if !t.provider.isAt(r) {
		t.provider.mu.Lock()
		t.provider.hits[Elsewhere]++
		t.provider.mu.Unlock()
		return nil, errNoSuchHost
	}
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(r.Context())
	asked := httptest.NewRequestWithContext(ctx, r.Method, r.URL.String(), bytes.NewReader(body))
	asked.Header = r.Header.Clone()
	if r.Host != "" {
		asked.Host = r.Host
	}
	answer := &streamed{header: http.Header{}, begun: make(chan struct{})}
	go func() {
		defer answer.end(ctx)
		t.provider.handler.ServeHTTP(answer, asked)
		answer.finished = true
	}()
	select {
	case <-answer.begun:
	case <-ctx.Done():
		cancel()
		return nil, ctx.Err()
	}
	if answer.err != nil {
		cancel()
		return nil, answer.err
	}
	return &http.Response{
		Status: http.StatusText(answer.status), StatusCode: answer.status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: answer.sent, Body: &streamedBody{Reader: answer.body, pipe: answer.reader, cancel: cancel, stop: answer.closeWith(ctx)},
		ContentLength: -1, Request: r,
	}, nil
}

// streamed buffers an answer until the handler flushes it or returns, as net/http does with a short one.
type streamed struct {
	header, sent http.Header
	status       int
	kept         bytes.Buffer
	body         io.Reader
	reader       *io.PipeReader // for the output after a flush; nil before one
	pipe         *io.PipeWriter
	begun        chan struct{}
	once         sync.Once
	finished     bool // the handler returned
	err          error
}

func (s *streamed) Header() http.Header { return s.header }

func (s *streamed) WriteHeader(status int) {
	if s.status == 0 {
		s.status, s.sent = status, s.header.Clone()
	}
}

func (s *streamed) Write(text []byte) (int, error) {
	s.WriteHeader(http.StatusOK)
	if s.pipe != nil {
		return s.pipe.Write(text)
	}
	return s.kept.Write(text)
}

// Flush begins the answer.
func (s *streamed) Flush() {
	if s.pipe != nil {
		return
	}
	s.WriteHeader(http.StatusOK)
	s.reader, s.pipe = io.Pipe()
	s.body = io.MultiReader(bytes.NewReader(s.kept.Bytes()), s.reader)
	s.once.Do(func() { close(s.begun) })
}

// end completes the answer after the handler. A panic closes the connection, as in net/http; output after the end of the
// request's context is dropped.
func (s *streamed) end(ctx context.Context) {
	_ = recover() // the client gets errClosed
	switch {
	case s.pipe != nil && s.finished:
		_ = s.pipe.CloseWithError(ctx.Err()) // nil: the answer is complete
	case s.pipe != nil:
		_ = s.pipe.CloseWithError(errClosed)
	case !s.finished:
		s.err = errClosed
	default:
		s.WriteHeader(http.StatusOK)
		s.body = bytes.NewReader(s.kept.Bytes())
	}
	s.once.Do(func() { close(s.begun) })
}

// closeWith stops the reading of a flushed answer when the request's context ends.
func (s *streamed) closeWith(ctx context.Context) (stop func() bool) {
	if s.reader == nil {
		return nil
	}
	reader := s.reader
	return context.AfterFunc(ctx, func() { _ = reader.CloseWithError(ctx.Err()) })
}

// streamedBody ends the handler when the client closes the body.
type streamedBody struct {
	io.Reader
	pipe   *io.PipeReader
	cancel context.CancelFunc
	stop   func() bool
}

func (b *streamedBody) Close() error {
	if b.pipe != nil {
		b.stop()
		_ = b.pipe.Close()
	}
	b.cancel()
	return nil
}
