package page

import "github.com/pgpreflight/pgpreflight/shared/report/digest"

// Notice is a page with one thing to say: a check that still runs, one that nobody knows, a link that does not open.
type Notice struct {
	Title string
	// Text are its paragraphs.
	Text []string
	Tone Tone
	// Refresh is after how many seconds the page loads itself again; 0 means never.
	Refresh int
}

// Waiting is the notice on a check that is queued or running.
func Waiting(id, status string, refresh int) Notice {
	return Notice{Title: "Check " + id + " is " + status, Tone: Note, Refresh: refresh,
		Text: []string{"Its report is not there yet. This page asks again every few seconds."}}
}

// Unknown is the notice on a check that nobody knows, perhaps not yet.
func Unknown(refresh int) Notice {
	return Notice{Title: "There is no such check", Tone: Idle, Refresh: refresh,
		Text: []string{"No check has this id. One that was just requested can take a moment to be known."}}
}

// Notice writes a notice.
func (p Pages) Notice(n Notice) (Page, error) {
	n.Title = digest.Clean(n.Title)
	return p.write("notice", view{Title: n.Title, Tone: n.Tone, Refresh: n.Refresh, Body: n})
}
