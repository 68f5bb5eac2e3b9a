package comment

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"github.com/pgpreflight/pgpreflight/shared/lazyregexp"
	"github.com/pgpreflight/pgpreflight/shared/notify/web"
)

// pageComments is Jira's largest page; pagesMost bounds a search in a ticket that never ends.
const (
	pageComments = 100
	pagesMost    = 20
)

// issueKey is a key such as OPS-1, or an id.
var issueKey = lazyregexp.New(`^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$`)

type jira struct{ caller }

func (jira) Words() Words { return wikiWords() }

func (j jira) Has(ctx context.Context, ticket, mark string) (bool, error) {
	path, err := commentsOf(ticket)
	if err != nil {
		return false, err
	}
	for seen := 0; seen < pagesMost*pageComments; {
		// Cloud sorts, so that the first page is enough; Server does not know the parameter and gives all pages in its order.
		query := url.Values{"orderBy": {"-created"}, "startAt": {strconv.Itoa(seen)},
			"maxResults": {strconv.Itoa(pageComments)}}
		var page struct {
			Total    int
			Comments []struct{ Body string }
		}
		if err := j.call(ctx, http.MethodGet, path, query, nil, &page); err != nil {
			return false, err
		}
		for _, c := range page.Comments {
			if holds(c.Body, mark) {
				return true, nil
			}
		}
		seen += len(page.Comments)
		if len(page.Comments) == 0 || seen >= page.Total {
			break
		}
	}
	return false, nil
}

func (j jira) Add(ctx context.Context, ticket, text string) error {
	path, err := commentsOf(ticket)
	if err != nil {
		return err
	}
	return j.call(ctx, http.MethodPost, path, nil, map[string]string{"body": text}, &struct{}{})
}

func commentsOf(ticket string) (string, error) {
	if !issueKey.MatchString(ticket) {
		return "", &web.RefusedError{Reason: "the ticket's id is not the key of an issue"}
	}
	return "/rest/api/2/issue/" + ticket + "/comment", nil
}
