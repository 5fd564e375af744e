package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"
)

var (
	// ErrUnreachable is an outage: the connection was refused or cut off, the call timed out, or the status is temporary (408,
	// 429, 5xx).
	ErrUnreachable = errors.New("fetch: the server is unreachable")
	// ErrNonsense is an unusable answer: too large, a redirect, of the wrong type, or not a strict JSON object.
	ErrNonsense = errors.New("fetch: the server's answer is unusable")
)

// Why a call failed: the words of [Error.Reason].
const (
	ReasonDNS         = "dns"             // the host name does not resolve
	ReasonRefused     = "refused"         // the connection was refused
	ReasonNoRoute     = "no_route"        // no route to the host or network
	ReasonTimeout     = "timeout"         // no complete answer in time
	ReasonCanceled    = "canceled"        // the caller has gone away
	ReasonCertificate = "tls_certificate" // the certificate is not accepted
	ReasonTLS         = "tls"             // the TLS handshake failed
	ReasonClosed      = "closed"          // the connection was closed before the answer ended
	ReasonConnection  = "connection"      // the connection failed in another way
	ReasonStatus      = "status"          // the status is an error
	ReasonRedirect    = "redirect"        // the answer is a redirect, which is not followed
	ReasonTooLarge    = "too_large"       // the answer is larger than MaxBody
	ReasonHTML        = "html"            // the answer is HTML instead of JSON
	ReasonNotJSON     = "not_json"        // the media type is not JSON
	ReasonMalformed   = "malformed"       // not a strict JSON object, or members of the wrong type
	ReasonAddress     = "address"         // the URL is invalid
)

var texts = map[string]string{
	ReasonDNS: "the host name does not resolve", ReasonRefused: "the connection was refused", ReasonNoRoute: "no route to the host",
	ReasonTimeout: "no answer in time", ReasonCanceled: "the call was canceled", ReasonCertificate: "the TLS certificate is not accepted",
	ReasonTLS: "the TLS handshake failed", ReasonClosed: "the connection was closed before the answer ended",
	ReasonConnection: "the connection failed", ReasonStatus: "the answer is an error", ReasonRedirect: "the answer is a redirect, which is not followed",
	ReasonTooLarge: "the answer is too large", ReasonHTML: "the answer is HTML instead of JSON", ReasonNotJSON: "the media type of the answer is not JSON",
	ReasonMalformed: "the answer is not the expected JSON", ReasonAddress: "the URL is invalid",
}

// Error is a call that failed. It wraps [ErrUnreachable] or [ErrNonsense]. Its text is fixed except for the host and the status;
// it contains nothing else from the server.
type Error struct {
	Host   string // of the URL; "" if unknown
	Status int    // 0: no answer
	Reason string // one of the Reason constants
	Err    error  // ErrUnreachable or ErrNonsense

	// After is the Retry-After of a 429 or 503; 0: none.
	After time.Duration
}

// Error returns the host, the reason and the status.
func (e *Error) Error() string {
	text := texts[e.Reason]
	if e.Host != "" {
		text = e.Host + ": " + text
	}
	if e.Status != 0 {
		text += " (status " + strconv.Itoa(e.Status) + ")"
	}
	return text
}

// Unwrap returns ErrUnreachable or ErrNonsense.
func (e *Error) Unwrap() error { return e.Err }

// LogAttrs returns reason, host and status for the log.
func (e *Error) LogAttrs() []slog.Attr {
	attrs := []slog.Attr{slog.String("reason", e.Reason)}
	if e.Host != "" {
		attrs = append(attrs, slog.String("host", e.Host))
	}
	if e.Status != 0 {
		attrs = append(attrs, slog.Int("status", e.Status))
	}
	return attrs
}

// Fault converts the error of a call to address, by a client or a library that uses one, to an [Error]. It returns the Error in
// the chain; without one, an outage if the call timed out or was canceled, else a malformed answer.
func Fault(address string, err error) *Error {
	var known *Error
	if errors.As(err, &known) {
		return known
	}
	if IsOutage(err) {
		return &Error{Host: HostOf(address), Reason: transportReason(err), Err: ErrUnreachable}
	}
	return &Error{Host: HostOf(address), Reason: ReasonMalformed, Err: ErrNonsense}
}

// IsOutage reports whether a failed call may succeed later: [ErrUnreachable], a timeout, or a cancellation.
func IsOutage(err error) bool {
	var timeout interface{ Timeout() bool }
	switch {
	case errors.Is(err, ErrNonsense):
		return false
	case errors.Is(err, ErrUnreachable), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return true
	default:
		return errors.As(err, &timeout) && timeout.Timeout()
	}
}

// HostOf returns the host and port of an address for logs, "" if they are not printable.
func HostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return printableHost(u.Host)
}

// maxHost is the longest host and port that is logged, in bytes. DNS names have at most 253.
const maxHost = 260

// printableHost returns host if it contains only characters of a host, else "": the provider may have chosen the address.
func printableHost(host string) string {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\<>`, r) }
	if len(host) > maxHost || strings.ContainsFunc(host, odd) {
		return ""
	}
	return host
}

// failed returns the error of a request that got no answer, or an unusable one.
func failed(request *http.Request, status int, reason string, kind error) *Error {
	return &Error{Host: printableHost(request.URL.Host), Status: status, Reason: reason, Err: kind}
}

// transportReason returns the word for the error of a transport. The text of that error may quote the server.
func transportReason(err error) string {
	var timeout interface{ Timeout() bool }
	isTimeout := errors.Is(err, context.DeadlineExceeded) || errors.As(err, &timeout) && timeout.Timeout()
	var dns *net.DNSError
	switch {
	case errors.As(err, &dns):
		return ReasonDNS
	case isTimeout:
		return ReasonTimeout
	case errors.Is(err, context.Canceled):
		return ReasonCanceled
	case errors.Is(err, syscall.ECONNREFUSED):
		return ReasonRefused
	case errors.Is(err, syscall.EHOSTUNREACH), errors.Is(err, syscall.ENETUNREACH):
		return ReasonNoRoute
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE):
		return ReasonClosed
	default:
		return tlsReason(err)
	}
}

func tlsReason(err error) string {
	var (
		verification *tls.CertificateVerificationError
		authority    x509.UnknownAuthorityError
		name         x509.HostnameError
		invalid      x509.CertificateInvalidError
		record       tls.RecordHeaderError
		alert        tls.AlertError
	)
	switch {
	case errors.As(err, &verification), errors.As(err, &authority), errors.As(err, &name), errors.As(err, &invalid):
		return ReasonCertificate
	case errors.As(err, &record), errors.As(err, &alert), errors.Is(err, http.ErrSchemeMismatch):
		return ReasonTLS
	default:
		return ReasonConnection
	}
}

// retryAfter returns how long a server with this status wants no other request (RFC 9110 section 10.2.3), 0 if it does not say.
func retryAfter(status int, header http.Header) time.Duration {
	if status != http.StatusTooManyRequests && status != http.StatusServiceUnavailable {
		return 0
	}
	text := header.Get("Retry-After")
	if seconds, err := strconv.ParseUint(text, 10, 31); err == nil {
		return time.Duration(seconds) * time.Second
	}
	if date, err := http.ParseTime(text); err == nil {
		return max(0, time.Until(date))
	}
	return 0
}
