package ticket

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
)

// jiraBody is what Jira sends: https://developer.atlassian.com/cloud/jira/platform/webhooks/. A workflow's post
// function sends the same without webhookEvent.
type jiraBody struct {
	Timestamp    json.RawMessage `json:"timestamp"`
	WebhookEvent string          `json:"webhookEvent"`
	Issue        struct {
		ID     string `json:"id"`
		Key    string `json:"key"`
		Fields record `json:"fields"`
	} `json:"issue"`
	Comment   json.RawMessage `json:"comment"`
	Changelog *struct {
		ID    json.RawMessage `json:"id"`
		Items []jiraChange    `json:"items"`
	} `json:"changelog"`
}

type jiraChange struct {
	Field     string `json:"field"`
	FieldID   string `json:"fieldId"`
	FieldType string `json:"fieldtype"`
}

var jiraKey = lazyregexp.New(`^[A-Za-z][A-Za-z0-9_]{0,63}-[0-9]{1,18}$`)

func (f Fields) jira(d Delivery) (Event, error) {
	var body jiraBody
	if err := decode(d.Body, &body); err != nil {
		return Event{}, err
	}
	if ignored := f.ignoredOfJira(body); ignored != "" {
		return Event{Ignored: ignored}, nil
	}
	if !jiraKey.MatchString(body.Issue.Key) {
		return Event{}, invalid("issue.key", "must be an issue's key")
	}
	e := Event{ID: body.Issue.Key}
	what := body.identity(d.Body)
	e.CheckID = checkID(Jira, e.ID, what)
	e.Seen = []Seen{{Key: what, Digest: what}}
	fields := body.Issue.Fields
	e.Text = cut(valueOf(fields["summary"])) + "\n" + written(fields[f.of(Jira, Description)])
	var err error
	e.Values, err = f.read(Jira, fields)
	return e, err
}

// identity tells deliveries of two events apart, and those of one do not differ in it. All of it is within the
// signature; X-Atlassian-Webhook-Identifier is not, so whoever has one delivery could send it again as many.
func (b jiraBody) identity(raw []byte) string {
	if len(b.Timestamp) == 0 || b.Issue.ID == "" {
		return digest(string(Jira), string(raw))
	}
	change := ""
	if b.Changelog != nil {
		change = string(b.Changelog.ID)
	}
	return digest(string(Jira), b.Issue.ID, b.WebhookEvent, string(b.Timestamp), change)
}

// ignoredOfJira tells events apart that ask for nothing. A comment never asks: our own answer is one, and each would
// bring the next.
func (f Fields) ignoredOfJira(b jiraBody) string {
	switch b.WebhookEvent {
	case "jira:issue_created":
		return ""
	case "jira:issue_updated":
		if b.Changelog != nil && slices.ContainsFunc(b.Changelog.Items, f.asks) {
			return ""
		}
		return "neither the description nor a field that says what to check was changed"
	case "":
		if bytes.HasPrefix(bytes.TrimSpace(b.Comment), []byte("{")) {
			return "a comment asks for no check"
		}
		return "" // A post function of a transition, or a script: somebody wants it.
	}
	return "only the creation and the change of an issue ask for a check"
}

// asks tells whether a change is one of a field that is read. Jira Server names custom fields by what people see, so
// there any custom field counts where some are mapped.
func (f Fields) asks(c jiraChange) bool {
	custom := false
	for _, name := range Names() {
		field := f.of(Jira, name)
		if field != "" && (field == c.FieldID || field == c.Field) {
			return true
		}
		custom = custom || f[Jira][name] != ""
	}
	return custom && c.FieldID == "" && c.FieldType == "custom"
}
