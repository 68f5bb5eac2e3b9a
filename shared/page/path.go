package page

import (
	"strings"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/report/digest"
)

// station is one stop of the way: the vantage, then a stop for each layer.
type station struct {
	Name, Took string
	Tone       Tone
	// Codes say what is wrong there, Facts what was seen.
	Codes, Facts []string
	// Walked tells that the way to this stop was gone at all, Breaks that it ends there.
	Walked, Breaks, Vantage bool
}

func stationsOf(r report.Report, leg report.Leg) []station {
	start := station{Name: "function", Tone: Note, Walked: true, Vantage: true}
	switch {
	case leg.From == "server":
		start.Name = "server"
	case leg.From != "function":
		start.Name = leg.From
	case r.Vantage.Address != "":
		start.Facts = []string{r.Vantage.Address}
	}
	stations := []station{start}
	broken := breaks(leg)
	for i, layer := range leg.Layers {
		s := station{Name: layerName(layer.Layer), Tone: ToneOfStatus(layer.Status), Breaks: i == broken,
			Walked: layer.Status != finding.StatusSkipped}
		if s.Walked {
			s.Took = digest.Duration(layer.ElapsedMs)
			s.Facts = factsOf(layer)
		} else {
			s.Facts = []string{whySkipped(layer)}
		}
		if codes := digest.Codes(digest.Of(r, leg, layer.Layer)); codes != "" {
			s.Codes = strings.Fields(codes)
		}
		stations = append(stations, s)
	}
	return stations
}

func whySkipped(l report.Layer) string {
	switch {
	case l.BlockedBy != "":
		return "not reached"
	case strings.HasPrefix(l.Reason, "depth "):
		return "not asked"
	}
	return "not run"
}

// drawing is a picture of a way, in pixels of its own.
type drawing struct {
	ID, Title, Description string
	Width, Height          int
	Lines                  []stroke
	Stops                  []stop
	Words                  []word
	Break                  *mark
}

// stroke is a straight piece of the way.
type stroke struct {
	X1, Y1, X2, Y2 int
	Class          string
}

// stop is a station's mark.
type stop struct {
	X, Y, R int
	Tone    Tone
	Vantage bool
}

// word is a text of one line. Whole is what it is short for, where it was cut.
type word struct {
	X, Y               int
	Class, Text, Whole string
}

// mark is where the way breaks; Across tells that the way goes downwards there.
type mark struct {
	X, Y   int
	Across bool
}

// The measures of the broad drawing. A letter of the small type is at most this wide in the fonts that are asked for.
const (
	broadWidth   = 960
	broadLine    = 44
	broadRadius  = 13
	letterTenths = 73
	lineHeight   = 16
	// nameLetter is the width of a letter of a station's name; a time has about so many of them.
	nameLetter  = 10
	timeLetters = 7
)

// broad draws the way from left to right, for screens and paper.
func broad(id string, way []station) drawing {
	d := drawing{ID: id, Width: broadWidth}
	column := broadWidth / len(way)
	letters := (column - 10) * 10 / letterTenths
	deepest := 0
	for i, s := range way {
		x := column*i + column/2
		if i > 0 {
			d.connect(s, stroke{X1: x - column + broadRadius + 5, Y1: broadLine, X2: x - broadRadius - 5, Y2: broadLine})
		}
		d.Stops = append(d.Stops, stop{X: x, Y: broadLine, R: broadRadius, Tone: s.Tone, Vantage: s.Vantage})
		d.Words = append(d.Words, word{X: x, Y: 18, Class: "name", Text: shortened(capital(s.Name), column/nameLetter)})
		y := broadLine + broadRadius + 20
		for _, w := range linesOf(s, letters) {
			w.X, w.Y = x, y
			d.Words = append(d.Words, w)
			y += lineHeight
		}
		deepest = max(deepest, y)
	}
	d.Height = deepest
	return d
}

// The measures of the tall drawing, for telephones.
const (
	tallWidth  = 290
	tallX      = 16
	tallText   = 42
	tallGap    = 22
	tallRadius = 12
)

