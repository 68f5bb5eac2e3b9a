package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
)

func TestFilterTexts(t *testing.T) {
	t.Parallel()
	for want, got := range map[string]string{
		`PartitionKey eq 'c1' and RowKey ge 'report'`: stateFilter("c1"),
		`Wave eq 'it''s ''x'' or true'`:               given("Wave", "it's 'x' or true"),
		``:                                            both("", given("Wave", ""), ""),
		`PartitionKey eq '2026-11-22' and Verdict eq 'ready'`: (&walk{
			filter: Filter{Verdict: "ready"}, at: position{Day: "2026-11-22"},
		}).question().filter,
		`PartitionKey eq 'orders-db' and Wave eq '2026-12' and Verdict eq 'not_ready'`: (&walk{
			filter: Filter{Route: "orders-db", Wave: "2026-12", Verdict: "not_ready"},
		}).question().filter,
	} {
		if got != want {
			t.Errorf("filter = %s, want %s", got, want)
		}
	}
}

func TestNewestFirst(t *testing.T) {
	t.Parallel()
	// .NET: DateTime.MaxValue.Ticks - new DateTime(1970, 1, 1).Ticks
	if got := newestFirst(time.Unix(0, 0), "c1"); got != "2534023007999999999-c1" {
		t.Errorf("key of 1970 = %s", got)
	}
	earlier, later := newestFirst(noon, "a"), newestFirst(noon.Add(100), "a")
	if later >= earlier {
		t.Errorf("the later check's key %s does not sort before %s", later, earlier)
	}
	elsewhere := noon.In(time.FixedZone("", 3600))
	if newestFirst(elsewhere, "a") != earlier || day(elsewhere.Add(12*time.Hour)) != "2026-11-23" {
		t.Error("the key or the day depends on the time zone")
	}
	if got := newestFirst(time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC), "a"); len(got) != 21 {
		t.Errorf("key of 9999 = %s, want 19 digits", got)
	}
}

