package core

import "net/url"

// maxCredential bounds codes, verifiers and tokens in a form, in bytes.
const maxCredential = 16 << 10

// parameters reads the parameters of a request one by one and keeps the first error.
type parameters struct {
	values url.Values
	most   int // largest value in bytes; 0: no limit beyond that of the request
	fault  *Error
}

// one returns the value given under any of the names, "" if it is absent or empty. Two values, under one name or several,
// are an error: choosing one would be a guess.
func (p *parameters) one(names ...string) string {
	if p.fault != nil {
		return ""
	}
	var found []string
	for _, name := range names {
		found = append(found, p.values[name]...)
	}
	switch {
	case len(found) == 0:
		return ""
	case len(found) > 1:
		p.fault = badRequest(CodeInvalidRequest, "Parameter "+names[0]+" is given more than once.")
		return ""
	case p.most > 0 && len(found[0]) > p.most:
		p.fault = badRequest(CodeInvalidRequest, "Parameter "+names[0]+" is too long.")
		return ""
	default:
		return found[0]
	}
}

// err returns the first error.
func (p *parameters) err() error {
	if p.fault == nil {
		return nil
	}
	return p.fault
}

// lone returns a parameter that is given exactly once and is not longer than a credential; anything else counts as absent.
// For logout, which is never refused.
func lone(query url.Values, name string) string {
	p := parameters{values: query, most: maxCredential}
	return p.one(name)
}
