package parts

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// LemonLDAPInstall is the command that installs LemonLDAP::NG and what it needs: its Debian package does not depend on all of it.
const LemonLDAPInstall = "apt-get update && apt-get install -y --no-install-recommends liblemonldap-ng-portal-perl libplack-perl " +
	"libcrypt-openssl-rsa-perl libgd-securityimage-perl libimage-magick-perl libstring-random-perl libio-string-perl"

// LemonLDAP is a running portal of LemonLDAP::NG. The users are dwho, rtyler and msmith; each name is also the password. The clients
// are web, with the secret LemonLDAPSecret, odd, with LemonLDAPOddSecret, and cli, which is public.
type LemonLDAP struct{ Issuer string }

// Secrets of clients. LemonLDAP::NG does not decode the form encoding of RFC 6749 section 2.3.1, so it never accepts the odd one.
const (
	LemonLDAPSecret    = "web-secret_0123456789.abcdef"
	LemonLDAPOddSecret = "odd+secret/0123456789=abcdef"
)

// LemonLDAPVersion returns the version that is installed.
func LemonLDAPVersion(t testing.TB) string {
	t.Helper()
	text, err := exec.Command("perl", "-MLemonldap::NG::Portal", "-e", "print $Lemonldap::NG::Portal::VERSION").Output()
	if err != nil {
		Missing(t, "LemonLDAP::NG", err, LemonLDAPInstall)
	}
	return string(text)
}

// NewLemonLDAP starts a portal for the application at publicURL. It stops when the test ends.
func NewLemonLDAP(t testing.TB, publicURL string, shape Shape) *LemonLDAP {
	t.Helper()
	if text, err := exec.Command("perl", "-e", "use Lemonldap::NG::Portal::Main; use Plack::Builder; use GD::SecurityImage; "+
		"use Image::Magick; use String::Random; use IO::String; use Crypt::OpenSSL::RSA").CombinedOutput(); err != nil {
		Missing(t, "LemonLDAP::NG", fmt.Errorf("%w: %.200s", err, text), LemonLDAPInstall)
	}
	dir, port := t.TempDir(), FreePort(t)
	p := &LemonLDAP{Issuer: fmt.Sprintf("http://127.0.0.1:%d", port)}
	if err := p.configure(dir, publicURL, shape); err != nil {
		t.Fatal(err)
	}
	command := exec.Command("plackup", "-s", "HTTP::Server::PSGI", "--host", "127.0.0.1", "-p", fmt.Sprint(port), filepath.Join(dir, "app.psgi"))
	command.Dir = dir
	command.Env = append(os.Environ(), "LLNG_DEFAULTCONFFILE="+filepath.Join(dir, "lemonldap-ng.ini"))
	process, err := launch(dir, command)
	if err != nil {
		Missing(t, "LemonLDAP::NG", err, LemonLDAPInstall)
	}
	t.Cleanup(process.Stop)
	if err := process.untilAnswers(p.Issuer+"/.well-known/openid-configuration", 60*time.Second); err != nil {
		t.Fatal(err)
	}
	return p
}