func TestKeys(t *testing.T) {
	t.Parallel()
	for _, good := range []string{"orders-2026-11-22T07", "a.b_c", "ä 😀%2F+&", strings.Repeat("a", 512)} {
		if err := checkKey(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{
		"", "a/b", `a\b`, "a#b", "a?b", "a\tb", "a\x7fb", "a\u0085b", "it's", "a\xffb", strings.Repeat("a", 513),
		strings.Repeat("😀", 257),
	} {
		if checkKey(bad) == nil {
			t.Errorf("%q is taken for a key", bad)
		}
	}
}

func TestMilliseconds(t *testing.T) {
	t.Parallel()
	for in, want := range map[float64]int32{
		0: 0, 0.4: 0, 3.6: 4, 1: 1, -1: 0, 1e12: math.MaxInt32, math.Inf(1): math.MaxInt32, math.NaN(): 0,
	} {
		if got := milliseconds(in); got != want {
			t.Errorf("milliseconds(%v) = %d, want %d", in, got, want)
		}
	}
}

func TestChunksNeverSplitACharacter(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "abc", "abcd", "a😀b😀", strings.Repeat("😀", 10), "äöü߀😀x"} {
		for limit := 2; limit < 6; limit++ {
			pieces := chunks(text, limit)
			if strings.Join(pieces, "") != text {
				t.Errorf("chunks(%q, %d) = %q", text, limit, pieces)
			}
			for _, p := range pieces {
				if units(p) > limit || !utf8.ValidString(p) {
					t.Errorf("chunks(%q, %d) has the piece %q", text, limit, p)
				}
			}
		}
	}
}

func TestCut(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		in, want string
		limit    int
	}{
		{"abc", "abc", 3}, {"abcd", "ab…", 3}, {"a😀b", "a…", 3}, {"😀😀", "😀😀", 4}, {"a\xffb", "a\uFFFDb", 3}, {"", "", 3},
	} {
		if got := cut(c.in, c.limit); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

// heavy is a report with an observation of the given length in every layer of three legs.
func heavy(length int) report.Report {
	r := report.Report{Version: 1, ID: "heavy", Verdict: report.NotReady, StartedAt: noon}
	for l, name := range []string{"source", "target", "runtime"} {
		leg := report.Leg{Name: name, From: "function"}
		for i, layer := range finding.Layers() {
			leg.Layers = append(leg.Layers, report.Layer{
				Layer: layer, Status: finding.StatusPassed,
				Observation: map[string]string{"text": strings.Repeat("x", length-100*(l+i))},
			})
		}
		r.Legs = append(r.Legs, leg)
	}
	return r
}

func TestFitDropsTheLargestEvidenceFirst(t *testing.T) {
	t.Parallel()
	r := heavy(30_000) // 24 layers: 720,000 units; 450,000 fit.
	before, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}

	fitted, text, err := fit(r)

	if err != nil || units(text) > reportUnits {
		t.Fatalf("fit = %d units, %v", units(text), err)
	}
	if !strings.Contains(text, `{"dropped":"30011 bytes do not fit in a stored report"}`) {
		t.Error("no marker of the largest observation")
	}
	kept, least := 0, math.MaxInt
	for _, leg := range fitted.Legs {
		for _, layer := range leg.Layers {
			if raw := layer.Observation.(json.RawMessage); len(raw) > markerBytes {
				kept, least = kept+1, min(least, len(raw))
			}
		}
	}
	if kept < 14 || fitted.Legs[0].Layers[0].Observation.(json.RawMessage)[2] != 'd' {
		t.Errorf("%d observations kept; the largest, the first, must go first and no more than needed", kept)
	}
	if _, again, _ := fit(r); again != text {
		t.Error("fit is not deterministic")
	}
	if after, _ := json.Marshal(r); string(after) != string(before) {
		t.Error("fit changed its caller's report")
	}
}

func TestFitInLayers(t *testing.T) {
	t.Parallel()
	long := func(n int) string { return strings.Repeat("x", n) }
	findings := func(n int, f report.Finding) []report.Finding {
		var all []report.Finding
		for i := range n {
			f.Title = fmt.Sprintf("finding %d", i)
			all = append(all, f)
		}
		return all
	}
	for _, c := range []struct {
		name string
		in   report.Report
		want func(report.Report) bool
	}{
		{"small", broken("c1", noon), func(r report.Report) bool { return len(r.Findings) == 1 && len(r.Request) == 45 }},
		{"request", report.Report{Request: json.RawMessage(`"` + long(500_000) + `"`), Findings: findings(1, report.Finding{
			Args: finding.Args{"host": "a"},
		})}, func(r report.Report) bool { return len(r.Request) < markerBytes && r.Findings[0].Args != nil }},
		{"args", report.Report{Findings: findings(50, report.Finding{Args: finding.Args{"text": long(10_000)}})},
			func(r report.Report) bool { return len(r.Findings) == 50 && r.Findings[0].Args == nil }},
		{"findings", report.Report{
			Vantage:  report.Vantage{CannotProve: []string{"as before"}},
			Findings: findings(2000, report.Finding{Detail: long(1_000)}),
		}, func(r report.Report) bool {
			return len(r.Findings) == 250 && r.Findings[249].Title == "finding 249" && reflect.DeepEqual(
				r.Vantage.CannotProve, []string{"as before", "1750 more findings did not fit in the stored report."})
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			fitted, text, err := fit(c.in)
			if err != nil || units(text) > reportUnits {
				t.Fatalf("fit = %d units, %v", units(text), err)
			}
			var back report.Report
			if err := json.Unmarshal([]byte(text), &back); err != nil {
				t.Fatal(err)
			}
			if !c.want(fitted) || !c.want(back) {
				t.Errorf("fitted = %.300s …", text)
			}
		})
	}
	if _, _, err := fit(report.Report{Headline: long(500_000)}); err == nil {
		t.Error("a headline of 500,000 characters fits")
	}
}

func TestWorstReportStaysWithinTheLimits(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{"escaped": "<", "three bytes": "€", "pairs": "😀", "quotes": `"`} {
		long := strings.Repeat(text, 2*detailUnits)
		r := report.Report{ID: "worst", Route: long, Wave: long, Headline: long, StartedAt: noon}
		for range 120 {
			r.Findings = append(r.Findings, report.Finding{Code: finding.TCPTimeout, Title: long, Detail: long})
		}
		// A report is JSON: what it holds was escaped once before it became a column.
		escaped, err := json.Marshal(text)
		if err != nil {
			t.Fatal(err)
		}
		body := string(escaped[1 : len(escaped)-1])
		rows := reportRows(r, strings.Repeat(body, reportUnits/units(body)), len(r.Findings))
		if _, err := transaction(rows); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for _, row := range rows {
			size := 0
			for column, value := range row.columns {
				text, _ := value.(string)
				size += 2*(units(column)+units(text)) + 16
				if units(text) > 32_768 {
					t.Errorf("%s: column %s has %d units", name, column, units(text))
				}
			}
			if size > 1<<20 || len(row.columns) > 252 {
				t.Errorf("%s: row %s has %d bytes, %d columns", name, row.key, size, len(row.columns))
			}
		}
	}
}

func TestTransactionLimits(t *testing.T) {
	t.Parallel()
	numbered := func(n int) []row {
		var all []row
		for i := range n {
			all = append(all, row{partition: "p", key: fmt.Sprint(i), columns: map[string]any{}})
		}
		return all
	}
	twice, strange := numbered(2), numbered(2)
	twice[1].key, strange[1].partition = twice[0].key, "q"
	fat := numbered(100)
	for i := range fat {
		fat[i].columns["Detail"] = strings.Repeat("<", 8_000)
	}
	for name, rows := range map[string][]row{
		"none": nil, "101 rows": numbered(101), "a key twice": twice, "two partitions": strange, "over 4 MiB": fat,
		"a bad key": {{partition: "p", key: "a/b"}},
	} {
		if _, err := transaction(rows); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if actions, err := transaction(numbered(100)); err != nil || len(actions) != 100 {
		t.Errorf("100 rows: %d actions, %v", len(actions), err)
	}
}

func TestStatusOfAFailedTransaction(t *testing.T) {
	t.Parallel()
	const frame = "--batchresponse_1\r\nContent-Type: multipart/mixed; boundary=changesetresponse_1\r\n\r\n" +
		"--changesetresponse_1\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n" +
		"HTTP/1.1 %s\r\nContent-Type: application/json;odata=minimalmetadata\r\n\r\n%s\r\n--changesetresponse_1--\r\n"
	for _, c := range []struct {
		status, body string
		wantStatus   int
		wantCode     string
	}{
		{"409 Conflict", `{"odata.error":{"code":"EntityAlreadyExists","message":{"value":"0:exists"}}}`, 409, codeRowExists},
		{"412 Precondition Failed", `{"odata.error":{"code": "UpdateConditionNotSatisfied"}}`, 412, "UpdateConditionNotSatisfied"},
		{"404 Not Found", ``, 404, ""},
		{"204 No Content", ``, http.StatusAccepted, ""},
	} {
		status, code := innerStatus(fmt.Appendf(nil, frame, c.status, c.body))
		if status != c.wantStatus || code != c.wantCode {
			t.Errorf("%s: %d %q, want %d %q", c.status, status, code, c.wantStatus, c.wantCode)
		}
	}
}

// The client's own encoding is the measure: what it reads back must be the same.
func TestRowsAreEncodedAsTheClientDoes(t *testing.T) {
	t.Parallel()
	r := row{partition: "p <1>", key: "k & 2", columns: map[string]any{"Text": "a <b> & \"c\" \u2028 é \x00 \U0001F600", "None": "",
		"Flag": true, "Count": int32(-7), "At": timestamp(time.Date(2026, 11, 30, 4, 5, 6, 789_012_300, time.UTC))}}
	ours, err := r.encode()
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := aztables.EDMEntity{Entity: aztables.Entity{PartitionKey: r.partition, RowKey: r.key},
		Properties: r.columns}.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	var got, want map[string]any
	if err := errors.Join(json.Unmarshal(ours, &got), json.Unmarshal(theirs, &want)); err != nil {
		t.Fatalf("%v: %s", err, ours)
	}
	if !reflect.DeepEqual(got, want) || len(got) != 8 {
		t.Errorf("encoded as\n%s\nthe client does\n%s", ours, theirs)
	}
}
