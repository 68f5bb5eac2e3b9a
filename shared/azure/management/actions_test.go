package management

import (
	"bytes"
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/azure"
)

var update = flag.Bool("update", false, "write infra/reader-actions.json and infra/reader-role.json")

// actionOf is the right that a request needs, by the rule of Azure: provider, types without names, and what is done.
func actionOf(t *testing.T, asked string) string {
	t.Helper()
	method, path, _ := strings.Cut(asked, " ")
	if method != http.MethodGet {
		t.Errorf("%s is no read", asked)
	}
	_, rest, found := strings.Cut(path, "/providers/")
	if !found {
		t.Fatalf("%s names no provider", asked)
	}
	parts := strings.Split(rest, "/")
	action := parts[0]
	for i := 1; i < len(parts); i += 2 {
		if strings.HasPrefix(parts[i], "page_") { // the fake servers' own way to a second page
			break
		}
		action += "/" + parts[i]
	}
	return action + "/read"
}

// everything has every call made: all that can be named, and a zone that is sought.
func everything(t *testing.T, disturb func(*http.Request) (*http.Response, error)) (*cloudOf, []azure.Configuration) {
	t.Helper()
	single := here + "rg-db/providers/Microsoft.DBforPostgreSQL/servers/old"
	lost := sample()
	lost.PrivateEndpoints[0].ZoneGroups = nil
	c, second := &cloudOf{Configuration: sample(), disturb: disturb}, &cloudOf{Configuration: lost, disturb: disturb}
	out := []azure.Configuration{read(t, c, question()), read(t, second, azure.Question{SourceID: single, TargetID: targetID})}
	c.requests = append(c.requests, second.requests...)
	return c, out
}

// The list of rights is exactly that of what is asked: nothing else is asked, and nothing that is listed is not.
func TestActionsAreThoseThatAreUsed(t *testing.T) {
	t.Parallel()
	c, _ := everything(t, nil)
	var used []string
	for _, r := range c.asked() {
		used = append(used, actionOf(t, r))
	}
	slices.Sort(used)
	if used = slices.Compact(used); !slices.Equal(used, Actions()) {
		t.Errorf("used   %v\nlisted %v", used, Actions())
	}
}

// Each call is in the table under the right that its path needs: refused without a word, that right is named.
func TestEachCallNamesItsOwnAction(t *testing.T) {
	t.Parallel()
	for _, action := range Actions() {
		_, got := everything(t, func(r *http.Request) (*http.Response, error) {
			if actionOf(t, r.Method+" "+r.URL.Path) == action {
				return answer(r, http.StatusForbidden, ""), nil
			}
			return nil, nil
		})
		named := 0
		for _, trouble := range slices.Concat(got[0].Troubles, got[1].Troubles) {
			if trouble.Kind != azure.NotPermitted {
				continue
			}
			named++
			if trouble.Action != action {
				t.Errorf("refused %s, named %s", action, trouble.Action)
			}
		}
		if named == 0 {
			t.Errorf("nothing needs %s", action)
		}
	}
}

// role is a role definition as "az role definition create --role-definition" takes it.
type role struct {
	Name             string
	IsCustom         bool
	Description      string
	Actions          []string
	NotActions       []string
	DataActions      []string
	NotDataActions   []string
	AssignableScopes []string
}

func TestRoleFilesMatchTheCode(t *testing.T) {
	t.Parallel()
	for name, content := range map[string]any{
		"reader-actions.json": map[string][]string{"actions": Actions()},
		"reader-role.json": role{Name: "pgpreflight Reader", IsCustom: true,
			Description: "Reads what of the networks around a PostgreSQL migration pgpreflight judges. It changes nothing.",
			Actions:     Actions(), NotActions: []string{}, DataActions: []string{}, NotDataActions: []string{},
			AssignableScopes: []string{"/subscriptions/00000000-0000-0000-0000-000000000000"}},
	} {
		want, err := json.MarshalIndent(content, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, '\n')
		path := filepath.Join("..", "..", "..", "infra", name)
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("%s does not match the code: go test ./shared/azure/management -run RoleFiles -update", name)
		}
	}
}