// configure writes what the portal reads.
func (p *LemonLDAP) configure(dir, publicURL string, shape Shape) error {
	for _, name := range []string{"conf", "sessions/lock", "psessions/lock", "cache"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o750); err != nil {
			return err
		}
	}
	settings, err := p.settings(dir, publicURL, shape)
	if err != nil {
		return err
	}
	text, err := json.Marshal(settings)
	if err != nil {
		return err
	}
	for name, text := range map[string]string{
		"conf/lmConf-1.json": string(text),
		"lemonldap-ng.ini": "[all]\nlogLevel = warn\nlogger = Lemonldap::NG::Common::Logger::Std\n" +
			"[configuration]\ntype = File\ndirName = " + dir + "/conf\n" +
			"[portal]\nstaticPrefix = /static\ntemplateDir = /usr/share/lemonldap-ng/portal/templates\nlanguages = en\n",
		"app.psgi": "use Lemonldap::NG::Portal::Main;\nLemonldap::NG::Portal::Main->run({});\n",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

func (p *LemonLDAP) settings(dir, publicURL string, shape Shape) (map[string]any, error) {
	private, public, err := rsaPEM()
	if err != nil {
		return nil, err
	}
	files := func(name string) map[string]string {
		return map[string]string{
			"Directory": filepath.Join(dir, name), "LockDirectory": filepath.Join(dir, name, "lock"),
			"generateModule": "Lemonldap::NG::Common::Apache::Session::Generate::SHA256",
		}
	}
	clients, claims := map[string]any{}, map[string]any{}
	for id, secret := range map[string]string{"web": LemonLDAPSecret, "odd": LemonLDAPOddSecret, "cli": ""} {
		clients[id] = lemonClient(id, secret, publicURL, shape)
		claims[id] = map[string]string{"email": "mail", "name": "cn", "preferred_username": "uid"}
	}
	return map[string]any{
		"cfgNum": 1, "cfgAuthor": "test", "cfgDate": time.Now().Unix(),
		"portal": p.Issuer + "/", "domain": "127.0.0.1", "cookieName": "lemonldap", "securedCookie": 0, "key": rand.Text()[:16],
		"authentication": "Demo", "userDB": "Same", "passwordDB": "Null", "registerDB": "Null", "whatToTrace": "uid",
		"demoExportedVars": map[string]string{"uid": "uid", "cn": "cn", "mail": "mail"},
		"globalStorage":    "Apache::Session::File", "globalStorageOptions": files("sessions"),
		"persistentStorage": "Apache::Session::File", "persistentStorageOptions": files("psessions"),
		"localSessionStorage":        "Cache::FileCache",
		"localSessionStorageOptions": map[string]any{"namespace": "t", "cache_root": filepath.Join(dir, "cache"), "default_expires_in": 600},
		"requireToken":               0, "captcha_login_enabled": 0, "captcha_mail_enabled": 0, "captcha_register_enabled": 0,
		"portalDisplayRegister": 0, "portalDisplayResetPassword": 0, "portalDisplayCertificateResetByMail": 0,
		"locationRules": map[string]any{}, "exportedHeaders": map[string]any{}, "macros": map[string]any{}, "groups": map[string]any{},
		"issuerDBOpenIDConnectActivation": 1, "issuerDBOpenIDConnectPath": "^/oauth2/", "issuerDBOpenIDConnectRule": 1,
		"oidcServiceMetaDataIssuer": p.Issuer, "oidcServiceAllowAuthorizationCodeFlow": 1,
		"oidcServicePrivateKeySig": private, "oidcServicePublicKeySig": public, "oidcServiceKeyIdSig": "k1",
		"oidcRPMetaDataOptions": clients, "oidcRPMetaDataExportedVars": claims,
	}, nil
}

// lemonClient is one relying party.
func lemonClient(id, secret, publicURL string, shape Shape) map[string]any {
	options := map[string]any{
		"ClientID": id, "ClientSecret": secret, "DisplayName": id, "RedirectUris": strings.Join(callbacks(publicURL, ""), " "),
		"PostLogoutRedirectUris": publicURL + "/bye " + publicURL + "/auth/v2/logout", "BypassConsent": 1, "RefreshToken": 1, "RequirePKCE": 1, "UserIDAttr": "uid",
		"IDTokenSignAlg": "RS256", "IDTokenExpiration": 300, "AccessTokenExpiration": 300, "IDTokenForceClaims": 1,
		"AdditionalAudiences": API,
	}
	if secret == "" {
		options["Public"] = 1
	}
	if shape.JWT {
		options["AccessTokenJWT"], options["AccessTokenSignAlg"] = 1, "RS256"
	}
	prefixed := map[string]any{}
	for name, value := range options {
		prefixed["oidcRPMetaDataOptions"+name] = value
	}
	return prefixed
}

// rsaPEM is a new key, in the forms that the portal reads.
func rsaPEM() (private, public string, err error) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return "", "", err
	}
	inner, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return "", "", err
	}
	outer, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return "", "", err
	}
	encode := func(kind string, der []byte) string {
		return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
	}
	return encode("PRIVATE KEY", inner), encode("PUBLIC KEY", outer), nil
}
