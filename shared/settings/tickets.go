package settings

import (
	"encoding/json"
	"maps"
	"net/url"
	"slices"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// TicketAPI is how comments get into a ticketing system.
type TicketAPI struct {
	// URL is its base, without a slash at the end.
	URL string
	// User goes with the token as Basic; without one the token is a Bearer's.
	User string
	// Setting is where the token stands; Token is empty where that setting is missing.
	Setting string
	Token   secret.String
	// Table and Field are ServiceNow's; empty means those of package comment.
	Table, Field string
}

// columnName is a table's or a column's name in ServiceNow.
var columnName = lazy(`^[a-z][a-z0-9_]{0,79}$`)

// ticketAPIs reads {"jira": {"url", "user", "tokenSetting"}, "servicenow": {…, "table", "field"}}. It never shows a value
// in an error: whoever confuses the name of a setting with its secret writes the secret there.
func (r *reader) ticketAPIs(name string) map[string]TicketAPI {
	value := r.get(name)
	if value == "" {
		return nil
	}
	var named map[string]struct{ URL, User, TokenSetting, Table, Field string }
	decoder := json.NewDecoder(strings.NewReader(value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&named); err != nil || decoder.More() {
		r.fail(name, `is not a JSON object such as {"jira": {"url": "https://example.atlassian.net", "user": "bot@example.com", `+
			`"tokenSetting": "JIRA_API_TOKEN"}}; a system has url, user, tokenSetting, and servicenow table and field`)
		return nil
	}
	apis := make(map[string]TicketAPI, len(named))
	for _, system := range slices.Sorted(maps.Keys(named)) {
		given := named[system]
		api := TicketAPI{URL: strings.TrimRight(given.URL, "/"), User: given.User, Setting: given.TokenSetting,
			Table: given.Table, Field: given.Field}
		if trouble := api.check(system); trouble != "" {
			r.fail(name, "%s", trouble)
			return nil
		}
		api.Token = secret.New(r.get(api.Setting))
		apis[system] = api
	}
	return apis
}

func (a TicketAPI) check(system string) string {
	if system != "jira" && system != "servicenow" {
		return "comments can be written into jira and servicenow only"
	}
	at, err := url.Parse(a.URL)
	switch {
	case err != nil || at.Hostname() == "" || at.User != nil || at.RawQuery != "" || at.Fragment != "":
		return system + ": url is not an address such as https://example.atlassian.net"
	case at.Scheme != "https" && (at.Scheme != "http" || !isLoopback(at.Hostname()) || at.Hostname() == "localhost"):
		return system + ": url is not https, nor http on a loopback address"
	case !isSettingName(a.Setting):
		return system + ": what is in tokenSetting is not the name of a setting"
	case strings.ContainsAny(a.User, ":\r\n"):
		return system + ": user has a character that a user cannot have"
	case system == "jira" && (a.Table != "" || a.Field != ""):
		return "jira: table and field are servicenow's"
	case a.Table != "" && !columnName().MatchString(a.Table):
		return system + ": table is not the name of a table"
	case a.Field != "" && a.Field != "work_notes" && a.Field != "comments":
		return system + ": field is neither work_notes nor comments"
	}
	return ""
}
