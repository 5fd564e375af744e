package core

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
)

// hidden is printed instead of a secret that is set.
const hidden = "(hidden)"

// Format prints the settings without secrets, the same for every verb. Package fmt does not call it for a Config in an
// unexported field of another struct, and prints the secrets: keep a *Config there, or print the fields one by one.
func (c Config) Format(f fmt.State, _ rune) { printFields(f, "core.Config", c.shown()) }

// LogValue returns the settings without secrets.
func (c Config) LogValue() slog.Value { return slog.GroupValue(c.shown()...) }

// MarshalJSON returns the settings without secrets, for logs. The result cannot be unmarshalled again.
func (c Config) MarshalJSON() ([]byte, error) { return json.Marshal(fieldMap(c.shown())) }

// Format prints the settings without the key, the same for every verb.
func (b BrokerConfig) Format(f fmt.State, _ rune) {
	printFields(f, "core.BrokerConfig", b.shown())
}

// LogValue returns the settings without the key.
func (b BrokerConfig) LogValue() slog.Value { return slog.GroupValue(b.shown()...) }

// MarshalJSON returns the settings without the key, for logs. The result cannot be unmarshalled again.
func (b BrokerConfig) MarshalJSON() ([]byte, error) { return json.Marshal(fieldMap(b.shown())) }

// Format prints the provider and the client, and no secret, the same for every verb.
func (a Auth) Format(f fmt.State, _ rune) { printFields(f, "core.Auth", a.shown()) }

// LogValue returns the provider and the client, and no secret.
func (a Auth) LogValue() slog.Value { return slog.GroupValue(a.shown()...) }

// shown returns the fields that are set and may be printed. Fields that are not in the list are never printed, so a new secret
// is hidden by default.
func (c Config) shown() []slog.Attr {
	fields := append(c.flat().shown(),
		slog.String("PublicURL", shownAddress(c.PublicURL)),
		slog.Any("RedirectURIs", shownAddresses(c.RedirectURIs)),
		slog.Any("PostLogoutURIs", shownAddresses(c.PostLogoutURIs)),
		slog.String("SecretKeys", hide(len(c.SecretKeys) > 0)),
		slog.String("Store", typeName(c.Store)),
		slog.String("StoreURL", shownStore(c.StoreURL)),
		slog.String("AppName", c.AppName),
		slog.Bool("ResolveIssuer", c.ResolveIssuer != nil),
		slog.Int("Require", len(c.Require)),
		slog.Bool("ScopeImplies", c.ScopeImplies != nil),
		slog.Bool("RolesOfAllClients", c.RolesOfAllClients),
		slog.Bool("NoOfflineAccess", c.NoOfflineAccess),
		slog.Bool("AllowHTTP", c.AllowHTTP),
		slog.Any("Resources", shownAddresses(c.resourceURLs())),
		slog.Duration("Timeout", c.Timeout),
		slog.Duration("Leeway", c.Leeway),
		slog.Int("TokenCacheSize", c.TokenCacheSize),
	)
	for i, p := range c.Providers {
		fields = append(fields, slog.Attr{Key: fmt.Sprintf("Providers[%d]", i), Value: p.LogValue()})
	}
	if c.Sessions != nil {
		fields = append(fields, slog.Attr{Key: "Sessions", Value: slog.GroupValue(c.Sessions.shown()...)})
	}
	if c.Broker != nil {
		fields = append(fields, slog.Attr{Key: "Broker", Value: c.Broker.LogValue()})
	}
	return slices.DeleteFunc(fields, isUnset)
}

func (s SessionConfig) shown() []slog.Attr {
	fields := []slog.Attr{
		slog.String("CookieName", s.CookieName),
		slog.String("Home", shownAddress(s.Home)),
		slog.Duration("IdleTimeout", s.IdleTimeout),
		slog.Duration("Lifetime", s.Lifetime),
		slog.Duration("RefreshAfter", s.RefreshAfter),
		slog.String("StrippedPrefix", s.StrippedPrefix),
		slog.Int("PerUser", s.PerUser),
		slog.Any("TrustedOrigins", shownAddresses(s.TrustedOrigins)),
		slog.Any("Claims", s.Claims),
	}
	return slices.DeleteFunc(fields, isUnset)
}

func (b BrokerConfig) shown() []slog.Attr {
	fields := []slog.Attr{
		slog.String("Audience", b.Audience),
		slog.Any("TrustedIssuers", shownAddresses(b.TrustedIssuers)),
		slog.String("PeerJWKSPath", b.PeerJWKSPath),
		slog.String("SubjectClaim", b.SubjectClaim),
		slog.String("SigningAlgorithm", b.SigningAlgorithm),
		slog.Duration("TokenTTL", b.TokenTTL),
		slog.Duration("SessionTTL", b.SessionTTL),
		slog.Duration("SessionMax", b.SessionMax),
		slog.Duration("RefreshGrace", b.RefreshGrace),
		slog.String("ImportKey", hide(len(b.ImportKey) > 0)),
	}
	return slices.DeleteFunc(fields, isUnset)
}

func (a Auth) shown() []slog.Attr {
	if a.cfg == nil {
		return nil
	}
	fields := []slog.Attr{
		slog.String("DiscoveryURL", a.cfg.main.DiscoveryURL),
		slog.String("Issuer", a.cfg.main.Issuer),
		slog.String("ClientID", a.cfg.main.ClientID),
		slog.Bool("Broker", a.cfg.Broker != nil),
	}
	return slices.DeleteFunc(fields, isUnset)
}

func isUnset(field slog.Attr) bool {
	switch value := field.Value.Any().(type) {
	case string:
		return value == ""
	case []string:
		return len(value) == 0
	case bool:
		return !value
	case int64:
		return value == 0
	case time.Duration:
		return value == 0
	default:
		return false
	}
}

// printFields writes name{Field:value Field:value}.
func printFields(w io.Writer, name string, fields []slog.Attr) {
	texts := make([]string, len(fields))
	for i, field := range fields {
		texts[i] = field.Key + ":" + field.Value.String()
	}
	_, _ = io.WriteString(w, name+"{"+strings.Join(texts, " ")+"}")
}

// fieldMap returns the fields as values for [encoding/json].
func fieldMap(fields []slog.Attr) map[string]any {
	values := make(map[string]any, len(fields))
	for _, field := range fields {
		switch field.Value.Kind() {
		case slog.KindGroup:
			values[field.Key] = fieldMap(field.Value.Group())
		case slog.KindDuration:
			values[field.Key] = field.Value.String()
		default:
			values[field.Key] = field.Value.Any()
		}
	}
	return values
}

func hide(isSet bool) string {
	if isSet {
		return hidden
	}
	return ""
}

// typeName returns the type of a value, "" for nil. The value itself may contain a password.
func typeName(value any) string {
	if value == nil {
		return ""
	}
	return fmt.Sprintf("%T", value)
}

// shownAddress hides an address that may contain a password. New refuses such an address, but it may be printed before that.
func shownAddress(address string) string {
	if strings.Contains(address, "@") {
		return hidden
	}
	return address
}

func shownAddresses(addresses []string) []string {
	shown := make([]string, len(addresses))
	for i, address := range addresses {
		shown[i] = shownAddress(address)
	}
	return shown
}

// shownStore returns scheme, host and path of a store's URL. The password is before the host or in the query. If it was not
// percent-encoded, a part of it may be in the path; then nothing is shown.
func shownStore(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" && u.Path == "" || u.Scheme == "" || strings.Contains(u.Path, "@") {
		return hide(address != "")
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
