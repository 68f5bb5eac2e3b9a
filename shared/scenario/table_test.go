package scenario

import (
	"slices"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/request"
)

func declared(kind request.Kind, from, to request.Access) request.Check {
	return request.Check{Source: request.Endpoint{Host: "db.corp.example"},
		Target: request.Endpoint{Host: "new.corp.example"},
		Scenario: request.Scenario{Source: request.SourcePlace{Kind: kind, Access: from},
			Target: request.TargetPlace{Access: to}}}
}

// every is the answer for each kind, written out by hand from the page. The columns are the access of the source, then
// of the target: public, VNet-integrated, private endpoint. A plain number is a row of the table and supported, "-12"
// the row that says No, "~3" no row but nearest to row 3, and "=5" a kind that follows row 5.
func every() map[request.Kind][3][3]string {
	return map[request.Kind][3][3]string{
		request.OnPremises:        {{"1", "~1", "~11"}, {"-12", "2", "11"}, {"-12", "~2", "11"}},
		request.AmazonRDS:         {{"3", "~3", "~11"}, {"-12", "4", "11"}, {"-12", "~4", "11"}},
		request.AmazonAurora:      {{"3", "~3", "~11"}, {"-12", "4", "11"}, {"-12", "~4", "11"}},
		request.GoogleCloudSQL:    {{"5", "~5", "~11"}, {"-12", "6", "11"}, {"-12", "~6", "11"}},
		request.GoogleAlloyDB:     {{"=5", "~5", "~11"}, {"-12", "=6", "11"}, {"-12", "~6", "11"}},
		request.AzureVM:           {{"~1", "~1", "~11"}, {"-12", "7", "11"}, {"-12", "~7", "11"}},
		request.AzureSingleServer: {{"~8", "8", "~10"}, {"-12", "~9", "11"}, {"-12", "9", "10"}},
		request.EDB:               {{"=1", "~1", "~11"}, {"-12", "=2", "11"}, {"-12", "~2", "11"}},
		request.Heroku:            {{"=3", "~3", "~11"}, {"-12", "~4", "11"}, {"-12", "~4", "11"}},
		request.Other:             {{"~1", "~1", "~11"}, {"-12", "~2", "11"}, {"-12", "~2", "11"}},
	}
}

func said(p Placement) string {
	number := func(n int) string { return string([]byte{byte('0' + n/10), byte('0' + n%10)}) }
	mark := map[Support]string{Yes: "", No: "-", Undocumented: "~"}[p.Support]
	n := p.Row
	switch {
	case p.Row == 0:
		n = p.Nearest
	case p.Nearest != 0:
		mark = "="
	}
	return mark + strings.TrimPrefix(number(n), "0")
}

func TestEveryCombination(t *testing.T) {
	t.Parallel()
	from := []request.Access{request.Public, request.Private, request.PrivateEndpoint}
	to := []request.Access{request.Public, request.VNetIntegrated, request.PrivateEndpoint}
	for kind, table := range every() {
		for i := range from {
			for k := range to {
				p := Place(declared(kind, from[i], to[k]))
				if got := said(p); got != table[i][k] {
					t.Errorf("%s %s → %s: %s, want %s", kind, from[i], to[k], got, table[i][k])
				}
				if !p.Known() || len(p.Steps()) == 0 {
					t.Errorf("%s %s → %s: known %t, steps %d", kind, from[i], to[k], p.Known(), len(p.Steps()))
				}
				if needs := to[k] == request.PrivateEndpoint; p.RuntimeServer != needs {
					t.Errorf("%s %s → %s: runtime server %t", kind, from[i], to[k], p.RuntimeServer)
				}
				if (p.Row == 0 || p.Nearest != 0) && len(p.Notes) == 0 {
					t.Errorf("%s %s → %s: no reason given", kind, from[i], to[k])
				}
			}
		}
	}
}

