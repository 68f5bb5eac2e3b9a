package arm

import (
	"net/http"
	"slices"
	"strings"
)

func (p *Plane) read(w http.ResponseWriter, at path) {
	if resource := p.resources[at.key()]; resource != nil {
		reply(w, http.StatusOK, resource)
		return
	}
	if resource := p.part(at); resource != nil {
		resource["id"], resource["name"] = string(at), at.name()
		reply(w, http.StatusOK, resource)
		return
	}
	if at.isCollection() {
		reply(w, http.StatusOK, map[string]any{"value": p.collection(at)})
		return
	}
	fail(w, http.StatusNotFound, string(at)+" does not exist")
}

func (p *Plane) collection(at path) []any {
	ids := []string{}
	for id := range p.resources {
		if rest, ok := strings.CutPrefix(id, at.key()+"/"); ok && !strings.Contains(rest, "/") {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	resources := make([]any, len(ids))
	for i, id := range ids {
		resources[i] = p.resources[id]
	}
	return resources
}

// part is a resource that exists as soon as its parent does and that nobody has written to.
func (p *Plane) part(at path) map[string]any {
	owner := at.parent()
	if owner == "" || (p.resources[owner.key()] == nil && !owner.alwaysThere()) {
		return nil
	}
	kind := at.resourceType()
	switch {
	case kind == "microsoft.web/sites/config":
		return p.siteConfig(owner, at.name())
	case kind == "microsoft.web/sites/basicpublishingcredentialspolicies":
		return map[string]any{"properties": map[string]any{"allow": true}}
	case strings.HasSuffix(at.key(), "services/default"),
		strings.HasPrefix(kind, "microsoft.insights/components/"),
		strings.HasPrefix(kind, "microsoft.operationalinsights/workspaces/"),
		strings.HasPrefix(kind, "microsoft.servicebus/namespaces/networkrulesets"):
		return map[string]any{"properties": map[string]any{}}
	case kind == "microsoft.network/privatednszones/soa":
		return map[string]any{"properties": map[string]any{"ttl": 3600, "soaRecord": map[string]any{
			"email": "azureprivatedns-host.microsoft.com", "expireTime": 2419200, "host": "azureprivatedns.net",
			"minimumTtl": 10, "refreshTime": 3600, "retryTime": 300, "serialNumber": 1}}}
	}
	return nil
}

// siteConfig is the part of a site's configuration under a name: of web, what the site was made with, without settings.
func (p *Plane) siteConfig(site path, name string) map[string]any {
	if !strings.EqualFold(name, "web") {
		return map[string]any{"properties": map[string]any{}}
	}
	config := clone(object(object(p.resources[site.key()]["properties"])["siteConfig"]))
	delete(config, "appSettings")
	return map[string]any{"properties": config}
}

// act answers POST: lists of keys, each with the secret in it, and questions that are always answered with yes.
func (p *Plane) act(w http.ResponseWriter, at path) {
	key := at.key()
	switch {
	case strings.HasSuffix(key, "/checknameavailability"):
		reply(w, http.StatusOK, map[string]any{"nameAvailable": true})
	case strings.HasSuffix(key, "/config/appsettings/list"):
		site := path(strings.TrimSuffix(key, "/config/appsettings/list"))
		reply(w, http.StatusOK, map[string]any{"properties": p.appSettings(site)})
	case strings.HasSuffix(key, "/config/publishingcredentials/list"):
		reply(w, http.StatusOK, map[string]any{"properties": map[string]any{"publishingUserName": "$app",
			"publishingPassword": Secret}})
	case strings.HasSuffix(key, "/config/backup/list"):
		fail(w, http.StatusNotFound, "no backup is configured")
	case strings.HasSuffix(key, "/listkeys") && strings.Contains(key, "/microsoft.storage/"):
		reply(w, http.StatusOK, map[string]any{"keys": []any{
			map[string]any{"keyName": "key1", "value": Secret, "permissions": "FULL"},
			map[string]any{"keyName": "key2", "value": Secret, "permissions": "FULL"}}})
	case strings.HasSuffix(key, "/listkeys"), strings.HasSuffix(key, "/sharedkeys"):
		reply(w, http.StatusOK, map[string]any{"key1": Secret, "key2": Secret, "primaryKey": Secret, "secondaryKey": Secret,
			"primarySharedKey": Secret, "secondarySharedKey": Secret,
			"primaryConnectionString":   "Endpoint=sb://x/;SharedAccessKey=" + Secret,
			"secondaryConnectionString": "Endpoint=sb://x/;SharedAccessKey=" + Secret})
	default:
		reply(w, http.StatusOK, map[string]any{"properties": map[string]any{}, "value": []any{}})
	}
}

func (p *Plane) appSettings(site path) map[string]any {
	if written := p.resources[path(string(site)+"/config/appsettings").key()]; written != nil {
		return object(written["properties"])
	}
	settings := map[string]any{}
	config := object(object(p.resources[site.key()]["properties"])["siteConfig"])
	for _, setting := range list(config["appSettings"]) {
		if name, ok := object(setting)["name"].(string); ok {
			settings[name] = object(setting)["value"]
		}
	}
	return settings
}
