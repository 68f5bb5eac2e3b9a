package config

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

type functionFile struct {
	Bindings []binding       `json:"bindings"`
	Retry    json.RawMessage `json:"retry"`
}

type binding struct {
	Type      string `json:"type"`
	Direction string `json:"direction"`
	Name      string `json:"name"`

	QueueName            string `json:"queueName"`
	TopicName            string `json:"topicName"`
	Connection           string `json:"connection"`
	DataType             string `json:"dataType"`
	Cardinality          string `json:"cardinality"`
	IsSessionsEnabled    bool   `json:"isSessionsEnabled"`
	AutoCompleteMessages *bool  `json:"autoCompleteMessages"`

	Schedule     string `json:"schedule"`
	RunOnStartup bool   `json:"runOnStartup"`
	UseMonitor   *bool  `json:"useMonitor"`

	Methods   []string `json:"methods"`
	Route     string   `json:"route"`
	AuthLevel string   `json:"authLevel"`
}

func (f functionFile) function(name string, settings Settings) (Function, error) {
	trigger, outputs, err := f.split()
	if err != nil {
		return Function{}, err
	}
	function := Function{Name: name, Binding: trigger.Name}
	switch strings.ToLower(trigger.Type) {
	case "servicebustrigger":
		function.Queue, err = trigger.queue(settings)
	case "timertrigger":
		function.Timer, err = trigger.timer(settings)
	case "httptrigger":
		function.HTTP, err = trigger.http(name, settings)
	case "eventgridtrigger":
		function.Event, err = trigger.event()
	default:
		err = fmt.Errorf("the type is not simulated by the local host")
	}
	if err != nil {
		return Function{}, fmt.Errorf("%s %q: %w", trigger.Type, trigger.Name, err)
	}
	for _, output := range outputs {
		if function.HTTP == nil || function.HTTP.Output != "" || !strings.EqualFold(output.Type, "http") {
			return Function{}, fmt.Errorf("output %s %q is not simulated by the local host", output.Type, output.Name)
		}
		function.HTTP.Output = output.Name
	}
	return function, nil
}

// split finds the one trigger and checks what holds for every binding.
func (f functionFile) split() (binding, []binding, error) {
	var triggers, outputs []binding
	names := map[string]bool{}
	for _, b := range f.Bindings {
		if !bindingName.MatchString(b.Name) {
			return binding{}, nil, fmt.Errorf("binding name %q: only letters and digits are allowed, or $return", b.Name)
		}
		if names[strings.ToLower(b.Name)] {
			return binding{}, nil, fmt.Errorf("binding name %q is used twice", b.Name)
		}
		names[strings.ToLower(b.Name)] = true
		isTrigger := strings.HasSuffix(strings.ToLower(b.Type), "trigger")
		switch {
		case isTrigger && (b.Direction == "in" || b.Direction == ""):
			triggers = append(triggers, b)
		case !isTrigger && b.Direction == "out":
			outputs = append(outputs, b)
		default:
			return binding{}, nil, fmt.Errorf("binding %q: %s cannot have the direction %q", b.Name, b.Type, b.Direction)
		}
	}
	if len(triggers) != 1 {
		return binding{}, nil, fmt.Errorf("%d triggers, must be exactly one", len(triggers))
	}
	return triggers[0], outputs, nil
}

func (b binding) queue(settings Settings) (*QueueTrigger, error) {
	switch {
	case b.TopicName != "" || b.QueueName == "":
		return nil, fmt.Errorf("queueName is missing (topics are not simulated)")
	case b.Cardinality != "" && !strings.EqualFold(b.Cardinality, "one"):
		return nil, fmt.Errorf("cardinality %q is not simulated by the local host, only one", b.Cardinality)
	case b.IsSessionsEnabled:
		return nil, fmt.Errorf("sessions are not simulated by the local host")
	case b.AutoCompleteMessages != nil && !*b.AutoCompleteMessages:
		return nil, fmt.Errorf("autoCompleteMessages false is not simulated by the local host")
	case b.DataType != "" && !strings.EqualFold(b.DataType, "string") && !strings.EqualFold(b.DataType, "binary"):
		return nil, fmt.Errorf("dataType %q is not simulated by the local host", b.DataType)
	}
	address, err := settings.Expand(b.QueueName)
	if err != nil {
		return nil, fmt.Errorf("queueName: %w", err)
	}
	connection, err := settings.Expand(b.Connection)
	if err != nil {
		return nil, fmt.Errorf("connection: %w", err)
	}
	if connection == "" {
		connection = "AzureWebJobsServiceBus"
	}
	return &QueueTrigger{Address: address, Connection: connection, Binary: strings.EqualFold(b.DataType, "binary")}, nil
}

func (b binding) timer(settings Settings) (*TimerTrigger, error) {
	schedule, err := settings.Expand(b.Schedule)
	if err != nil {
		return nil, fmt.Errorf("schedule: %w", err)
	}
	if schedule == "" {
		return nil, fmt.Errorf("schedule is missing")
	}
	useMonitor := b.UseMonitor == nil || *b.UseMonitor
	return &TimerTrigger{Schedule: schedule, RunOnStartup: b.RunOnStartup, UseMonitor: useMonitor}, nil
}

// event takes single events as text only, the default: what the real host sends for other forms is not researched.
func (b binding) event() (*EventTrigger, error) {
	if b.Cardinality != "" && !strings.EqualFold(b.Cardinality, "one") {
		return nil, fmt.Errorf("cardinality %q is not simulated by the local host, only one", b.Cardinality)
	}
	if b.DataType != "" && !strings.EqualFold(b.DataType, "string") {
		return nil, fmt.Errorf("dataType %q is not simulated by the local host", b.DataType)
	}
	return &EventTrigger{}, nil
}

func (b binding) http(function string, settings Settings) (*HTTPTrigger, error) {
	text, err := settings.Expand(b.Route)
	if err != nil {
		return nil, fmt.Errorf("route: %w", err)
	}
	if text == "" {
		text = function
	}
	route, err := ParseRoute(text)
	if err != nil {
		return nil, err
	}
	level := Level(strings.ToLower(b.AuthLevel))
	if level == "" {
		level = FunctionLevel
	}
	if !slices.Contains([]Level{Anonymous, FunctionLevel, Admin}, level) {
		return nil, fmt.Errorf("authLevel %q is none of anonymous, function, admin", b.AuthLevel)
	}
	trigger := &HTTPTrigger{Route: route, Level: level}
	for _, method := range b.Methods {
		trigger.Methods = append(trigger.Methods, strings.ToUpper(method))
	}
	return trigger, nil
}
