package core

import "net/url"

// maxCredential bounds codes, verifiers and tokens in a form, in bytes.
const maxCredential = 16 << 10

// parameters reads parameters of a request one after the other and keeps the first fault.
type parameters struct {
	values url.Values
	most   int // bytes of one value; 0: as many as the request may have
	fault  *Error
}

// one returns the only value under any of the names, "" when there is none or it is empty. Two values, in one spelling
// or in several, are a fault: nobody picks one.
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

// err returns the first fault.
func (p *parameters) err() error {
	if p.fault == nil {
		return nil
	}
	return p.fault
}

// lone returns a parameter that is given once and is not longer than a credential may be; anything else counts as
// absent: for a logout, which is never refused.
func lone(query url.Values, name string) string {
	p := parameters{values: query, most: maxCredential}
	return p.one(name)
}
