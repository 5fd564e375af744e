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

// MaxForm is how many bytes of a request's body are read; a longer one is refused with 413.
const MaxForm = 64 << 10

// maxQuery is how many bytes of a query string are read: a login with the longest redirect URI and scopes fits.
const maxQuery = 16 << 10

// Request is what a route sees of an HTTP request: the neutral form in which every framework hands it over. It has no
// host on purpose: public addresses come from the configuration alone. Its strings live as long as it does, so an
// adapter over reused memory copies them first. Read-only once made.
type Request struct {
	// Method is the HTTP method, in upper case.
	Method string
	// Target is what the client asked for, path and query, whatever a group, a mount or a middleware made of the path since.
	Target string
	// Query and Form are the decoded parameters; Form those of a body that is urlencoded or multipart. Both are empty where a
	// guard refused the request: the parameters of a guarded route are the application's.
	Query, Form url.Values
	// Header has canonical names, a repeated header all its values.
	Header http.Header

	fault *Error // why it could not be read; Serve answers it
}

// LogValue gives method and path: query, form and header may hold secrets.
func (r Request) LogValue() slog.Value { return requestValue(r.Method, r.Target) }

// Format writes method and path for every verb.
func (r Request) Format(f fmt.State, _ rune) { formatRequest(f, r.Method, r.Target) }

func (r *Request) credentials() Credentials {
	return Credentials{Method: r.Method, Target: r.Target, Header: r.Header}
}

// ParseRequest makes a Request of the parts that every framework has; rawQuery is the query of the path that was routed. At most [MaxForm] bytes of body are read. What
// cannot be read (a broken escape in query or form, a body that is too long) is remembered and answered by
// [Route.Serve] with 400 or 413. A body that is no form is not looked at.
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
		return url.Values{}, nil //nolint:nilerr // no form, so there is nothing in it
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
		_ = parsed.RemoveAll() // in memory: there is nothing to remove that could fail
		return nil, malformed
	}
	return parsed.Value, nil
}

// Response is the whole answer of a route, whatever the framework.
type Response struct {
	// Status is the HTTP status.
	Status int
	// Header has canonical names; Set-Cookie may hold several values.
	Header http.Header
	// Body is sent as it is; nil for a redirect.
	Body []byte
}

// WriteTo sends the response through net/http. A header replaces what an earlier middleware set; cookies are added.
func (r *Response) WriteTo(w http.ResponseWriter) {
	header := w.Header()
	for name, values := range r.Header {
		if name != "Set-Cookie" {
			header.Del(name)
		}
		header[name] = append(header[name], values...)
	}
	w.WriteHeader(r.Status)
	_, _ = w.Write(r.Body) //nolint:gosec // JSON of this library, or what the application made; a client that has gone cannot be told
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
