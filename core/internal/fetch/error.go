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
)

var (
	// ErrUnreachable is an outage: refused, timed out, cut off, or a status that says "later" (408, 429, 5xx).
	ErrUnreachable = errors.New("fetch: the other side is out of reach")
	// ErrNonsense is an answer that nobody can use: too large, redirected, of another type, or no strict JSON object.
	ErrNonsense = errors.New("fetch: the other side's answer is unusable")
)

// Why a call failed: the words of [Error.Reason].
const (
	ReasonDNS         = "dns"             // the name of the host does not resolve
	ReasonRefused     = "refused"         // nobody listens there
	ReasonNoRoute     = "no_route"        // host or network cannot be reached
	ReasonTimeout     = "timeout"         // no whole answer within the time
	ReasonCanceled    = "canceled"        // whoever waited has gone
	ReasonCertificate = "tls_certificate" // the certificate is not accepted
	ReasonTLS         = "tls"             // the TLS handshake failed
	ReasonClosed      = "closed"          // the connection was closed before the answer had ended
	ReasonConnection  = "connection"      // the connection failed in another way
	ReasonStatus      = "status"          // the status says that there is no answer
	ReasonRedirect    = "redirect"        // redirects are not followed
	ReasonTooLarge    = "too_large"       // more than MaxBody
	ReasonHTML        = "html"            // a page instead of JSON
	ReasonNotJSON     = "not_json"        // another media type than JSON
	ReasonMalformed   = "malformed"       // no JSON object that has one reading, or members of other types
	ReasonAddress     = "address"         // the address cannot be called
)

var texts = map[string]string{
	ReasonDNS: "the host name does not resolve", ReasonRefused: "the connection was refused", ReasonNoRoute: "no route to the host",
	ReasonTimeout: "no answer in time", ReasonCanceled: "the call was canceled", ReasonCertificate: "the TLS certificate is not accepted",
	ReasonTLS: "the TLS handshake failed", ReasonClosed: "the connection was closed before the answer ended",
	ReasonConnection: "the connection failed", ReasonStatus: "the answer is an error", ReasonRedirect: "the answer is a redirect, which is not followed",
	ReasonTooLarge: "the answer is too large", ReasonHTML: "the answer is HTML instead of JSON", ReasonNotJSON: "the answer is not of type JSON",
	ReasonMalformed: "the answer is not the JSON that was expected", ReasonAddress: "the address cannot be called",
}

// Error is a call that failed. It wraps [ErrUnreachable] or [ErrNonsense]. Its text is a fixed one, with the host that was
// asked and the status: nothing else that the other side said.
type Error struct {
	Host   string // of the URL; "" when it is not known
	Status int    // 0: there was no answer
	Reason string // one of the words above
	Err    error  // ErrUnreachable or ErrNonsense
}

// Error gives the host, the reason and the status.
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

// Unwrap gives ErrUnreachable or ErrNonsense.
func (e *Error) Unwrap() error { return e.Err }

// LogAttrs are the parts of the error, for the log of the operator.
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

// Fault gives the [Error] inside an error of a client, or of a library that used one, for a call to the address: an outage
// where the call was given up, and else an answer that is malformed.
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

// IsOutage reports an error of a call that may be over in a moment: [ErrUnreachable], or a call that was given up.
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

// HostOf returns the host and port of an address, for logs: "" for none that can be printed.
func HostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return printableHost(u.Host)
}

// maxHost is the longest host and port that is logged, in bytes: names of DNS have 253.
const maxHost = 260

// printableHost keeps a host that is nothing but one: an address may be of the provider's choice.
func printableHost(host string) string {
	odd := func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune(`"\<>`, r) }
	if len(host) > maxHost || strings.ContainsFunc(host, odd) {
		return ""
	}
	return host
}

// failed is a request that has no answer, or one that cannot be used.
func failed(request *http.Request, status int, reason string, kind error) *Error {
	return &Error{Host: printableHost(request.URL.Host), Status: status, Reason: reason, Err: kind}
}

// transportReason is the word for what a transport says. Its text may quote the other side.
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
