package arm_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/infra/local/arm"
)

const (
	group   = "/subscriptions/" + arm.Subscription + "/resourceGroups/rg"
	network = group + "/providers/Microsoft.Network/virtualNetworks/vnet"
	account = group + "/providers/Microsoft.Storage/storageAccounts/st"
)

type caller struct {
	t      *testing.T
	plane  *arm.Plane
	client *http.Client
}

func start(t *testing.T) caller {
	t.Helper()
	plane, err := arm.Start()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(plane.Close)
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(plane.Roots()) {
		t.Fatal("no roots")
	}
	proxy, err := url.Parse(plane.Proxy())
	if err != nil {
		t.Fatal(err)
	}
	// as a Go program does it with HTTPS_PROXY: everything but loopback
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, Proxy: func(r *http.Request) (*url.URL, error) {
		if r.URL.Hostname() == "127.0.0.1" {
			return nil, nil
		}
		return proxy, nil
	}}
	t.Cleanup(transport.CloseIdleConnections)
	plane.Seed(group, nil)
	return caller{t: t, plane: plane, client: &http.Client{Transport: transport}}
}

func (c caller) call(method, path, body string) (int, map[string]any) {
	c.t.Helper()
	request, err := http.NewRequestWithContext(c.t.Context(), method, "https://"+c.plane.Host()+path+"?api-version=1", strings.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	response, err := c.client.Do(request)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	var answer map[string]any
	if len(content) > 0 {
		if err := json.Unmarshal(content, &answer); err != nil {
			c.t.Fatal(err)
		}
	}
	return response.StatusCode, answer
}

func TestResourceIsKeptAsSent(t *testing.T) {
	t.Parallel()
	c := start(t)
	status, _ := c.call(http.MethodPut, account, `{"location":"westeurope","properties":{"allowSharedKeyAccess":false}}`)
	if status != http.StatusOK {
		t.Fatal(status)
	}
	status, read := c.call(http.MethodGet, strings.ToLower(account), "")
	properties, _ := read["properties"].(map[string]any)
	if status != http.StatusOK || properties["provisioningState"] != "Succeeded" || properties["primaryEndpoints"] == nil {
		t.Errorf("%d %v: without what Azure adds", status, read)
	}
	calls := c.plane.Calls()
	if len(calls) != 1 || calls[0].Type != "microsoft.storage/storageaccounts" || calls[0].ID != account {
		t.Fatalf("%+v", calls)
	}
	if sent, _ := calls[0].Body["properties"].(map[string]any); len(sent) != 1 {
		t.Errorf("the call has %v, more than was sent", sent)
	}
	c.call(http.MethodPatch, account, `{"properties":{"minimumTlsVersion":"TLS1_2"}}`)
	_, read = c.call(http.MethodGet, account, "")
	if properties, _ = read["properties"].(map[string]any); properties["allowSharedKeyAccess"] != false || properties["minimumTlsVersion"] != "TLS1_2" {
		t.Errorf("after PATCH: %v", properties)
	}
}

func TestOrderIsDemanded(t *testing.T) {
	t.Parallel()
	c := start(t)
	for name, row := range map[string]struct{ path, body string }{
		"subnet without its network": {network + "/subnets/a", `{}`},
		"resource without its group": {strings.Replace(account, "/rg/", "/other/", 1), `{}`},
		"reference in a value":       {group + "/providers/Microsoft.Web/sites/f", `{"properties":{"serverFarmId":"` + group + `/providers/Microsoft.Web/serverFarms/p"}}`},
		"reference as a name":        {group + "/providers/Microsoft.Web/sites/f", `{"identity":{"userAssignedIdentities":{"` + group + `/providers/Microsoft.ManagedIdentity/userAssignedIdentities/i":{}}}}`},
		"role on nothing":            {account + "/providers/Microsoft.Authorization/roleAssignments/a", `{}`},
	} {
		before := len(c.plane.Refused())
		if status, _ := c.call(http.MethodPut, row.path, row.body); status != http.StatusNotFound || len(c.plane.Refused()) != before+1 {
			t.Errorf("%s: %d", name, status)
		}
	}
	c.plane.Seed(network, nil)
	if status, _ := c.call(http.MethodPut, network+"/subnets/a", `{}`); status != http.StatusOK {
		t.Errorf("subnet of a network that is there: %d", status)
	}
}

func TestDeleteTakesChildren(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.plane.Seed(network, nil)
	c.plane.Seed(network+"/subnets/a", nil)
	c.plane.Seed(network+"-2", nil)
	if status, _ := c.call(http.MethodDelete, network, ""); status != http.StatusOK {
		t.Fatal(status)
	}
	left := c.plane.Resources()
	slices.Sort(left)
	if want := []string{strings.ToLower(group), strings.ToLower(network + "-2")}; !slices.Equal(left, want) {
		t.Errorf("%v, not %v", left, want)
	}
	if status, _ := c.call(http.MethodGet, network+"/subnets/a", ""); status != http.StatusNotFound {
		t.Errorf("the subnet: %d", status)
	}
}

func TestCollection(t *testing.T) {
	t.Parallel()
	c := start(t)
	c.plane.Seed(network, nil)
	c.plane.Seed(network+"/subnets/b", nil)
	c.plane.Seed(network+"/subnets/a", nil)
	_, answer := c.call(http.MethodGet, network+"/subnets", "")
	if subnets, _ := answer["value"].([]any); len(subnets) != 2 {
		t.Errorf("%v", answer)
	}
}

// Every key that the plane gives out can be found again.
func TestKeysAreMarked(t *testing.T) {
	t.Parallel()
	c := start(t)
	for _, path := range []string{account + "/listKeys", group + "/providers/Microsoft.Web/sites/f/config/publishingcredentials/list",
		group + "/providers/Microsoft.ServiceBus/namespaces/s/authorizationRules/Root/listKeys",
		group + "/providers/Microsoft.OperationalInsights/workspaces/w/sharedKeys"} {
		_, answer := c.call(http.MethodPost, path, "")
		text, err := json.Marshal(answer)
		if err != nil || !strings.Contains(string(text), arm.Secret) {
			t.Errorf("%s: %s", path, text)
		}
	}
}

func TestNothingElseIsReached(t *testing.T) {
	t.Parallel()
	c := start(t)
	get := func(address string) (*http.Response, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
		if err != nil {
			t.Fatal(err)
		}
		return c.client.Do(request)
	}
	if response, err := get("https://registry.terraform.invalid/"); err == nil {
		response.Body.Close()
		t.Error("an answer from elsewhere")
	}
	if strayed := c.plane.Strayed(); !slices.Equal(strayed, []string{"CONNECT registry.terraform.invalid:443"}) {
		t.Errorf("%v", strayed)
	}
	response, err := get("https://kv-orders.vault.azure.net/certificates/contacts")
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusForbidden || len(c.plane.Strayed()) != 1 {
		t.Errorf("a vault behind its private endpoint: %d, %v", response.StatusCode, c.plane.Strayed())
	}
}

func TestBuiltInRoles(t *testing.T) {
	t.Parallel()
	c := start(t)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://"+c.plane.Host()+account+
		"/providers/Microsoft.Authorization/roleDefinitions?$filter="+url.QueryEscape("roleName eq 'Reader'"), nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := c.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if _, role := c.call(http.MethodGet, arm.RoleID("Reader"), ""); role["id"] != arm.RoleID("Reader") {
		t.Errorf("%v", role)
	}
	if status, _ := c.call(http.MethodGet, group+"/providers/Microsoft.Authorization/roleDefinitions/"+arm.Tenant, ""); status != http.StatusNotFound {
		t.Errorf("a role that nobody defined: %d", status)
	}
}
