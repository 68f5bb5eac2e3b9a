package rejudge_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/rejudge"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/reporttest"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

func portText(port int) string { return strconv.Itoa(port) }

func judge(t *testing.T, raw []byte) rejudge.Result {
	t.Helper()
	again, err := rejudge.Judge(catalogue(t), raw)
	if err != nil {
		t.Fatalf("%v\n%s", err, raw)
	}
	return again
}

// same holds that a stored report has all that its findings rest on.
func same(t *testing.T, raw []byte) rejudge.Result {
	t.Helper()
	again := judge(t, raw)
	if changes := again.Changes(); !changes.None() || len(again.Unjudged) > 0 {
		said, _ := json.MarshalIndent(changes, "", " ")
		t.Errorf("judged again it differs: %s %q", said, again.Unjudged)
	}
	// Also what no finding tells: the scenario, what was not proven, every layer.
	now := reporttest.Stored(t, again.New)
	if was, is := reporttest.JSON(t, again.Old), reporttest.JSON(t, now); !bytes.Equal(was, is) {
		t.Errorf("the reports differ:\n%s\n%s", was, is)
	}
	return again
}

func TestMisbehavingServersJudgedAgain(t *testing.T) {
	t.Parallel()
	hbaError := func(conn net.Conn) {
		buffer := make([]byte, 4096)
		if n, err := conn.Read(buffer); err != nil || n == 0 {
			return
		}
		_, _ = conn.Write([]byte{'N'})
		if n, err := conn.Read(buffer); err != nil || n == 0 {
			return
		}
		fields := "SFATAL\x00VFATAL\x00C28000\x00Mno pg_hba.conf entry for host \"127.0.0.1\", user \"migrator\", " +
			"database \"orders\", no encryption\x00Rauth.c\x00\x00"
		_, _ = conn.Write(append([]byte{'E', 0, 0, 0, byte(len(fields) + 4)}, fields...))
	}
	tests := map[string]struct {
		port  func(t *testing.T) int
		want  finding.Code
		alter func(*request.Check)
	}{
		"silent":          {port: func(t *testing.T) int { return serve(t, hold) }, want: finding.PeerSilent},
		"refused":         {port: refusing, want: finding.TCPRefused},
		"asks no more":    {port: func(t *testing.T) int { return serve(t, once) }, want: finding.PeerClosed},
		"speaks HTTP":     {port: func(t *testing.T) int { return serve(t, say("HTTP/1.1 400 Bad Request\r\n\r\n")) }, want: finding.PeerNotPostgres},
		"begins with S":   {port: func(t *testing.T) int { return serve(t, say("Sorry")) }, want: finding.PeerNotPostgres},
		"declines TLS":    {port: func(t *testing.T) int { return serve(t, hbaError) }, want: finding.TLSNotOffered},
		"one hba error":   {port: func(t *testing.T) int { return serve(t, hbaError) }, want: finding.ServerError, alter: plainText},
		"unknown name":    {port: refusing, want: finding.DNSNameNotFound, alter: renamed("nowhere.corp.example")},
		"a host form":     {port: refusing, want: finding.DNSHostFormUnsupported, alter: renamed("postgres://db/orders")},
		"missing roots":   {port: func(t *testing.T) int { return serve(t, hold) }, want: finding.CredentialUnavailable, alter: noRoots},
		"a closed port":   {port: func(*testing.T) int { return 22 }, want: finding.RequestTargetNotAllowed},
		"a closed target": {port: refusing, want: finding.RequestTargetNotAllowed, alter: renamed("127.9.9.9")},
		"not supported":   {port: refusing, want: finding.ScenarioUnsupported, alter: unsupported},
		"only resolved":   {port: refusing, alter: func(c *request.Check) { c.Depth = request.DepthResolve }},
		"only connected": {port: func(t *testing.T) int { return serve(t, hold) },
			alter: func(c *request.Check) { c.Depth = request.DepthConnect }},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := pair(end(test.port(t)), end(test.port(t)), request.DepthLogin)
			if test.alter != nil {
				test.alter(&c)
			}
			again := same(t, run(t, c, nil, report.Vantage{}))
			if broken := again.New.FirstBroken; test.want == "" && broken != nil || test.want != "" && broken == nil {
				t.Fatalf("first broken %+v: %s", broken, again.New.Headline)
			}
			if found := again.New.Findings; test.want != "" && test.want != finding.ServerError && found[0].Code != test.want {
				t.Errorf("found %s, want %s", found[0].Code, test.want)
			}
		})
	}
}

// once reads and goes: bytes that nobody read would make a reset of the end.
func once(conn net.Conn) {
	buffer := make([]byte, 4096)
	_, _ = conn.Read(buffer)
}

func plainText(c *request.Check) {
	c.Source.TLS.Mode, c.Target.TLS.Mode = request.TLSDisable, request.TLSDisable
}

func renamed(host string) func(*request.Check) {
	return func(c *request.Check) { c.Source.Host = host }
}