// tall draws the way from top to bottom.
func tall(id string, way []station) drawing {
	d := drawing{ID: id, Width: tallWidth}
	letters := (tallWidth - tallText) * 10 / letterTenths
	y, before := tallRadius+4, 0
	for i, s := range way {
		if i > 0 {
			d.connect(s, stroke{X1: tallX, Y1: before + tallRadius + 4, X2: tallX, Y2: y - tallRadius - 4})
		}
		d.Stops = append(d.Stops, stop{X: tallX, Y: y, R: tallRadius, Tone: s.Tone, Vantage: s.Vantage})
		d.Words = append(d.Words, word{X: tallText, Y: y + 5, Class: "name",
			Text: shortened(capital(s.Name), (tallWidth-tallText)/nameLetter-timeLetters)})
		before = y
		lines := linesOf(s, letters)
		if s.Took != "" {
			d.Words = append(d.Words, word{X: tallWidth, Y: y + 5, Class: "took end", Text: s.Took})
			lines = lines[1:]
		}
		y += 5
		for _, w := range lines {
			y += lineHeight
			w.X, w.Y = tallText, y
			d.Words = append(d.Words, w)
		}
		y += tallGap + tallRadius
		if i+1 < len(way) && way[i+1].Breaks {
			y += tallGap // room for the mark
		}
	}
	d.Height = y - tallGap + 2
	return d
}

// connect draws the piece of the way that leads to a station. Where it breaks there is a gap in its middle.
func (d *drawing) connect(s station, whole stroke) {
	if !s.Breaks {
		whole.Class = "way " + string(s.Tone)
		if !s.Walked {
			whole.Class = "way lost"
		}
		d.Lines = append(d.Lines, whole)
		return
	}
	middle := mark{X: (whole.X1 + whole.X2) / 2, Y: (whole.Y1 + whole.Y2) / 2}
	to, from := whole, whole
	to.Class, from.Class = "way bad", "way lost"
	const gap = 7
	middle.Across = whole.X1 == whole.X2
	if whole.Y1 == whole.Y2 {
		to.X2, from.X1 = middle.X-gap, middle.X+gap
	} else {
		to.Y2, from.Y1 = middle.Y-gap, middle.Y+gap
	}
	d.Lines = append(d.Lines, to, from)
	d.Break = &middle
}

// linesOf are the words below a station's name: its time, its codes, its facts.
func linesOf(s station, letters int) []word {
	var out []word
	if s.Took != "" {
		out = append(out, word{Class: "took", Text: s.Took})
	}
	for _, code := range s.Codes[:min(len(s.Codes), codesShown)] {
		for _, part := range folded(code, letters) {
			out = append(out, word{Class: "code " + string(s.Tone), Text: part})
		}
	}
	if more := len(s.Codes) - codesShown; more > 0 {
		out = append(out, word{Class: "code " + string(s.Tone), Text: "and more"})
	}
	for _, seen := range s.Facts {
		short := shortened(seen, letters)
		w := word{Class: "fact", Text: short}
		if short != seen {
			w.Whole = seen
		}
		out = append(out, w)
	}
	return out
}

// codesShown is how many codes a station has room for; the table below the drawing has all.
const codesShown = 2

// folded breaks a code after an underscore where it is too long for its column.
func folded(code string, letters int) []string {
	if len(code) <= letters {
		return []string{code}
	}
	cut := strings.LastIndexByte(code[:letters], '_')
	if cut <= 0 {
		return []string{shortened(code, letters)}
	}
	return []string{code[:cut+1], shortened(code[cut+1:], letters)}
}

// shortened leaves out the middle of what is too long: the ends of names and addresses are what tells them apart.
func shortened(text string, letters int) string {
	runes := []rune(text)
	if len(runes) <= letters {
		return text
	}
	head := (letters - 1) / 2
	tail := letters - 1 - head
	return string(runes[:head]) + "…" + string(runes[len(runes)-tail:])
}

// Left, Top and Size place a mark.
func (s stop) Left() int { return s.X - s.R }

// Top is the upper edge.
func (s stop) Top() int { return s.Y - s.R }

// Size is the width, and the height.
func (s stop) Size() int { return 2 * s.R }
