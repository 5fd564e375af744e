package oidctest

import (
	"encoding/json"
	"net/http"
	"slices"
)

// discovery answers with the discovery document (OpenID Connect Discovery section 3, RFC 8414 section 2).
func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	grants := []string{"authorization_code"}
	if !p.set.noRefresh {
		grants = append(grants, "refresh_token")
	}
	if !p.set.noDevice {
		grants = append(grants, deviceGrantType)
	}
	if p.servesServices() {
		grants = append(grants, clientCredentials, tokenExchange)
	}
	document := Claims{
		"issuer":                 p.issuer,
		"jwks_uri":               p.URL(JWKS),
		"authorization_endpoint": p.URL(Authorization),
		"token_endpoint":         p.URL(Token),
		"introspection_endpoint": p.URL(Introspection),

		"response_types_supported":                       []string{"code"},
		"response_modes_supported":                       []string{"query", formPost},
		"grant_types_supported":                          grants,
		"subject_types_supported":                        []string{"public"},
		"id_token_signing_alg_values_supported":          []string{p.signer().Alg},
		"code_challenge_methods_supported":               []string{"S256"},
		"scopes_supported":                               []string{"openid", "profile", "email", "offline_access"},
		"claims_supported":                               claimsSupported,
		"authorization_response_iss_parameter_supported": !p.set.noIss,

		"backchannel_logout_supported":         true,
		"backchannel_logout_session_supported": true,

		"claims_parameter_supported":      false,
		"request_parameter_supported":     false,
		"request_uri_parameter_supported": false, // the default is true
	}
	if p.set.signedIntrospection {
		document["introspection_signing_alg_values_supported"] = []string{p.signer().Alg}
	}
	if len(p.set.acr) > 0 {
		document["acr_values_supported"] = p.set.acr
		document["claims_supported"] = append([]string{"acr"}, claimsSupported...)
	}
	if len(p.set.scopes) > 0 {
		document["scopes_supported"] = p.set.scopes
	}
	p.announceMethods(document)
	if p.set.pushedOnly {
		document["require_pushed_authorization_requests"] = true
	}
	for name, endpoint := range map[string]struct {
		off bool
		at  Endpoint
	}{
		"userinfo_endpoint":                     {p.set.noUserInfo, UserInfo},
		"device_authorization_endpoint":         {p.set.noDevice, Device},
		"revocation_endpoint":                   {p.set.noRevocation, Revocation},
		"pushed_authorization_request_endpoint": {!p.set.pushed, PushedRequests},
		"end_session_endpoint":                  {p.set.noEndSession, EndSession},
	} {
		if !endpoint.off {
			document[name] = p.URL(endpoint.at)
		}
	}
	p.answer(w, http.StatusOK, DiscoveryDocuments, document)
}

// claimsSupported lists the claims of ID tokens and of the built-in users.
var claimsSupported = []string{
	"iss", "sub", "aud", "azp", "exp", "iat", "auth_time", "nonce", "at_hash", "sid",
	"name", "given_name", "family_name", "preferred_username", "email", "email_verified", "groups", "realm_access",
}

// announceMethods announces the client authentication methods, if there are any to announce: the same for every endpoint,
// except that introspection requires a secret.
func (p *Provider) announceMethods(document Claims) {
	methods := p.set.authMethods
	if len(methods) == 0 {
		return
	}
	document["token_endpoint_auth_methods_supported"] = methods
	keys := slices.Contains(methods, "private_key_jwt")
	if keys {
		document["token_endpoint_auth_signing_alg_values_supported"] = clientAlgorithms
	}
	secret := slices.DeleteFunc(slices.Clone(methods), func(method string) bool { return method == "none" })
	if len(secret) > 0 {
		document["introspection_endpoint_auth_methods_supported"] = secret
		if keys {
			document["introspection_endpoint_auth_signing_alg_values_supported"] = clientAlgorithms
		}
	}
	if !p.set.noRevocation {
		document["revocation_endpoint_auth_methods_supported"] = methods
		if keys {
			document["revocation_endpoint_auth_signing_alg_values_supported"] = clientAlgorithms
		}
	}
}

// answer applies the tamper function of the target and sends the JSON.
func (p *Provider) answer(w http.ResponseWriter, status int, target Target, body Claims) {
	p.tamper(target, body)
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // an error only means that the client has disconnected
}

// refuse answers with an OAuth error (RFC 6749 section 5.2).
func (p *Provider) refuse(w http.ResponseWriter, status int, code, description string) {
	if status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Basic realm="oidctest"`)
	}
	p.answer(w, status, errorAnswers, Claims{"error": code, "error_description": description})
}
