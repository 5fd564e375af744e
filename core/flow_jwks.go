package core

import (
	"context"
	"net/http"
)

// jwks answers GET jwks: the own public keys, those that will sign soon and those that have signed. It waits for nobody
// but the store, and only before the first keys are at hand.
func (f *flows) jwks(ctx context.Context, _ *Request) (*Response, error) {
	document, err := f.broker.Document(ctx)
	if err != nil {
		return nil, err
	}
	header := make(http.Header)
	header.Set("Content-Type", "application/json")
	header.Set("Cache-Control", "public, max-age=300") // a new key is published longer than that before it signs
	return &Response{Status: http.StatusOK, Header: header, Body: document}, nil
}
