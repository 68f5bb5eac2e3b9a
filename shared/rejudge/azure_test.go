package rejudge_test

import (
	"context"
	"strings"
	"testing"

	"github.com/pgpreflight/pgpreflight/shared/azure"
	"github.com/pgpreflight/pgpreflight/shared/azure/azuretest"
	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/request"
)

// configured is a reader that has a configuration at once.
type configured azure.Configuration

func (c configured) Read(context.Context, azure.Question) azure.Configuration {
	return azure.Configuration(c)
}

// read is a report on a row's configuration, with one step of it undone.
func read(t *testing.T, row int, undo func(*azuretest.Scene)) []byte {
	t.Helper()
	scene := azuretest.Healthy(row)
	if undo != nil {
		undo(&scene)
	}
	c := pair(end(serve(t, hold)), end(serve(t, hold)), request.DepthConnect)
	c.Azure = request.Azure{TargetResourceID: azuretest.TargetID, VantageSubnetID: azuretest.Vantage}
	return runWith(t, c, nil, report.Vantage{}, configured(scene.Config))
}

func TestConfigurationsJudgedAgain(t *testing.T) {
	t.Parallel()
	for _, row := range azuretest.Rows() {
		same(t, read(t, row, nil))
		for _, undo := range azuretest.Undos(row) {
			same(t, read(t, row, undo.Do))
		}
	}
}

// What was found in a configuration that is not there any more must not pass for mended.
func TestAConfigurationThatIsGone(t *testing.T) {
	t.Parallel()
	scene := azuretest.Healthy(4)
	scene.Config.Servers[0].State = "Stopped"
	c := pair(end(serve(t, hold)), end(serve(t, hold)), request.DepthConnect)
	c.Azure.TargetResourceID = azuretest.TargetID
	stored := runWith(t, c, nil, report.Vantage{}, configured(scene.Config))
	if again := same(t, stored); again.New.Verdict != report.ReadyWithWarnings ||
		again.New.Findings[0].Code != finding.AzServerStopped {
		t.Fatalf("%s: %s", again.New.Verdict, again.New.Headline)
	}
	changes := map[string]func(map[string]any){
		"no observation":   func(l map[string]any) { delete(l, "observation") },
		"no configuration": func(l map[string]any) { delete(l["observation"].(map[string]any), "configuration") },
		"redacted":         func(l map[string]any) { l["observation"].(map[string]any)["configuration"] = "[redacted]" },
		"of later":         func(l map[string]any) { l["observation"].(map[string]any)["later"] = 1 },
	}
	for name, change := range changes {
		again := judge(t, alter(t, stored, func(tree map[string]any) {
			layers := tree["legs"].([]any)[1].(map[string]any)["layers"].([]any)
			change(layers[len(layers)-1].(map[string]any))
		}))
		if again.New.Verdict != report.Inconclusive || again.New.Findings[0].Code != finding.AzServerStopped ||
			again.New.Findings[0].Severity != finding.Warned || len(again.Unjudged) != 1 || !strings.HasPrefix(again.Unjudged[0], "azure: ") {
			t.Errorf("%s: %s, %q", name, again.New.Verdict, again.Unjudged)
		}
	}
}
