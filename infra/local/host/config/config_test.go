package config

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

const minimalHost = `{"version":"2.0","customHandler":{"description":{"defaultExecutablePath":"handler"}}}`

func TestHostDefaultsAreThoseOfTheRealHost(t *testing.T) {
	t.Parallel()
	got, err := parseHost([]byte(minimalHost))
	if err != nil {
		t.Fatal(err)
	}
	want := Host{
		FunctionTimeout: 30 * time.Minute,
		RoutePrefix:     "api",
		Handler:         Handler{Executable: "handler", StderrIsErrors: true, InitializationTimeout: 30 * time.Second},
		Queues:          Queues{MaxConcurrentCalls: 16, MaxAutoLockRenewalDuration: 5 * time.Minute},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestHostRefuses(t *testing.T) {
	t.Parallel()
	cases := map[string]struct{ file, reason string }{
		"not JSON":          {`{`, "unexpected end"},
		"old version":       {`{"version":"1.0"}`, `must be "2.0"`},
		"no executable":     {`{"version":"2.0"}`, "defaultExecutablePath"},
		"minutes as number": {with(`"functionTimeout":"5"`), "functionTimeout"},
		"no time at all":    {with(`"functionTimeout":"00:00:00"`), "functionTimeout"},
		"hour 24":           {with(`"functionTimeout":"24:00:00"`), "functionTimeout"},
		"no calls":          {with(`"extensions":{"serviceBus":{"maxConcurrentCalls":0}}`), "maxConcurrentCalls"},
		"own settlement":    {with(`"extensions":{"serviceBus":{"autoCompleteMessages":false}}`), "autoCompleteMessages"},
		"prefetch":          {with(`"extensions":{"serviceBus":{"prefetchCount":5}}`), "prefetchCount"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := parseHost([]byte(c.file)); err == nil || !strings.Contains(err.Error(), c.reason) {
				t.Errorf("got %v, want an error that names %q", err, c.reason)
			}
		})
	}
}

func with(member string) string { return strings.TrimSuffix(minimalHost, "}") + "," + member + "}" }

func TestTimeSpan(t *testing.T) {
	t.Parallel()
	cases := map[string]time.Duration{
		"00:05:00":    5 * time.Minute,
		"1.02:03:04":  26*time.Hour + 3*time.Minute + 4*time.Second,
		"00:00:00.80": 800 * time.Millisecond,
		"":            time.Hour,
		"-1":          0,
	}
	for text, want := range cases {
		if got, err := timeSpan(text, time.Hour); err != nil || got != want {
			t.Errorf("%q: got %v, %v, want %v", text, got, err, want)
		}
	}
}

func TestFunctions(t *testing.T) {
	t.Parallel()
	root := functions(t, map[string]string{
		"RunCheck": `{"bindings":[{"type":"serviceBusTrigger","name":"message","direction":"in","queueName":"%Q%",` +
			`"connection":"CheckQueue","dataType":"binary"}]}`,
		"Record": `{"bindings":[{"type":"serviceBusTrigger","name":"message","queueName":"%Q%/$DeadLetterQueue"}]}`,
		"Tick":   `{"bindings":[{"type":"timerTrigger","name":"timer","schedule":"0 */5 * * * *","useMonitor":false}]}`,
		"Checks": `{"bindings":[{"type":"httpTrigger","name":"request","direction":"in","methods":["get"],` +
			`"route":"checks/{id?}"},{"type":"http","name":"res","direction":"out"}]}`,
		"Event":      `{"bindings":[{"type":"eventGridTrigger","name":"event","direction":"in"}]}`,
		"SwitchedOf": `{"bindings":[]}`,
	})
	got, err := ReadFunctions(root, Settings{"Q": "check-requests", "AzureWebJobs.SwitchedOf.Disabled": "true"})
	if err != nil {
		t.Fatal(err)
	}
	route, err := ParseRoute("checks/{id?}")
	if err != nil {
		t.Fatal(err)
	}
	want := []Function{
		{Name: "Checks", Binding: "request",
			HTTP: &HTTPTrigger{Methods: []string{"GET"}, Route: route, Level: FunctionLevel, Output: "res"}},
		{Name: "Event", Binding: "event", Event: &EventTrigger{}},
		{Name: "Record", Binding: "message",
			Queue: &QueueTrigger{Address: "check-requests/$DeadLetterQueue", Connection: "AzureWebJobsServiceBus"}},
		{Name: "RunCheck", Binding: "message",
			Queue: &QueueTrigger{Address: "check-requests", Connection: "CheckQueue", Binary: true}},
		{Name: "Tick", Binding: "timer", Timer: &TimerTrigger{Schedule: "0 */5 * * * *"}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

func TestFunctionsRefused(t *testing.T) {
	t.Parallel()
	queue := `{"type":"serviceBusTrigger","name":"message","direction":"in","queueName":"q"}`
	with := func(member string) string { return strings.Replace(queue, `"q"`, `"q",`+member, 1) }
	cases := map[string]struct{ name, file, reason string }{
		"name with a space":        {"Run Check", bindings(queue), "function name"},
		"name host":                {"Host", bindings(queue), "function name"},
		"not JSON":                 {"F", `{`, "parse function.json"},
		"no trigger":               {"F", bindings(``), "0 triggers"},
		"two triggers":             {"F", bindings(queue + `,{"type":"timerTrigger","name":"t"}`), "2 triggers"},
		"same name twice":          {"F", bindings(queue + `,{"type":"http","name":"Message","direction":"out"}`), "twice"},
		"underscore in a binding":  {"F", bindings(strings.Replace(queue, "message", "my_message", 1)), "my_message"},
		"binding without a name":   {"F", bindings(strings.Replace(queue, "message", "", 1)), "binding name"},
		"trigger that goes out":    {"F", bindings(strings.Replace(queue, `"in"`, `"out"`, 1)), "direction"},
		"unknown trigger":          {"F", bindings(`{"type":"blobTrigger","name":"b"}`), "blobTrigger"},
		"queue output":             {"F", bindings(queue + `,{"type":"queue","name":"o","direction":"out"}`), "output queue"},
		"unresolved queue":         {"F", bindings(strings.Replace(queue, `"q"`, `"%NOPE%"`, 1)), "%NOPE%"},
		"topic":                    {"F", bindings(`{"type":"serviceBusTrigger","name":"m","topicName":"t"}`), "queueName"},
		"batch":                    {"F", bindings(with(`"cardinality":"many"`)), "cardinality"},
		"batch of events":          {"F", bindings(`{"type":"eventGridTrigger","name":"e","cardinality":"many"}`), "cardinality"},
		"events as bytes":          {"F", bindings(`{"type":"eventGridTrigger","name":"e","dataType":"binary"}`), "dataType"},
		"stream":                   {"F", bindings(with(`"dataType":"stream"`)), "dataType"},
		"sessions":                 {"F", bindings(with(`"isSessionsEnabled":true`)), "sessions"},
		"timer without a schedule": {"F", bindings(`{"type":"timerTrigger","name":"t"}`), "schedule"},
		"unknown level":            {"F", bindings(`{"type":"httpTrigger","name":"r","authLevel":"user"}`), "authLevel"},
		"route constraint":         {"F", bindings(`{"type":"httpTrigger","name":"r","route":"a/{id:int}"}`), "{id:int}"},
		"optional in the middle":   {"F", bindings(`{"type":"httpTrigger","name":"r","route":"a/{id?}/b"}`), "last"},
		"retry":                    {"F", `{"retry":{},` + bindings(queue)[1:], "retry"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := ReadFunctions(functions(t, map[string]string{c.name: c.file}), nil)
			if err == nil || !strings.Contains(err.Error(), c.reason) || !strings.Contains(err.Error(), c.name) {
				t.Errorf("got %v, want an error that names %q and %q", err, c.name, c.reason)
			}
		})
	}
}

func TestNoFunctionsIsAnError(t *testing.T) {
	t.Parallel()
	if _, err := ReadFunctions(t.TempDir(), nil); err == nil {
		t.Error("an empty root was accepted")
	}
}

func bindings(list string) string { return `{"bindings":[` + list + `]}` }

// functions writes the deployed layout: the folders stand beside host.json.
func functions(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name, "function.json"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestSettings(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "local.settings.json")
	if err := os.WriteFile(file, []byte(`{"IsEncrypted":false,"Values":{"A":"1","B":"x=y"}}`), 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := ReadSettings(file)
	if err != nil {
		t.Fatal(err)
	}
	merged := settings.Merge(FromEnvironment([]string{"A=2", "C=a=b", "=hidden"}))
	if want := (Settings{"A": "2", "B": "x=y", "C": "a=b"}); !reflect.DeepEqual(merged, want) {
		t.Errorf("merged: got %v, want %v", merged, want)
	}
	if got := merged.ExpandLenient("%A%-%NOPE%-%C%"); got != "2--a=b" {
		t.Errorf("lenient: got %q", got)
	}
	if _, err := merged.Expand("%A%-%NOPE%"); err == nil {
		t.Error("an unknown name was accepted in a binding")
	}
}

func TestRoute(t *testing.T) {
	t.Parallel()
	cases := []struct {
		route, path string
		want        map[string]string
		matches     bool
	}{
		{"checks/{id?}", "checks/c-1", map[string]string{"id": "c-1"}, true},
		{"checks/{id?}", "/Checks/", map[string]string{}, true},
		{"checks/{id?}", "checks/a%2Fb", map[string]string{"id": "a/b"}, true},
		{"checks/{id?}", "checks/a/b", nil, false},
		{"checks/{id?}", "", nil, false},
		{"tickets/{system}", "tickets/jira", map[string]string{"system": "jira"}, true},
		{"tickets/{system}", "tickets", nil, false},
		{"openapi.json", "openapi.json", map[string]string{}, true},
		{"files/{*path}", "files/a/b", map[string]string{"path": "a/b"}, true},
		{"files/{*path}", "files", map[string]string{}, true},
	}
	for _, c := range cases {
		route, err := ParseRoute(c.route)
		if err != nil {
			t.Fatal(err)
		}
		got, matches := route.Match(c.path)
		if matches != c.matches || matches && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s on %q: got %v, %v", c.path, c.route, got, matches)
		}
	}
}

func TestLiteralRouteGoesFirst(t *testing.T) {
	t.Parallel()
	order := []string{"reports/latest", "reports/{id}", "reports/{*rest}"}
	for i := range order[:len(order)-1] {
		a, errA := ParseRoute(order[i])
		b, errB := ParseRoute(order[i+1])
		if errA != nil || errB != nil {
			t.Fatal(errA, errB)
		}
		if !a.Before(b) || b.Before(a) {
			t.Errorf("%s does not stand before %s", order[i], order[i+1])
		}
	}
}

// TestRepositoryConfiguration holds the repository's own files to the rule of facts section 6: the handler's limit is
// below the host's timeout, which is below the lock renewal.
func TestRepositoryConfiguration(t *testing.T) {
	t.Parallel()
	const root, handlerLimit = "../../../..", 150 * time.Second
	host, err := ReadHost(root)
	if err != nil {
		t.Fatal(err)
	}
	if host.FunctionTimeout <= handlerLimit || host.Queues.MaxAutoLockRenewalDuration <= host.FunctionTimeout {
		t.Errorf("want %v < %v < %v", handlerLimit, host.FunctionTimeout, host.Queues.MaxAutoLockRenewalDuration)
	}
	if !host.Handler.Proxying || !host.Handler.Forwarding || host.Handler.StderrIsErrors {
		t.Errorf("handler: %+v", host.Handler)
	}
	functions, err := ReadFunctions(root, Settings{"CHECK_QUEUE": "q", "READINESS_SCHEDULE": "0 */5 * * * *"})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range functions {
		if f.Queue != nil && !f.Queue.Binary {
			t.Errorf("%s: a queue trigger without dataType binary lets a message overwrite its metadata", f.Name)
		}
	}
}