func noRoots(c *request.Check) { c.Source.TLS.RootsSetting, c.Target.TLS.RootsSetting = "LOST", "LOST" }

func unsupported(c *request.Check) {
	c.Scenario.Source = request.SourcePlace{Kind: request.OnPremises, Access: request.Private}
	c.Scenario.Target.Access = request.Public
}

func TestAnAppOutsideOfItsNetworkJudgedAgain(t *testing.T) {
	t.Parallel()
	c := pair(end(serve(t, hold)), end(serve(t, hold)), request.DepthConnect)
	same(t, run(t, c, nil, report.Vantage{FunctionApp: "preflight", Region: "West Europe"}))
	same(t, run(t, c, nil, report.Vantage{FunctionApp: "preflight", Address: "10.1.2.4"}))
}

// deep is a check of everything that a healthy source shows.
func deep(t *testing.T) []byte {
	t.Helper()
	port, roots := database(t)
	source, target := end(port), end(port)
	source.Databases = []string{"orders", "billing", "missing"}
	target.Databases = []string{"postgres"}
	source.TLS = request.TLS{Mode: request.TLSVerifyFull, RootsSetting: "ROOTS"}
	target.TLS = source.TLS
	c := pair(source, target, request.DepthPrerequisites)
	c.TimeoutSeconds = 60
	return run(t, c, roots, report.Vantage{})
}

func TestServersJudgedAgain(t *testing.T) {
	t.Parallel()
	port, roots := database(t, "ALTER ROLE migrator SUPERUSER")
	tests := map[string]func(*request.Check){
		"as it is":        func(*request.Check) {},
		"lost credential": func(c *request.Check) { c.Source.Credential.Setting = "LOST" },
		"unverified":      func(c *request.Check) { c.Source.TLS.RootsSetting, c.Source.TLS.Mode = "", request.TLSVerifyFull },
		"without TLS":     plainText,
		"wrong role":      func(c *request.Check) { c.Source.User = "nobody" },
		"asked by itself": func(c *request.Check) { c.ServerVantage = true },
		"asked, and refused": func(c *request.Check) {
			c.ServerVantage, c.Source.Host, c.Source.Port = true, "127.0.0.1", refusing(t)
		},
		"no database": func(c *request.Check) { c.Source.Databases = []string{"missing"} },
	}
	for name, alter := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			source, target := end(port), end(port)
			target.Databases = []string{"postgres"}
			source.TLS.RootsSetting, target.TLS.RootsSetting = "ROOTS", "ROOTS"
			c := pair(source, target, request.DepthPrerequisites)
			c.TimeoutSeconds = 60
			alter(&c)
			same(t, run(t, c, roots, report.Vantage{}))
		})
	}
	t.Run("three databases, one missing", func(t *testing.T) {
		t.Parallel()
		same(t, deep(t))
	})
}

// What a judge needs and is not there must never pass.
func TestNothingPassesWithoutItsEvidence(t *testing.T) {
	t.Parallel()
	port, roots := database(t)
	source, target := end(port), end(port)
	target.Databases = []string{"postgres"}
	source.TLS = request.TLS{Mode: request.TLSVerifyFull, RootsSetting: "ROOTS"}
	target.TLS = source.TLS
	c := pair(source, target, request.DepthPrerequisites)
	c.TimeoutSeconds = 60
	stored := run(t, c, roots, report.Vantage{})
	if again := same(t, stored); again.New.Verdict != report.Ready && again.New.Verdict != report.ReadyWithWarnings {
		t.Fatalf("not a healthy pair: %s", again.New.Headline)
	}
	// At the bottom of each change, something is not there: nothing may be called ready.
	changes := map[string]func(layer map[string]any){
		"no observation":    func(l map[string]any) { delete(l, "observation") },
		"an empty one":      func(l map[string]any) { l["observation"] = map[string]any{} },
		"another shape":     func(l map[string]any) { l["observation"] = []any{1, 2} },
		"a text":            func(l map[string]any) { l["observation"] = "[redacted]" },
		"a redacted member": func(l map[string]any) { l["observation"].(map[string]any)["elapsedMs"] = "[redacted]" },
		"an older member":   func(l map[string]any) { l["observation"].(map[string]any)["oldName"] = true },
	}
	for name, change := range changes {
		for layer := range 5 {
			altered := alter(t, stored, func(tree map[string]any) { change(layerOf(tree, 0, layer)) })
			again := judge(t, altered)
			if again.New.Verdict != report.Inconclusive || len(again.Unjudged) != 1 ||
				!strings.Contains(strings.Join(again.Unjudged, ""), "source "+string(again.New.Legs[0].Layers[layer].Layer)) {
				t.Errorf("%s in layer %d: %s, %q", name, layer, again.New.Verdict, again.Unjudged)
			}
		}
	}
	evidence := layerOf(tree(t, stored), 0, 4)["observation"].(map[string]any)
	facts := []string{}
	for fact := range evidence["server"].(map[string]any) {
		facts = append(facts, "server."+fact)
	}
	for fact := range evidence["databases"].([]any)[0].(map[string]any) {
		facts = append(facts, "databases."+fact)
	}
	if len(facts) < 15 {
		t.Fatalf("only the facts %q", facts)
	}
	for _, fact := range facts {
		group, name, _ := strings.Cut(fact, ".")
		again, err := rejudge.Judge(catalogue(t), alter(t, stored, func(tree map[string]any) {
			o := layerOf(tree, 0, 4)["observation"].(map[string]any)
			if group == "server" {
				delete(o["server"].(map[string]any), name)
				return
			}
			delete(o["databases"].([]any)[0].(map[string]any), name)
		}))
		if err != nil || again.New.Verdict != report.Inconclusive || len(again.Unjudged) != 1 {
			t.Errorf("without %s: %s, %q, %v", fact, again.New.Verdict, again.Unjudged, err)
		}
	}
}

