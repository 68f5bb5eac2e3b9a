package arm

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// account answers what the provider asks before any resource: where the cloud's parts are, and a token.
func (p *Plane) account(w http.ResponseWriter, at path) bool {
	switch {
	case at.key() == "/metadata/endpoints":
		reply(w, http.StatusOK, p.cloud())
	case strings.HasSuffix(at.key(), "/oauth2/v2.0/token"):
		reply(w, http.StatusOK, map[string]any{"token_type": "Bearer", "expires_in": 3600, "access_token": token()})
	default:
		return false
	}
	return true
}

func (p *Plane) cloud() map[string]any {
	base := p.server.URL
	return map[string]any{
		"name": "AzureCloud", "resourceManager": base, "microsoftGraphResourceId": base, "portal": base,
		"authentication": map[string]any{"loginEndpoint": base, "audiences": []string{base}, "tenant": "common",
			"identityProvider": "AAD"},
		"suffixes": map[string]any{"storage": "core.windows.net", "keyVaultDns": "vault.azure.net",
			"postgresqlServerEndpoint": "postgres.database.azure.com"},
	}
}

// token is an unsigned one: the provider reads its claims and never its signature.
func token() string {
	encode := base64.RawURLEncoding.EncodeToString
	claims, err := json.Marshal(map[string]any{"oid": "66666666-6666-6666-6666-666666666666", "tid": Tenant, "appid": "x",
		"exp": time.Now().Add(time.Hour).Unix()})
	if err != nil {
		panic("arm: encode claims: " + err.Error())
	}
	return encode([]byte(`{"alg":"none"}`)) + "." + encode(claims) + "." + encode([]byte("unsigned"))
}

// role answers questions for built-in roles: by name, and by the id that the first answer gave out. Custom roles are
// resources like any other.
func (p *Plane) role(w http.ResponseWriter, r *http.Request, at path) bool {
	if _, name, ok := strings.Cut(r.URL.Query().Get("$filter"), "roleName eq '"); ok {
		name = strings.TrimSuffix(name, "'")
		id := RoleID(name)
		p.roles[strings.ToLower(id)] = name
		reply(w, http.StatusOK, map[string]any{"value": []any{builtIn(id, name)}})
		return true
	}
	for id, name := range p.roles {
		if strings.HasSuffix(at.key(), id) {
			reply(w, http.StatusOK, builtIn(RoleID(name), name))
			return true
		}
	}
	return false
}

func builtIn(id, name string) map[string]any {
	return map[string]any{"id": id, "name": path(id).name(),
		"properties": map[string]any{"roleName": name, "type": "BuiltInRole"}}
}

// RoleID is the id under which the plane knows a built-in role.
func RoleID(name string) string {
	return fmt.Sprintf("/subscriptions/%s/providers/Microsoft.Authorization/roleDefinitions/aaaaaaaa-0000-0000-0000-%012x",
		Subscription, digest(name))
}
