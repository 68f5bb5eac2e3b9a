package tickets

import (
	"crypto/md5"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
)

// journal is the table of all journal entries.
const journal = "sys_journal_field"

// query is GET /api/now/table/{table}?sysparm_query=…: a record by its number, or the entries of a journal.
func (s *Standin) query(w http.ResponseWriter, r *http.Request) {
	if !member(w, r) {
		return
	}
	conditions := strings.Split(r.URL.Query().Get("sysparm_query"), "^")
	if r.PathValue("table") == journal {
		answer(w, http.StatusOK, map[string]any{"result": s.entries(conditions)})
		return
	}
	found := []map[string]string{}
	for _, condition := range conditions {
		if number, asked := strings.CutPrefix(condition, "number="); asked && s.known(number) {
			s.remember(number)
			found = append(found, map[string]string{"sys_id": SysID(number), "number": number})
		}
	}
	answer(w, http.StatusOK, map[string]any{"result": found})
}

// entries are those of a journal that meet every condition.
func (s *Standin) entries(conditions []string) []map[string]string {
	element, like := "", ""
	for _, condition := range conditions {
		if id, asked := strings.CutPrefix(condition, "element_id="); asked {
			element = id
		}
		if text, asked := strings.CutPrefix(condition, "valueLIKE"); asked {
			like = text
		}
	}
	found := []map[string]string{}
	for _, text := range s.Comments(s.numberOf(element)) {
		if strings.Contains(strings.ToLower(text), strings.ToLower(like)) {
			found = append(found, map[string]string{"value": text, "element_id": element})
		}
	}
	return found
}

// record is GET /api/now/table/{table}/{sys_id}. A journal's entries are shown with sysparm_display_value only.
func (s *Standin) record(w http.ResponseWriter, r *http.Request) {
	number, ok := s.find(w, r)
	if !ok {
		return
	}
	shown := ""
	if r.URL.Query().Get("sysparm_display_value") == "true" {
		for _, text := range s.Comments(number) {
			shown = "2026-11-22 07:00:00 - pgpreflight (Work notes)\n" + text + "\n\n" + shown
		}
	}
	answer(w, http.StatusOK, map[string]any{"result": map[string]string{"sys_id": r.PathValue("id"), "number": number,
		"work_notes": shown}})
}

// update is PATCH /api/now/table/{table}/{sys_id}: what is written to a journal column becomes an entry.
func (s *Standin) update(w http.ResponseWriter, r *http.Request) {
	number, ok := s.find(w, r)
	if !ok {
		return
	}
	var asked map[string]string
	if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || !isJSON(r) {
		refuse(w, http.StatusBadRequest, "Exception while reading request")
		return
	}
	for _, column := range []string{"work_notes", "comments"} {
		if asked[column] != "" {
			s.Keep(number, asked[column])
		}
	}
	answer(w, http.StatusOK, map[string]any{"result": map[string]string{"sys_id": r.PathValue("id"), "number": number}})
}

func (s *Standin) find(w http.ResponseWriter, r *http.Request) (string, bool) {
	if !member(w, r) {
		return "", false
	}
	number := s.numberOf(r.PathValue("id"))
	if !s.known(number) {
		refuse(w, http.StatusNotFound, "No Record found")
		return "", false
	}
	return number, true
}

func (s *Standin) known(number string) bool {
	return s.options.Records == nil || slices.Contains(s.options.Records, number)
}

// SysID is the sys_id of the record with this number: 32 hexadecimal digits.
func SysID(number string) string {
	sum := md5.Sum([]byte(number))
	return hex.EncodeToString(sum[:])
}

func (s *Standin) remember(number string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.numbers[SysID(number)] = number
}

// numberOf turns the sys_id of a record back that was looked up by its number, or is one of the options; every other
// sys_id stands for itself.
func (s *Standin) numberOf(sysID string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if number, known := s.numbers[sysID]; known {
		return number
	}
	return sysID
}

// member admits Basic and an OAuth token.
func member(w http.ResponseWriter, r *http.Request) bool {
	user, password, basic := r.BasicAuth()
	if basic && user == ServiceNowUser && password == serviceNowPass ||
		r.Header.Get("Authorization") == "Bearer "+serviceNowPass {
		return true
	}
	w.Header().Set("WWW-Authenticate", `BASIC realm="Service-now"`)
	refuse(w, http.StatusUnauthorized, "User Not Authenticated")
	return false
}

func refuse(w http.ResponseWriter, status int, message string) {
	answer(w, status, map[string]any{"status": "failure", "error": map[string]string{"message": message,
		"detail": "failure of the stand-in"}})
}
