package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// Function is one folder with a function.json. Exactly one of Queue, Timer, Event and HTTP is set.
type Function struct {
	Name string
	// Binding is the name of the trigger's binding, the key inside Data.
	Binding string
	Queue   *QueueTrigger
	Timer   *TimerTrigger
	Event   *EventTrigger
	HTTP    *HTTPTrigger
}

// QueueTrigger is a serviceBusTrigger with cardinality one.
type QueueTrigger struct {
	// Address is the queue, with /$DeadLetterQueue for its sub-queue.
	Address string
	// Connection is the name of the setting, not its value.
	Connection string
	// Binary is dataType binary; otherwise the body goes as text.
	Binary bool
}

// TimerTrigger is a timerTrigger.
type TimerTrigger struct {
	Schedule     string
	RunOnStartup bool
	UseMonitor   bool
}

// EventTrigger is an eventGridTrigger for single events.
type EventTrigger struct{}

// HTTPTrigger is an httpTrigger and its http output, if there is one.
type HTTPTrigger struct {
	// Methods in upper case; none means any.
	Methods []string
	Route   Route
	Level   Level
	// Output is the name of the http output binding; empty means that the function has none.
	Output string
}

// Level is the authorisation level of an HTTP function.
type Level string

// The levels.
const (
	Anonymous     Level = "anonymous"
	FunctionLevel Level = "function"
	Admin         Level = "admin"
)

// functionName and bindingName are the host's own patterns (facts section 2): a binding name with an underscore is
// refused.
var (
	functionName = regexp.MustCompile(`^[a-zA-Z][a-zA-Z0-9_-]{0,127}$`)
	bindingName  = regexp.MustCompile(`^([a-zA-Z][a-zA-Z0-9]{0,127}|\$return)$`)
)

// ReadFunctions reads every function under root that is not disabled by a setting: <root>/functions/<Name> in the
// repository, <root>/<Name> in a deployed package. Every faulty function is named in the error.
func ReadFunctions(root string, settings Settings) ([]Function, error) {
	dir := filepath.Join(root, "functions")
	if _, err := os.Stat(dir); err != nil {
		dir = root
	}
	files, err := filepath.Glob(filepath.Join(dir, "*", "function.json"))
	if err != nil {
		return nil, fmt.Errorf("list functions: %w", err)
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("list functions in %s: %w", dir, fs.ErrNotExist)
	}
	var functions []Function
	var faults []error
	seen := map[string]string{}
	for _, file := range files {
		name := filepath.Base(filepath.Dir(file))
		if settings.Disabled(name) {
			continue
		}
		if other, found := seen[strings.ToLower(name)]; found {
			faults = append(faults, fmt.Errorf("function %s: the name differs from %s only in case", name, other))
		}
		seen[strings.ToLower(name)] = name
		function, err := readFunction(name, file, settings)
		if err != nil {
			faults = append(faults, fmt.Errorf("function %s: %w", name, err))
			continue
		}
		functions = append(functions, function)
	}
	return functions, errors.Join(faults...)
}

func readFunction(name, file string, settings Settings) (Function, error) {
	if !functionName.MatchString(name) || strings.EqualFold(name, "host") {
		return Function{}, fmt.Errorf("the folder's name is no function name")
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return Function{}, fmt.Errorf("read function: %w", err)
	}
	var parsed functionFile
	if err := json.Unmarshal(raw, &parsed); err != nil {
		return Function{}, fmt.Errorf("parse function.json: %w", err)
	}
	if len(parsed.Retry) > 0 && string(parsed.Retry) != "null" {
		return Function{}, fmt.Errorf("retry is not simulated by the local host")
	}
	return parsed.function(name, settings)
}
