package parts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// keycloakAdmin is the administrator's name and password.
const keycloakAdmin = "admin"

// Keycloak is a realm of a running Keycloak, imported from keycloak/realm.json. The users are alice, bob and carol; each name is also
// the password. carol has no roles. Confidential clients have the secret from [KeycloakSecret].
type Keycloak struct {
	Issuer       string
	server, name string
}

// KeycloakSecret returns the secret of a confidential client of [Keycloak].
func KeycloakSecret(client string) string { return client + "-secret-0123456789abcdef" }

// keycloakRealms counts the realms, so that each has a name of its own.
var keycloakRealms atomic.Int32

// SharedKeycloak returns a realm for tests that change nothing in it. All tests of a package share it.
func SharedKeycloak(t testing.TB) *Keycloak {
	t.Helper()
	server := keycloak(t)
	sharedRealm.Lock()
	defer sharedRealm.Unlock()
	if sharedRealm.Keycloak == nil {
		sharedRealm.Keycloak = newRealm(t, server)
	}
	return sharedRealm.Keycloak
}

var sharedRealm struct {
	sync.Mutex
	*Keycloak
}

// NewKeycloak creates a realm for one test, on the server that all tests of a package share.
func NewKeycloak(t testing.TB) *Keycloak {
	t.Helper()
	k := newRealm(t, keycloak(t))
	t.Cleanup(func() { k.admin(t, http.MethodDelete, "/admin/realms/"+k.name, nil, nil) })
	return k
}

func newRealm(t testing.TB, server string) *Keycloak {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(Root(), "keycloak", "realm.json"))
	if err != nil {
		t.Fatal(err)
	}
	k := &Keycloak{server: server, name: fmt.Sprintf("parts-%d", keycloakRealms.Add(1))}
	k.Issuer = server + "/realms/" + k.name
	// The role that every user has is named after the realm.
	realm := strings.NewReplacer(`"realm": "parts"`, `"realm": "`+k.name+`"`, "default-roles-parts", "default-roles-"+k.name).Replace(string(text))
	k.admin(t, http.MethodPost, "/admin/realms", json.RawMessage(realm), nil)
	return k
}

// Admin sends a request to Keycloak's admin API. path is below the realm ("/users"). body is sent as JSON, and the response is decoded
// into into; each may be nil.
func (k *Keycloak) Admin(t testing.TB, method, path string, body, into any) {
	t.Helper()
	k.admin(t, method, "/admin/realms/"+k.name+path, body, into)
}

func (k *Keycloak) admin(t testing.TB, method, path string, body, into any) {
	t.Helper()
	var content bytes.Buffer
	if body != nil {
		if err := json.NewEncoder(&content).Encode(body); err != nil {
			t.Fatal(err)
		}
	}
	request, err := http.NewRequest(method, k.server+path, &content)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+k.adminToken(t))
	status, answer := ask(t, request)
	if status > 299 {
		t.Fatalf("%s %s: %d %s", method, path, status, answer)
	}
	if into != nil {
		if err := json.Unmarshal(answer, into); err != nil {
			t.Fatalf("%s %s: %v: %s", method, path, err, answer)
		}
	}
}

func (k *Keycloak) adminToken(t testing.TB) string {
	t.Helper()
	status, answer := post(t, k.server+"/realms/master/protocol/openid-connect/token", url.Values{
		"grant_type": {"password"}, "client_id": {"admin-cli"}, "username": {keycloakAdmin}, "password": {keycloakAdmin},
	})
	token, _ := answer["access_token"].(string)
	if token == "" {
		t.Fatalf("the administrator's token: %d %v", status, answer)
	}
	return token
}

// Token posts a form to the realm's token endpoint, authenticated as a client, and returns the status and the decoded response.
func (k *Keycloak) Token(t testing.TB, client string, form url.Values) (int, map[string]any) {
	t.Helper()
	return k.form(t, client, "/token", form)
}

// Device posts a form to the realm's device endpoint, authenticated as a client, and returns the status and the decoded response.
func (k *Keycloak) Device(t testing.TB, client string, form url.Values) (int, map[string]any) {
	t.Helper()
	return k.form(t, client, "/auth/device", form)
}

// KeycloakPublic is the public client. Keycloak requires PKCE of it.
const KeycloakPublic = "cli"

// Password returns the token response that a client gets for a user's name and password (the password grant).
func (k *Keycloak) Password(t testing.TB, client, user, scope string) map[string]any {
	t.Helper()
	status, answer := k.Token(t, client, url.Values{"grant_type": {"password"}, "username": {user}, "password": {user}, "scope": {scope}})
	if status != http.StatusOK {
		t.Fatalf("token of %s for %s: %d %v", user, client, status, answer)
	}
	return answer
}

// User returns the id of a user, which is the subject of the user's tokens.
func (k *Keycloak) User(t testing.TB, name string) string {
	t.Helper()
	var users []struct{ ID string }
	k.Admin(t, http.MethodGet, "/users?exact=true&username="+url.QueryEscape(name), nil, &users)
	if len(users) != 1 {
		t.Fatalf("users named %s: %v", name, users)
	}
	return users[0].ID
}

// Client returns the id that a client has in the admin API.
func (k *Keycloak) Client(t testing.TB, name string) string {
	t.Helper()
	var clients []struct{ ID string }
	k.Admin(t, http.MethodGet, "/clients?clientId="+url.QueryEscape(name), nil, &clients)
	if len(clients) != 1 {
		t.Fatalf("clients named %s: %v", name, clients)
	}
	return clients[0].ID
}

// AddKey adds an RS256 key to the realm. The key with the highest priority signs; the first key has priority 100.
func (k *Keycloak) AddKey(t testing.TB, name string, priority int) {
	t.Helper()
	var realm struct{ ID string }
	k.Admin(t, http.MethodGet, "", nil, &realm)
	k.Admin(t, http.MethodPost, "/components", map[string]any{
		"name": name, "parentId": realm.ID, "providerId": "rsa-generated", "providerType": keyProvider,
		"config": map[string][]string{"priority": {strconv.Itoa(priority)}},
	}, nil)
}

// DropKey removes a key by its name. The first key is named rs256.
func (k *Keycloak) DropKey(t testing.TB, name string) {
	t.Helper()
	var components []struct{ ID string }
	k.Admin(t, http.MethodGet, "/components?type="+keyProvider+"&name="+url.QueryEscape(name), nil, &components)
	if len(components) != 1 {
		t.Fatalf("keys named %s: %v", name, components)
	}
	k.Admin(t, http.MethodDelete, "/components/"+components[0].ID, nil, nil)
}

const keyProvider = "org.keycloak.keys.KeyProvider"

func (k *Keycloak) form(t testing.TB, client, path string, form url.Values) (int, map[string]any) {
	t.Helper()
	form.Set("client_id", client)
	if client != KeycloakPublic {
		form.Set("client_secret", KeycloakSecret(client))
	}
	return post(t, k.Issuer+"/protocol/openid-connect"+path, form)
}

func post(t testing.TB, address string, form url.Values) (int, map[string]any) {
	t.Helper()
	request, err := http.NewRequest(http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	status, text := ask(t, request)
	answer := map[string]any{}
	if err := json.Unmarshal(text, &answer); err != nil {
		t.Fatalf("%s: %d %s", address, status, text)
	}
	return status, answer
}

// ask sends a request that the context of a test, which ends before its cleanup, must not end.
func ask(t testing.TB, request *http.Request) (int, []byte) {
	t.Helper()
	response, err := (&http.Client{Timeout: time.Minute}).Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, text
}
