package core

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
)

// MaxForm is the largest accepted body of a form in bytes; a route refuses a longer one with 413.
const MaxForm = 64 << 10

// maxQuery is the longest query string in bytes: enough for a login with the longest redirect URI and scopes.
const maxQuery = 16 << 10

// Request is an HTTP request as routes see it, independent of the framework. It has no host on purpose: public addresses
// come from the configuration alone. Its strings must stay valid as long as the Request, so an adapter for a server that
// reuses memory copies them first. Read-only once made.
type Request struct {
	// Method is the HTTP method, in upper case.
	Method string
	// Target is the path and query that the client sent, even if a group, a mount or a middleware has changed the path since.
	Target string
	// Query and Form are the decoded parameters; Form comes from an urlencoded or multipart body. Both are empty in a request
	// that a guard refused: the parameters of a guarded route belong to the application.
	Query, Form url.Values
	// Header has canonical names; a repeated header keeps all its values.
	Header http.Header

	fault *Error // parse error; Serve answers with it
}

// LogValue returns method and path only: query, form and header may hold secrets.
func (r Request) LogValue() slog.Value { return requestValue(r.Method, r.Target) }

// Format writes method and path only, for every verb: query, form and header may hold secrets.
func (r Request) Format(f fmt.State, _ rune) { formatRequest(f, r.Method, r.Target) }

func (r *Request) credentials() Credentials {
	return Credentials{Method: r.Method, Target: r.Target, Header: r.Header}
}

// ParseRequest builds a Request from the parts that every framework has; rawQuery is the query of the routed path. It reads
// the body of a POST with a form content type, at most [MaxForm] bytes, and ignores any other body. It never fails: for
// malformed or oversized input (a broken escape in query or form, a query or body that is too long) [Route.Serve] answers
// 400, 414 or 413. body may be nil.
func ParseRequest(method, target, rawQuery string, header http.Header, body io.Reader) *Request {
	r := &Request{Method: method, Target: target, Header: header, Form: url.Values{}}
	if len(rawQuery) > maxQuery {
		r.fault = &Error{Status: http.StatusRequestURITooLong, Code: CodeInvalidRequest, Detail: "The query string is too long."}
		return r
	}
	var err error
	if r.Query, err = url.ParseQuery(rawQuery); err != nil {
		r.fault = badRequest(CodeInvalidRequest, "The query string is malformed.")
		return r
	}
	if method == http.MethodPost && body != nil {
		r.Form, r.fault = parseForm(header.Get("Content-Type"), body)
	}
	return r
}

func parseForm(contentType string, body io.Reader) (url.Values, *Error) {
	malformed := badRequest(CodeInvalidRequest, "The request body is malformed.")
	kind, params, err := mime.ParseMediaType(contentType)
	if err != nil || kind != "application/x-www-form-urlencoded" && kind != "multipart/form-data" {
		return url.Values{}, nil //nolint:nilerr // not a form: no fields
	}
	text, err := io.ReadAll(io.LimitReader(body, MaxForm+1))
	if err != nil {
		return nil, malformed
	}
	if len(text) > MaxForm {
		return nil, &Error{Status: http.StatusRequestEntityTooLarge, Code: CodeInvalidRequest, Detail: "The request body is too long."}
	}
	if kind == "multipart/form-data" {
		return parseMultipart(params["boundary"], text, malformed)
	}
	form, err := url.ParseQuery(string(text))
	if err != nil {
		return nil, malformed
	}
	return form, nil
}

func parseMultipart(boundary string, text []byte, malformed *Error) (url.Values, *Error) {
	if boundary == "" {
		return nil, malformed
	}
	parsed, err := multipart.NewReader(strings.NewReader(string(text)), boundary).ReadForm(MaxForm)
	if err != nil {
		return nil, malformed
	}
	if len(parsed.File) > 0 {
		_ = parsed.RemoveAll() // files are in memory, so this cannot fail
		return nil, malformed
	}
	return parsed.Value, nil
}

// Response is the complete answer of a route, independent of the framework.
type Response struct {
	// Status is the HTTP status code.
	Status int
	// Header has canonical names; Set-Cookie may hold several values.
	Header http.Header
	// Body is sent unchanged; nil for a redirect.
	Body []byte
}

// WriteTo sends the response with net/http. Its headers replace those that an earlier middleware set; cookies are added.
func (r *Response) WriteTo(w http.ResponseWriter) {
	header := w.Header()
	for name, values := range r.Header {
		if name != "Set-Cookie" {
			header.Del(name)
		}
		header[name] = append(header[name], values...)
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) //nolint:gosec // JSON of this library or the application's body; ignored error: the client has gone
}

func jsonResponse(value any) *Response {
	body, err := json.Marshal(value)
	if err != nil {
		return (&Error{Status: http.StatusInternalServerError, Code: CodeServerError, Detail: "Internal error."}).Response()
	}
	answer := &Response{Status: http.StatusOK, Header: make(http.Header), Body: body}
	answer.Header.Set("Content-Type", "application/json")
	noStore(answer.Header)
	return answer
}

func redirect(target string) *Response {
	answer := &Response{Status: http.StatusFound, Header: make(http.Header)}
	answer.Header.Set("Location", target)
	noStore(answer.Header)
	return answer
}
