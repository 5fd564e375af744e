package fetch

import (
	"bytes"
	"io"
	"net/http"
	"strings"

	"github.com/go-oidc-auth/oidcauth/core/internal/strictjson"
)

// usualBody is the expected size of a body whose length is not known.
const usualBody = 4 << 10

// readBody reads a body, and stops after MaxBody and one byte.
func readBody(response *http.Response) (string, error) {
	size := int64(usualBody)
	if response.ContentLength > 0 {
		size = min(response.ContentLength, MaxBody) + bytes.MinRead // with room to find the end
	}
	body := bytes.NewBuffer(make([]byte, 0, size))
	_, err := body.ReadFrom(io.LimitReader(response.Body, MaxBody+1))
	return body.String(), err
}

// Vetted is the body of an answer that a client of this package has read and parsed. Its zero value is an empty body.
type Vetted struct {
	Text   string
	Object strictjson.Object // none if the body is empty or Signed
	Signed bool              // Text is a JWT

	unread strings.Reader
}

func newVetted(text string, object strictjson.Object) *Vetted {
	v := &Vetted{Text: text, Object: object}
	v.unread.Reset(text)
	return v
}

func newSigned(text string) *Vetted {
	v := newVetted(text, strictjson.Object{})
	v.Signed = true
	return v
}

// kind returns the media type.
func (v *Vetted) kind() string {
	if v.Signed {
		return SignedAnswer
	}
	return "application/json"
}

// Read implements [io.Reader].
func (v *Vetted) Read(into []byte) (int, error) { return v.unread.Read(into) }

// Close does nothing.
func (v *Vetted) Close() error { return nil }

// VettedOf returns the body of an answer of a client of this package. If something on the way has wrapped the body, it is read and parsed
// again. The error is that of the body, or [strictjson.ErrSyntax].
func VettedOf(response *http.Response) (*Vetted, error) {
	if v, ok := response.Body.(*Vetted); ok {
		return v, nil
	}
	text, err := readBody(response)
	switch {
	case err != nil || text == "":
		return newVetted(text, strictjson.Object{}), err
	case response.Header.Get("Content-Type") == SignedAnswer:
		return newSigned(text), nil
	}
	object, err := strictjson.Parse(text)
	return newVetted(text, object), err
}
