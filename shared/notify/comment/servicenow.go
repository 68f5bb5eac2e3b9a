package comment

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
	"github.com/pgpreflight/pgpreflight/shared/notify/web"
)

var (
	sysID  = lazyregexp.New(`^[0-9a-fA-F]{32}$`)
	number = lazyregexp.New(`^([A-Za-z]{2,12})[0-9]{1,20}$`)
)

const (
	tablePath    = "/api/now/table/"
	journalTable = "sys_journal_field"
)

type serviceNow struct{ caller }

func (serviceNow) Words() Words { return journalWords() }

// Has looks in the record's journal column, which whoever may write it may usually read, and in the table of all
// journal entries, which often only administrators may read: a row that may not be read is missing there without a word.
func (s serviceNow) Has(ctx context.Context, ticket, mark string) (bool, error) {
	at, err := s.find(ctx, ticket)
	if err != nil {
		return false, err
	}
	// A journal column is empty unless its display value is asked for: that is the whole journal as text.
	query := url.Values{"sysparm_fields": {s.field()}, "sysparm_display_value": {"true"}}
	var record struct{ Result map[string]any }
	if err := s.call(ctx, http.MethodGet, at.path(), query, nil, &record); err != nil {
		return false, err
	}
	if text, _ := record.Result[s.field()].(string); holds(text, mark) {
		return true, nil
	}
	query = url.Values{"sysparm_fields": {"value"}, "sysparm_limit": {"10"},
		"sysparm_query": {"element_id=" + at.id + "^element=" + s.field() + "^valueLIKE" + mark}}
	var entries struct{ Result []struct{ Value string } }
	if err := s.call(ctx, http.MethodGet, tablePath+journalTable, query, nil, &entries); err != nil {
		return false, nil // The record itself has answered, and it has no such comment.
	}
	for _, entry := range entries.Result {
		if holds(entry.Value, mark) {
			return true, nil
		}
	}
	return false, nil
}

func (s serviceNow) Add(ctx context.Context, ticket, text string) error {
	at, err := s.find(ctx, ticket)
	if err != nil {
		return err
	}
	query := url.Values{"sysparm_fields": {"sys_id"}}
	return s.call(ctx, http.MethodPatch, at.path(), query, map[string]string{s.field(): text}, &struct{}{})
}

func (s serviceNow) field() string {
	if s.api.Field == "" {
		return "work_notes"
	}
	return s.api.Field
}

// record is where a ticket is.
type record struct{ table, id string }

func (r record) path() string { return tablePath + r.table + "/" + r.id }

// find takes a sys_id as it is and looks a number up.
func (s serviceNow) find(ctx context.Context, ticket string) (record, error) {
	if sysID.MatchString(ticket) {
		return record{table: s.table(""), id: strings.ToLower(ticket)}, nil
	}
	parts := number.FindStringSubmatch(ticket)
	if parts == nil {
		return record{}, &web.RefusedError{Reason: "the ticket's id is neither a number such as INC0010001 nor a sys_id"}
	}
	at := record{table: s.table(strings.ToUpper(parts[1]))}
	query := url.Values{"sysparm_query": {"number=" + ticket}, "sysparm_fields": {"sys_id"}, "sysparm_limit": {"2"}}
	var found struct {
		Result []struct {
			SysID string `json:"sys_id"`
		}
	}
	if err := s.call(ctx, http.MethodGet, tablePath+at.table, query, nil, &found); err != nil {
		return record{}, err
	}
	if len(found.Result) != 1 || !sysID.MatchString(found.Result[0].SysID) {
		// A query that finds nothing answers 200 with no rows, or 404.
		return record{}, &web.StatusError{Status: http.StatusNotFound}
	}
	at.id = found.Result[0].SysID
	return at, nil
}

// table is the one that is set, else that of a number's prefix as ServiceNow delivers it.
func (s serviceNow) table(prefix string) string {
	if s.api.Table != "" {
		return s.api.Table
	}
	tables := map[string]string{"INC": "incident", "CHG": "change_request", "CTASK": "change_task", "PRB": "problem",
		"PTASK": "problem_task", "REQ": "sc_request", "RITM": "sc_req_item", "SCTASK": "sc_task", "TASK": "task",
		"CS": "sn_customerservice_case"}
	if table, known := tables[prefix]; known {
		return table
	}
	return "incident"
}
