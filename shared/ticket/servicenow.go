package ticket

import (
	"bytes"
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

var sysID = lazyregexp.New(`^[0-9a-f]{32}$`)

// serviceNow reads a record as a business rule sends it: its columns as texts, or as {"value", "display_value"}; alone
// or within the member that the Table API puts around it.
func (f Fields) serviceNow(d Delivery) (Event, error) {
	var columns record
	if err := decode(d.Body, &columns); err != nil {
		return Event{}, err
	}
	for _, wrapper := range []string{"result", "record", "current"} {
		if inner := bytes.TrimSpace(columns[wrapper]); columns["sys_id"] == nil && bytes.HasPrefix(inner, []byte("{")) {
			columns = nil
			if err := decode(inner, &columns); err != nil {
				return Event{}, err
			}
		}
	}
	id, known := valueOf(columns["number"]), strings.ToLower(valueOf(columns["sys_id"]))
	if !sysID.MatchString(known) {
		return Event{}, invalid("sys_id", "must be the record's 32 hexadecimal digits")
	}
	if !request.IsName(id) {
		return Event{}, invalid("number", "must be the record's number")
	}
	e := Event{ID: id, Text: cut(valueOf(columns["short_description"])) + "\n" +
		written(columns[f.of(ServiceNow, Description)])}
	asked := f.asked(columns)
	e.CheckID = checkID(ServiceNow, id, digest(string(ServiceNow), known, asked, version(columns, d.Body)))
	e.Seen = []Seen{{Key: digest(string(ServiceNow), "record", known), Digest: asked, Moves: true}}
	var err error
	e.Values, err = f.read(ServiceNow, columns)
	return e, err
}

// asked is the digest of all that says what to check. A record is sent on every update, those by our own comments
// included, and says nothing of what was changed; where this is the same, nothing that matters was.
func (f Fields) asked(columns record) string {
	parts := []string{written(columns[f.of(ServiceNow, Description)])}
	for _, name := range Names() {
		if name != Description {
			parts = append(parts, valueOf(columns[f.of(ServiceNow, name)]))
		}
	}
	return digest(parts...)
}

// version tells one state of a record from a later one with the same content.
func version(columns record, body []byte) string {
	count, at := valueOf(columns["sys_mod_count"]), valueOf(columns["sys_updated_on"])
	if count == "" && at == "" {
		return digest(string(body))
	}
	return digest(count, at)
}
