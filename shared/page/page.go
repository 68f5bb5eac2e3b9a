// Package page writes the pages that people read: data in, HTML out. A page is one file that needs nothing else: no
// script, no request for anything beside it, so that it works offline, printed and sent by mail. The package reads no
// store and no clock, and it judges nothing; its callers decide who may see what.
package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"io/fs"
	"slices"
	"strings"
	"sync"

	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

//go:embed templates style
var files embed.FS

// Page is a page as it is sent.
type Page struct {
	HTML []byte
	// Policy is the Content-Security-Policy for its header; the page works under no milder one.
	Policy string
}

// Pages writes pages. It is safe for concurrent use; the templates are read when the first page is written. The zero
// value reads them for every page.
type Pages struct {
	frames func() (frames, error)
}

// New makes Pages.
func New() Pages { return Pages{frames: sync.OnceValues(load)} }

// frames are the pages by name, such as "report" for templates/report.html.
type frames map[string]frame

// frame is the template of one page, with the style that is inlined into it.
type frame struct {
	template *template.Template
	style    template.CSS
	// sources are the policy's style-src: the style's digest, since nothing else may style the page.
	sources string
}

// shared names the templates that every page is built from: the frame itself, and the parts that pages share.
func shared() []string {
	return []string{"templates/frame.html", "templates/parts.html", "templates/lists.html"}
}

// load reads each templates/NAME.html, which defines "body", together with style/base.css and style/NAME.css where
// there is one.
func load() (frames, error) {
	base, err := template.New("frame").ParseFS(files, shared()...)
	if err != nil {
		return nil, fmt.Errorf("parse frame: %w", err)
	}
	names, err := fs.Glob(files, "templates/*.html")
	if err != nil {
		return nil, fmt.Errorf("list templates: %w", err)
	}
	out := frames{}
	for _, file := range names {
		name := strings.TrimSuffix(strings.TrimPrefix(file, "templates/"), ".html")
		if slices.Contains(shared(), file) {
			continue
		}
		if out[name], err = one(base, file, name); err != nil {
			return nil, fmt.Errorf("read page %s: %w", name, err)
		}
	}
	return out, nil
}

func one(base *template.Template, file, name string) (frame, error) {
	page, err := base.Clone()
	if err != nil {
		return frame{}, err
	}
	if page, err = page.ParseFS(files, file); err != nil {
		return frame{}, err
	}
	style, err := styleOf("base", family(name), name)
	if err != nil {
		return frame{}, err
	}
	sum := sha256.Sum256([]byte(style))
	return frame{template: page, style: template.CSS(style),
		sources: "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"}, nil
}

// family is the style sheet that the pages of lists have in common.
func family(name string) string {
	if slices.Contains([]string{"index", "routes", "route", "wave"}, name) {
		return "lists"
	}
	return ""
}

// styleOf joins the style sheets, those that are there.
func styleOf(names ...string) (string, error) {
	var out strings.Builder
	for _, name := range names {
		sheet, err := files.ReadFile("style/" + name + ".css")
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
		out.Write(sheet)
	}
	return out.String(), nil
}

// view is what the frame needs of every page. Text in it is escaped by the template; it is to be clean (digest.Clean).
type view struct {
	// Title stands in the tab, before the name of the program.
	Title string
	// Tone gives the tab its icon.
	Tone Tone
	// Refresh is after how many seconds the page loads itself again; 0 means never.
	Refresh int
	// Trail leads back to the pages above this one.
	Trail []Link
	// Wide is for tables that need the whole width of the screen.
	Wide bool
	// Forms lets the page send its own forms to where it came from.
	Forms bool
	Body  any
}

// Link is an address of this program, relative to its root, with its words.
type Link struct{ Text, Address string }

// inFrame is a view together with what the frame adds to it.
type inFrame struct {
	view
	Style  template.CSS
	Policy string
	Icon   template.URL
}

// write puts a page's body into the frame.
func (p Pages) write(name string, v view) (Page, error) {
	read := p.frames
	if read == nil {
		read = load
	}
	all, err := read()
	if err != nil {
		return Page{}, err
	}
	f, ok := all[name]
	if !ok {
		return Page{}, fmt.Errorf("write page %s: there is no such template", name)
	}
	policy := f.policy(v.Forms)
	var out bytes.Buffer
	if err := f.template.ExecuteTemplate(&out, "frame", inFrame{view: v, Style: f.style, Policy: policy,
		Icon: v.Tone.icon()}); err != nil {
		return Page{}, fmt.Errorf("write page %s: %w", name, err)
	}
	// The net below every page: whatever text came from the network, no reader's terminal, editor or browser obeys it.
	// A page that is kept as a file has its policy within it, where frame-ancestors is not allowed (CSP 3, 6.4.2).
	return Page{HTML: digest.Harmless(out.Bytes()), Policy: policy + "; frame-ancestors 'none'"}, nil
}

func (f frame) policy(forms bool) string {
	actions := "'none'"
	if forms {
		actions = "'self'"
	}
	return "default-src 'none'; style-src " + f.sources + "; img-src data:; base-uri 'none'; form-action " + actions
}
