// Package comment writes comments into tickets: by Jira's REST API, version 2 (Server, Data Center and Cloud all have
// it, and it takes wiki markup; version 3 would need Atlassian's document format), and by ServiceNow's Table API. It
// can tell whether a comment is there already. When to try again is its caller's question.
package comment

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/notify/web"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/journal"
	"github.com/pgpreflight/pgpreflight/shared/report/wiki"
	"github.com/pgpreflight/pgpreflight/shared/secret"
)

// API says where a ticketing system is and who asks.
type API struct {
	// URL is the base, such as https://example.atlassian.net or https://example.service-now.com, without a slash at the
	// end.
	URL string
	// User goes with Token as Basic; without a user the token is a Bearer's.
	User  string
	Token secret.String
	// Table is ServiceNow's; empty means the one that a ticket's number names, else incident.
	Table string
	// Field is ServiceNow's journal column: work_notes or comments; empty means work_notes.
	Field string
}

// System is a ticketing system.
type System interface {
	// Has tells whether a ticket has a comment with this mark.
	Has(ctx context.Context, ticket, mark string) (bool, error)
	// Add writes a comment. web.Unsure tells of an error whether it may be there all the same.
	Add(ctx context.Context, ticket, text string) error
	// Words writes in the system's own markup.
	Words() Words
}

// Words write a report, or one line, in a system's markup.
type Words struct {
	Short, Long func(r report.Report, link string) string
	Plain       func(text string) string
}

// New is the system of a name: jira or servicenow; false where there is none with this name.
func New(name string, a API, client *web.Client) (System, bool) {
	caller := caller{api: a, client: client}
	switch name {
	case "jira":
		return jira{caller}, true
	case "servicenow":
		return serviceNow{caller}, true
	}
	return nil, false
}

// Mark is the line by which a check's comment is found again. The closing bracket ends the id, which cannot hold one.
func Mark(checkID string) string { return "(pgpreflight check " + checkID + ")" }

// holds looks for a mark as people would: markup's backslashes may have gone on the way through the system.
func holds(text, mark string) bool {
	bare := strings.NewReplacer(`\`, "", "&#92;", "")
	return strings.Contains(bare.Replace(text), bare.Replace(mark))
}

func wikiWords() Words { return Words{Short: wiki.Short, Long: wiki.Long, Plain: wiki.Plain} }
func journalWords() Words {
	return Words{Short: journal.Short, Long: journal.Long, Plain: journal.Plain}
}

// caller asks an API.
type caller struct {
	api    API
	client *web.Client
}

// call sends JSON and reads JSON into an answer, where one is wanted.
func (c caller) call(ctx context.Context, method, path string, query url.Values, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode comment: %w", err)
	}
	if body == nil {
		raw = nil
	}
	address := c.api.URL + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	r, err := http.NewRequestWithContext(ctx, method, address, bytes.NewReader(raw))
	if err != nil {
		return &web.RefusedError{Reason: "the ticket's address cannot be made"}
	}
	r.Header.Set("Accept", "application/json")
	if raw != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	c.authorize(r)
	answer, err := web.Accept(c.client.Do(r))
	if err != nil || into == nil {
		return err
	}
	if err := json.Unmarshal(answer.Body, into); err != nil {
		// A page to sign in, of a proxy before the API, comes with 200 as well.
		return web.Garbled()
	}
	return nil
}

func (c caller) authorize(r *http.Request) {
	if c.api.User == "" {
		r.Header.Set("Authorization", "Bearer "+c.api.Token.Reveal())
		return
	}
	r.SetBasicAuth(c.api.User, c.api.Token.Reveal())
}
