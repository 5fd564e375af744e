package core

import (
	"context"
	"net/http"
)

// jwks answers GET jwks with the public keys of this service: current, upcoming and previous ones. It waits for the store
// only until the first keys are cached.
func (f *flows) jwks(ctx context.Context, _ *Request) (*Response, error) {
	document, err := f.broker.Document(ctx)
	if err != nil {
		return nil, err
	}
	header := make(http.Header)
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "public, max-age=300") // shorter than the time between publishing a key and its first use
	return &Response{Status: http.StatusOK, Header: header, Body: document}, nil
}
