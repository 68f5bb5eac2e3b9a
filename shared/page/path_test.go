package page

import (
	"reflect"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
)

func TestStations(t *testing.T) {
	t.Parallel()
	r := reporttest.Broken()
	got := stationsOf(r, r.Legs[0])
	want := []station{
		{Name: "function", Tone: Note, Walked: true, Vantage: true, Facts: []string{"10.1.2.4"}},
		{Name: "DNS", Took: "3.1 ms", Tone: Good, Walked: true, Facts: []string{"10.9.0.5", "from 168.63.129.16"}},
		{Name: "network", Took: "5.0 s", Tone: Bad, Walked: true, Breaks: true, Codes: []string{"TCP_TIMEOUT"},
			Facts: []string{"10.9.0.5:5432", "timeout"}},
		{Name: "TLS", Tone: Idle, Facts: []string{"not reached"}},
		{Name: "login", Tone: Idle, Facts: []string{"not reached"}},
		{Name: "prerequisites", Tone: Idle, Facts: []string{"not asked"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("\n got %+v\nwant %+v", got, want)
	}
	byServer := report.Leg{Name: "source", From: "server", Layers: []report.Layer{{Layer: finding.Connect,
		Status: finding.StatusSkipped, Reason: "dblink is not there"}}}
	if got := stationsOf(r, byServer); got[0].Name != "server" || got[0].Facts != nil || got[1].Facts[0] != "not run" {
		t.Errorf("%+v", got)
	}
}

// The way is drawn up to the place where it breaks, and not beyond it.
func TestDrawing(t *testing.T) {
	t.Parallel()
	r := reporttest.Broken()
	for _, d := range []drawing{broad("a", stationsOf(r, r.Legs[0])), tall("b", stationsOf(r, r.Legs[0]))} {
		var classes []string
		for _, line := range d.Lines {
			classes = append(classes, line.Class)
		}
		if want := []string{"way good", "way bad", "way lost", "way lost", "way lost", "way lost"}; !reflect.DeepEqual(classes, want) {
			t.Errorf("%s: %q", d.ID, classes)
		}
		if d.Break == nil || d.Break.Across != (d.ID == "b") {
			t.Errorf("%s: breaks at %+v", d.ID, d.Break)
		}
		for _, w := range d.Words {
			if w.X < 0 || w.X > d.Width || w.Y < 0 || w.Y > d.Height {
				t.Errorf("%s: %+v is outside of %d × %d", d.ID, w, d.Width, d.Height)
			}
		}
	}
	whole := broad("c", stationsOf(r, reporttest.Ready().Legs[0]))
	if whole.Break != nil || len(whole.Lines) != 5 {
		t.Errorf("%+v", whole)
	}
}

func TestFacts(t *testing.T) {
	t.Parallel()
	seen := func(layer finding.Layer, o map[string]any) []string {
		return factsOf(report.Layer{Layer: layer, Observation: o})
	}
	type object = map[string]any
	tests := []struct {
		name      string
		got, want []string
	}{
		{"several addresses", seen(finding.Resolve, object{"addresses": []string{"10.0.0.1", "10.0.0.2"},
			"answeredBy": "10.0.0.53:5353", "servers": []object{{}}}), []string{"10.0.0.1 +1", "from 10.0.0.53:5353"}},
		{"no name", seen(finding.Resolve, object{"servers": []object{{"address": "10.0.0.53:53",
			"a": object{"outcome": "no_name", "rcode": "NXDOMAIN"}}}}), []string{"NXDOMAIN", "from 10.0.0.53"}},
		{"silence", seen(finding.Resolve, object{"servers": []object{{"address": "10.0.0.53:53",
			"a": object{"outcome": "no_answer"}}}}), []string{"no answer", "from 10.0.0.53"}},
		{"nobody asked", seen(finding.Resolve, object{}), nil},
		{"refused", seen(finding.Connect, object{"attempts": []object{{"address": "10.0.0.1:5432", "outcome": "error",
			"errnoName": "ECONNREFUSED"}}}), []string{"10.0.0.1:5432", "ECONNREFUSED"}},
		{"no TLS", seen(finding.TLS, object{"reply": "N"}), []string{"reply N"}},
		{"no reply", seen(finding.TLS, object{}), nil},
		{"logged in", seen(finding.Login, object{"attempts": []object{{"seenAs": "10.1.2.4",
			"parameters": object{"server_version": "16.3 (Debian)"}}}}), []string{"PostgreSQL 16.3", "sees 10.1.2.4"}},
		{"prerequisites", seen(finding.Prerequisites, object{"asked": 22, "answered": 21}), []string{"21 of 22 answered"}},
		{"another shape", factsOf(report.Layer{Layer: finding.Resolve, Observation: "text"}), nil},
		{"another layer", seen("quic", object{"addresses": []string{"10.0.0.1"}}), nil},
	}
	for _, test := range tests {
		if !reflect.DeepEqual(test.got, test.want) {
			t.Errorf("%s: %q, want %q", test.name, test.got, test.want)
		}
	}
}

func TestWordsFit(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{"short": "short", "0123456789": "0123456789", "0123456789a": "0123…6789a",
		"äöüäöüäöüäöü": "äöüä…üäöü"} {
		if got := shortened(text, len([]rune(want))); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
	for code, want := range map[string][]string{"TCP_TIMEOUT": {"TCP_TIMEOUT"},
		"HBA_ADDRESS_NOT_ALLOWED":    {"HBA_ADDRESS_NOT_", "ALLOWED"},
		"ABCDEFGHIJKLMNOPQRSTUVWXYZ": {"ABCDEFGHI…RSTUVWXYZ"}} {
		if got := folded(code, 19); !reflect.DeepEqual(got, want) {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

func TestWebAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{"https://learn.microsoft.com/a?b=c#d": true, "http://127.0.0.1:7071/x": true,
		"javascript:alert(1)": false, "https://a\"onclick=": false, "https://a<b": false, "//a.example": false, "": false,
		"data:text/html,x": false, " https://a": false} {
		if got := webAddress(text); (got == text && text != "") != want || !want && got != "" {
			t.Errorf("%q: %q", text, got)
		}
	}
}
