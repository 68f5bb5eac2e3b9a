package tickets

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// maxComments is Jira's largest page.
const maxComments = 100

// jiraComment is a comment as Jira shows it, by the document of REST version 2.
type jiraComment struct {
	Self    string            `json:"self"`
	ID      string            `json:"id"`
	Author  map[string]string `json:"author"`
	Body    string            `json:"body"`
	Created string            `json:"created"`
	Updated string            `json:"updated"`
}

// addComment is POST /rest/api/2/issue/{key}/comment.
func (s *Standin) addComment(w http.ResponseWriter, r *http.Request) {
	key, ok := s.issue(w, r)
	if !ok {
		return
	}
	var asked struct {
		Body string `json:"body"`
	}
	switch err := json.NewDecoder(r.Body).Decode(&asked); {
	case !isJSON(r):
		w.WriteHeader(http.StatusUnsupportedMediaType)
		return
	case err != nil || asked.Body == "" || len([]rune(asked.Body)) > 32767:
		answer(w, http.StatusBadRequest, map[string]any{"errorMessages": []string{},
			"errors": map[string]string{"comment": "Comment body can not be empty!"}})
		return
	}
	number := s.Keep(key, asked.Body)
	answer(w, http.StatusCreated, s.shown(key, number, asked.Body))
}

// listComments is GET /rest/api/2/issue/{key}/comment.
func (s *Standin) listComments(w http.ResponseWriter, r *http.Request) {
	key, ok := s.issue(w, r)
	if !ok {
		return
	}
	all := []jiraComment{}
	for i, text := range s.Comments(key) {
		all = append(all, s.shown(key, i+1, text))
	}
	if r.URL.Query().Get("orderBy") == "-created" {
		slices.Reverse(all)
	}
	start, _ := strconv.Atoi(r.URL.Query().Get("startAt"))
	most, err := strconv.Atoi(r.URL.Query().Get("maxResults"))
	if err != nil || most > maxComments {
		most = maxComments
	}
	from := min(max(start, 0), len(all))
	page := all[from:min(from+most, len(all))]
	answer(w, http.StatusOK, map[string]any{"startAt": from, "maxResults": most, "total": len(all), "comments": page})
}

func (s *Standin) shown(key string, number int, text string) jiraComment {
	id, now := strconv.Itoa(10000+number), time.Now().UTC().Format("2006-01-02T15:04:05.000-0700")
	return jiraComment{Self: s.URL(Jira) + "/rest/api/2/issue/" + key + "/comment/" + id, ID: id, Body: text,
		Author: map[string]string{"name": "pgpreflight", "displayName": "pgpreflight"}, Created: now, Updated: now}
}

// issue finds the issue, for whoever may see it: Basic with an API token (Cloud), or Bearer (Data Center).
func (s *Standin) issue(w http.ResponseWriter, r *http.Request) (string, bool) {
	user, token, basic := r.BasicAuth()
	known := basic && user == JiraUser && token == jiraToken
	if !known && r.Header.Get("Authorization") != "Bearer "+jiraToken {
		answer(w, http.StatusUnauthorized, map[string]any{
			"message": "Client must be authenticated to access this resource.", "status-code": http.StatusUnauthorized})
		return "", false
	}
	key := r.PathValue("key")
	if s.options.Issues != nil && !slices.Contains(s.options.Issues, key) {
		answer(w, http.StatusNotFound, map[string]any{"errors": map[string]string{},
			"errorMessages": []string{"Issue does not exist or you do not have permission to see it."}})
		return "", false
	}
	return key, true
}
