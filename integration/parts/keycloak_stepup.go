package parts

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"testing"
)

// AddStepUp gives the realm a browser flow with two levels of authentication, and a client the names of the levels, the lower one first: the
// claim acr. The first level is name and password, the second one the password once more. Call it before a user logs in.
func (k *Keycloak) AddStepUp(t testing.TB, client string, names [2]string) {
	t.Helper()
	const flow, levels = "step-up", "step-up-levels"
	k.Admin(t, http.MethodPost, "/authentication/flows", map[string]any{"alias": flow, "providerId": "basic-flow", "topLevel": true, "builtIn": false}, nil)
	k.addExecution(t, flow, "auth-cookie", "ALTERNATIVE")
	k.addFlow(t, flow, levels, "ALTERNATIVE")
	loa := map[string]int{}
	for i, form := range []string{"auth-username-password-form", "auth-password-form"} {
		level := strconv.Itoa(i + 1)
		sub := levels + "-" + level
		k.addFlow(t, levels, sub, "CONDITIONAL")
		condition := k.addExecution(t, sub, "conditional-level-of-authentication", "REQUIRED")
		k.Admin(t, http.MethodPost, "/authentication/executions/"+condition+"/config", map[string]any{
			"alias": sub, "config": map[string]string{"loa-condition-level": level, "loa-max-age": "36000"},
		}, nil)
		k.addExecution(t, sub, form, "REQUIRED")
		loa[names[i]] = i + 1
	}
	k.Admin(t, http.MethodPut, "", map[string]any{"browserFlow": flow}, nil)
	mapping, err := json.Marshal(loa)
	if err != nil {
		t.Fatal(err)
	}
	k.Admin(t, http.MethodPut, "/clients/"+k.Client(t, client), map[string]any{"attributes": map[string]string{"acr.loa.map": string(mapping)}}, nil)
}

// addFlow adds a flow to another one.
func (k *Keycloak) addFlow(t testing.TB, parent, alias, requirement string) {
	t.Helper()
	k.Admin(t, http.MethodPost, "/authentication/flows/"+url.PathEscape(parent)+"/executions/flow", map[string]any{
		"alias": alias, "type": "basic-flow", "provider": "registration-page-form", "description": "",
	}, nil)
	k.require(t, parent, requirement)
}

// addExecution adds an authenticator to a flow and returns the id of its execution.
func (k *Keycloak) addExecution(t testing.TB, flow, provider, requirement string) string {
	t.Helper()
	k.Admin(t, http.MethodPost, "/authentication/flows/"+url.PathEscape(flow)+"/executions/execution", map[string]any{"provider": provider}, nil)
	return k.require(t, flow, requirement)
}

// require sets the requirement of the last execution in a flow itself, and returns its id.
func (k *Keycloak) require(t testing.TB, flow, requirement string) (id string) {
	t.Helper()
	path := "/authentication/flows/" + url.PathEscape(flow) + "/executions"
	var executions []map[string]any
	k.Admin(t, http.MethodGet, path, nil, &executions)
	var last map[string]any
	for _, execution := range executions {
		if execution["level"] == 0.0 { // the others are in flows below
			last = execution
		}
	}
	if last == nil {
		t.Fatalf("the flow %s is empty", flow)
	}
	last["requirement"] = requirement
	k.Admin(t, http.MethodPut, path, last, nil)
	id, _ = last["id"].(string)
	return id
}
