package core

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// maxReturnTo is the maximum length of return_to in bytes. The state contains it, and the callback's request line must stay below
// fiber's limit of 4 KiB with a code of 1,200 bytes.
const maxReturnTo = 1 << 10

// isReturnTo reports whether a login may redirect to this address: a path of this origin, with or without a query. It refuses
// everything that a browser, a proxy or the application could take for another host, even after decoding it several times.
func isReturnTo(address string) bool {
	if len(address) > maxReturnTo || !strings.HasPrefix(address, "/") {
		return false
	}
	if _, err := url.PathUnescape(address); err != nil {
		return false
	}
	for range 4 {
		path, _, _ := strings.Cut(address, "?")
		path, _, _ = strings.Cut(path, "#")
		if !isPlainPath(path) || !isPrintable(address) {
			return false
		}
		decoded := unescaped(address)
		if decoded == address {
			return true
		}
		address = decoded
	}
	return false // encoded too many times
}

// unescaped decodes the valid escapes of a text and keeps invalid ones, as a lenient decoder does: "100%25" becomes "100%", which
// stays.
func unescaped(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		if text[i] == '%' && i+2 < len(text) {
			if plain, err := url.PathUnescape(text[i : i+3]); err == nil {
				b.WriteString(plain)
				i += 2
				continue
			}
		}
		b.WriteByte(text[i])
	}
	return b.String()
}

// isPlainPath refuses a path that could be read as another host: with an empty segment, a backslash or a dot segment.
func isPlainPath(path string) bool {
	if strings.Contains(path, "//") || strings.Contains(path, `\`) {
		return false
	}
	for segment := range strings.SplitSeq(path, "/") {
		if segment == "." || segment == ".." {
			return false
		}
	}
	return true
}

// isPrintable refuses control characters, line separators and invalid UTF-8.
func isPrintable(text string) bool {
	return utf8.ValidString(text) && !hasControl(text) && strings.IndexFunc(text, func(r rune) bool { return r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 }) < 0
}

// returnTo returns the address of the request as the browser sees it, for the way back from the login; "" if it is not allowed.
func (a *Auth) returnTo(credentials Credentials) string {
	target := credentials.Target
	if current := credentials.values("Hx-Current-Url"); len(credentials.values("Hx-Request")) > 0 && len(current) == 1 {
		if originOf(current[0]) != a.origin {
			return ""
		}
		u, err := url.Parse(current[0])
		if err != nil {
			return ""
		}
		return permitted(u.RequestURI())
	}
	if !strings.HasPrefix(target, "/") { // absolute form, which browsers do not send
		return ""
	}
	return permitted(a.cfg.Sessions.StrippedPrefix + target)
}

// permitted returns a copy of the address, "" if it is not allowed.
func permitted(address string) string {
	if !isReturnTo(address) {
		return ""
	}
	return strings.Clone(address)
}