func TestReasons(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		kind     request.Kind
		from, to request.Access
		want     []Note
	}{
		{request.OnPremises, request.Private, request.VNetIntegrated, nil},
		{request.GoogleAlloyDB, request.Private, request.VNetIntegrated, []Note{KindFollows}},
		{request.EDB, request.Public, request.Public, []Note{KindFollows}},
		{request.Heroku, request.Public, request.Public, []Note{KindFollows}},
		{request.Heroku, request.Private, request.VNetIntegrated, []Note{PrivateHeroku}},
		{request.GoogleAlloyDB, request.Private, request.PrivateEndpoint, nil},
		{request.AmazonRDS, request.Public, request.VNetIntegrated, []Note{PublicToVNet}},
		{request.AmazonRDS, request.Public, request.PrivateEndpoint, []Note{PublicToEndpoint}},
		{request.AmazonRDS, request.PrivateEndpoint, request.VNetIntegrated, []Note{EndpointElsewhere}},
		{request.AzureVM, request.Public, request.Public, []Note{PublicVM}},
		{request.AzureSingleServer, request.Public, request.Public, []Note{SingleToPublic, Retired}},
		{request.AzureSingleServer, request.Private, request.VNetIntegrated, []Note{SingleWithoutAccess, Retired}},
		{request.AzureSingleServer, request.Public, request.VNetIntegrated, []Note{Retired}},
		{request.AzureSingleServer, request.PrivateEndpoint, request.PrivateEndpoint, []Note{Retired}},
		{request.Other, request.Private, request.VNetIntegrated, []Note{KindOther}},
		{"", request.Private, request.VNetIntegrated, []Note{KindUnknown}},
		{"", request.Public, request.PrivateEndpoint, []Note{PublicToEndpoint}},
	} {
		if got := Place(declared(c.kind, c.from, c.to)).Notes; !slices.Equal(got, c.want) {
			t.Errorf("%s %s → %s: %v, want %v", c.kind, c.from, c.to, got, c.want)
		}
	}
}

// A kind that is not known settles only what is the same for every kind.
func TestUnknownKind(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to request.Access
		want     string
		known    bool
	}{
		{request.Private, request.Public, "-12", true},
		{request.Private, request.PrivateEndpoint, "11", true},
		{request.Public, request.PrivateEndpoint, "~11", true},
		{request.Private, request.VNetIntegrated, "~2", false},
		{request.Public, request.Public, "~1", false},
		{"", request.Public, "~0", false},
		{request.Private, "", "~0", false},
	} {
		p := Place(declared("", c.from, c.to))
		if got := said(p); got != c.want || p.Known() != c.known {
			t.Errorf("%s → %s: %s, known %t", c.from, c.to, got, p.Known())
		}
	}
}

func TestRowsAreTwelveAndComplete(t *testing.T) {
	t.Parallel()
	rows := Rows()
	if len(rows) != 12 {
		t.Fatalf("%d rows", len(rows))
	}
	for i, row := range rows {
		if row.Number != i+1 || len(row.Steps) == 0 || len(row.Paths) == 0 || len(row.SourceAccess) == 0 {
			t.Errorf("row %d is incomplete: %+v", i+1, row)
		}
		if (row.Number == 12) != (row.Support == No) || row.RuntimeServer != (row.TargetAccess == request.PrivateEndpoint) {
			t.Errorf("row %d: support %s, runtime server %t", row.Number, row.Support, row.RuntimeServer)
		}
		if single := row.Number >= 8 && row.Number <= 10; single != (row.Retired == "2025-03-28") {
			t.Errorf("row %d: retired %q", row.Number, row.Retired)
		}
		from := target
		if row.RuntimeServer {
			from = runtime
		}
		if row.Paths[0] != (Path{from, source}) || row.RuntimeServer != slices.Contains(row.Paths, Path{runtime, target}) {
			t.Errorf("row %d: paths %v", row.Number, row.Paths)
		}
	}
	if page := Source(); page.Date != "2025-02-07" || !strings.HasPrefix(page.URL, "https://") {
		t.Errorf("source: %+v", page)
	}
}
