package ticket

import (
	"encoding/json"
	"errors"
	"strings"
)

// maxDocument is far more than Jira's 32,767 characters with their marks; a node takes some 30 times its
// own length here.
const maxDocument = 1 << 20

// maxNesting bounds how deep a document is followed; a table in a list in a panel goes ten levels deep.
const maxNesting = 40

// node is one of Atlassian's document format:
// https://developer.atlassian.com/cloud/jira/platform/apis/document/structure/
type node struct {
	Type    string `json:"type"`
	Text    string `json:"text"`
	Content []node `json:"content"`
	Attrs   struct {
		Text string `json:"text"`
		URL  string `json:"url"`
	} `json:"attrs"`
}

// document gives the text of a document, a line for each block; false where it is none.
func document(raw json.RawMessage) (string, bool) {
	var top node
	if len(raw) > maxDocument {
		return "", false
	}
	err := json.Unmarshal(raw, &top)
	if _, other := errors.AsType[*json.UnmarshalTypeError](err); err != nil && !other || top.Type != "doc" {
		return "", false
	}
	return strings.Join(blocks(top.Content, maxNesting), "\n"), true
}

// blocks are the lines of nodes that stand one below the other. Text within them goes on in the same line.
func blocks(nodes []node, depth int) []string {
	var lines []string
	open := false
	for _, n := range nodes {
		text, isText := inline(n)
		switch {
		case n.Type == "hardBreak":
			lines, open = append(lines, ""), true
		case isText && open:
			lines[len(lines)-1] += text
		case isText:
			lines, open = append(lines, text), true
		case depth > 0:
			lines, open = append(lines, block(n, depth)...), false
		}
	}
	return lines
}

// inline is text, and what stands for text.
func inline(n node) (string, bool) {
	switch n.Type {
	case "text":
		return n.Text, true
	case "mention", "emoji", "status", "date", "placeholder":
		return n.Attrs.Text, true
	case "inlineCard":
		return n.Attrs.URL, true
	}
	return "", false
}

func block(n node, depth int) []string {
	if n.Type != "tableRow" {
		if n.Attrs.URL != "" {
			return []string{n.Attrs.URL}
		}
		return blocks(n.Content, depth-1)
	}
	var cells, lines []string
	for _, cell := range n.Content {
		of := blocks(cell.Content, depth-2)
		if lines = append(lines, of...); len(of) < 2 {
			cells = append(cells, strings.Join(of, ""))
		}
	}
	if len(cells) < len(n.Content) {
		return lines // A cell with lines of its own.
	}
	return []string{"|" + strings.Join(cells, "|") + "|"}
}