func tree(t *testing.T, raw []byte) map[string]any {
	t.Helper()
	var out map[string]any
	if err := json.Unmarshal(raw, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func layerOf(tree map[string]any, leg, layer int) map[string]any {
	return tree["legs"].([]any)[leg].(map[string]any)["layers"].([]any)[layer].(map[string]any)
}

func alter(t *testing.T, raw []byte, change func(map[string]any)) []byte {
	t.Helper()
	out := tree(t, raw)
	change(out)
	altered, err := json.Marshal(out)
	if err != nil {
		t.Fatal(err)
	}
	return altered
}

func TestCannotJudgeAgain(t *testing.T) {
	t.Parallel()
	stored := run(t, pair(end(serve(t, hold)), end(serve(t, hold)), request.DepthConnect), nil, report.Vantage{})
	tests := map[string]struct {
		change func(map[string]any)
		why    string
	}{
		"another version":  {func(r map[string]any) { r["version"] = 2 }, "version 2"},
		"no request":       {func(r map[string]any) { delete(r, "request") }, "no request"},
		"another request":  {func(r map[string]any) { r["request"].(map[string]any)["later"] = 1 }, "later"},
		"no legs":          {func(r map[string]any) { r["legs"] = []any{} }, "nothing was probed"},
		"a leg is missing": {func(r map[string]any) { r["legs"] = r["legs"].([]any)[:1] }, "no leg to the target"},
		"no server's leg": {func(r map[string]any) {
			c := r["request"].(map[string]any)
			c["serverVantage"], c["depth"] = true, "login"
		}, "no leg of the server itself"},
	}
	for name, test := range tests {
		_, err := rejudge.Judge(catalogue(t), alter(t, stored, test.change))
		if cannot, is := errors.AsType[*rejudge.Cannot](err); !is || !strings.Contains(cannot.Error(), test.why) ||
			!strings.HasPrefix(cannot.Error(), "cannot judge again: ") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, text := range []string{"", "{}", "[]", "ping", `{"id":"x"}`} {
		if _, err := rejudge.Judge(catalogue(t), []byte(text)); err == nil ||
			slices.Contains([]string{"", "cannot"}, err.Error()) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// The samples are written by hand: their requests name no servers.
func TestSamplesCannotBeJudgedAgain(t *testing.T) {
	t.Parallel()
	for name, r := range reporttest.Samples() {
		if _, err := rejudge.Judge(catalogue(t), reporttest.JSON(t, r)); err == nil {
			t.Errorf("%s was judged again", name)
		}
	}
}

func TestWhatDiffers(t *testing.T) {
	t.Parallel()
	stored := run(t, pair(end(serve(t, hold)), end(refusing(t)), request.DepthTLS), nil, report.Vantage{})
	altered := alter(t, stored, func(r map[string]any) {
		r["verdict"], r["headline"] = "ready", "all is \x1b[31mwell"
		found := r["findings"].([]any)
		found[0].(map[string]any)["code"] = "OLD_CODE"
		found[1].(map[string]any)["title"] = "an older title"
		layerOf(r, 0, 2)["status"] = "passed"
	})
	again := judge(t, altered)
	changes := again.Changes()
	if changes.Verdict == nil || *changes.Verdict != (rejudge.Change{Was: "ready", Is: "not_ready"}) ||
		changes.Layers["source tls"] != (rejudge.Change{Was: "passed", Is: "failed"}) || len(changes.Gone) != 1 ||
		len(changes.New) != 1 || len(changes.Reworded) != 1 || fmt.Sprint(changes.Reworded[0].Fields) != "[title]" {
		t.Errorf("%+v", changes)
	}
	var out bytes.Buffer
	if err := again.WriteChanges(&out); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"was ready, is not ready", "source tls was passed, is failed", "gone      OLD_CODE",
		"new       ", "reworded  ", ": title"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in:\n%s", want, &out)
		}
	}
	if strings.Contains(out.String(), "\x1b") {
		t.Errorf("%q", out.String())
	}
}
