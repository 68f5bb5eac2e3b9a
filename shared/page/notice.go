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

// Notice writes a notice.
func (p Pages) Notice(n Notice) (Page, error) {
	n.Title = digest.Clean(n.Title)
	cleaned := make([]string, 0, len(n.Text))
	for _, paragraph := range n.Text {
		cleaned = append(cleaned, digest.Clean(paragraph))
	}
	n.Text = cleaned
	return p.write("notice", view{Title: n.Title, Tone: n.Tone, Refresh: n.Refresh, Body: n})
}
