package ticket

import (
	"fmt"
	"strconv"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// findings writes as many as fit one by one, the gravest first as the report has them, and counts the others.
func findings(w Writer, r report.Report) {
	if len(r.Findings) == 0 {
		return
	}
	w.Heading("Findings")
	for i, f := range r.Findings {
		if w.Len() > detailedMost {
			rest(w, r.Findings[i:])
			return
		}
		one(w, i+1, f)
	}
}

func one(w Writer, number int, f report.Finding) {
	w.Paragraph(strong(fmt.Sprintf("%d. %s", number, cut(f.Title, lineMost))))
	about := digest.Where(f) + ", " + string(f.Severity)
	if f.ServiceCode != "" {
		about += ", the migration service shows " + f.ServiceCode
	}
	w.Item(0, mono(cut(string(f.Code), lineMost)), plain(" ("+cut(about, lineMost)+")"))
	if f.Severity != finding.Info {
		w.Item(0, plain("Who must act: "), strong(cut(f.Owner.Name(), lineMost)))
	}
	if f.Detail != "" {
		w.Item(0, plain(cut(f.Detail, lineMost)))
	}
	for _, cause := range f.Causes[:min(len(f.Causes), listMost)] {
		w.Item(0, plain("Cause ("+cut(cause.Likelihood, lineMost)+"): "+cut(cause.Text, lineMost)))
		if cause.Confirm != "" {
			w.Item(1, plain("to confirm: "), mono(cut(oneLine(cause.Confirm), lineMost)))
		}
	}
	if f.Docs != "" {
		w.Item(0, plain("Read more: "), address(f.Docs))
	}
	for i, remedy := range f.Remedy[:min(len(f.Remedy), listMost)] {
		w.Paragraph(plain(fmt.Sprintf("To do (%d): %s", i+1, cut(remedy.Text, lineMost))))
		if remedy.Command != "" {
			w.Code(digest.Lines(cut(remedy.Command, 2*lineMost)))
		}
	}
}

// rest counts findings that are alike.
func rest(w Writer, found []report.Finding) {
	type kind struct{ code, severity, where, owner string }
	counts := map[kind]int{}
	var order []kind
	for _, f := range found {
		k := kind{string(f.Code), string(f.Severity), digest.Where(f), f.Owner.Name()}
		if counts[k] == 0 {
			order = append(order, k)
		}
		counts[k]++
	}
	w.Paragraph(strong(fmt.Sprintf("%d more findings", len(found))), plain("; the report has them one by one."))
	var rows [][]Span
	for _, k := range order[:min(len(order), groupsMost)] {
		rows = append(rows, []Span{plain(strconv.Itoa(counts[k])), mono(cut(k.code, lineMost)), plain(k.severity),
			plain(cut(k.where, lineMost)), plain(cut(k.owner, lineMost))})
	}
	if dropped := len(order) - len(rows); dropped > 0 {
		rows = append(rows, []Span{plain("…"), plain(fmt.Sprintf("%d more codes", dropped)), plain(""),
			plain(""), plain("")})
	}
	w.Table([]string{"Count", "Finding", "Severity", "Where", "Who must act"}, rows)
}
