// Package config reads host.json, the functions' function.json and local.settings.json as the Azure Functions host
// does, and refuses with a clear error what the real host refuses or what the local host does not simulate. It starts
// nothing.
package config

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Host is what the local host takes from host.json, with the real host's defaults for what the file leaves out.
type Host struct {
	// FunctionTimeout ends an invocation; zero means unlimited.
	FunctionTimeout time.Duration
	Handler         Handler
	// RoutePrefix stands before every HTTP route, without slashes; empty means none.
	RoutePrefix string
	Queues      Queues
}

// Handler describes the custom handler's process.
type Handler struct {
	Executable            string
	Arguments             []string
	WorkingDirectory      string
	StderrIsErrors        bool
	InitializationTimeout time.Duration
	// Proxying streams HTTP requests to the handler; Forwarding is the older, buffering way. Proxying wins.
	Proxying   bool
	Forwarding bool
}

// Queues holds extensions.serviceBus.
type Queues struct {
	MaxConcurrentCalls         int
	MaxAutoLockRenewalDuration time.Duration
}

type hostFile struct {
	Version         string `json:"version"`
	FunctionTimeout string `json:"functionTimeout"`
	CustomHandler   struct {
		Description struct {
			DefaultExecutablePath          string   `json:"defaultExecutablePath"`
			WorkingDirectory               string   `json:"workingDirectory"`
			Arguments                      []string `json:"arguments"`
			UseStdErrorStreamForErrorsOnly *bool    `json:"useStdErrorStreamForErrorsOnly"`
		} `json:"description"`
		EnableForwardingHTTPRequest bool   `json:"enableForwardingHttpRequest"`
		EnableProxyingHTTPRequest   bool   `json:"enableProxyingHttpRequest"`
		InitializationTimeout       string `json:"initializationTimeout"`
	} `json:"customHandler"`
	Extensions struct {
		HTTP struct {
			RoutePrefix *string `json:"routePrefix"`
		} `json:"http"`
		ServiceBus struct {
			PrefetchCount              int    `json:"prefetchCount"`
			AutoCompleteMessages       *bool  `json:"autoCompleteMessages"`
			MaxAutoLockRenewalDuration string `json:"maxAutoLockRenewalDuration"`
			MaxConcurrentCalls         *int   `json:"maxConcurrentCalls"`
		} `json:"serviceBus"`
	} `json:"extensions"`
}

// ReadHost reads host.json in root.
func ReadHost(root string) (Host, error) {
	path := filepath.Join(root, "host.json")
	raw, err := os.ReadFile(path)
	if err != nil {
		return Host{}, fmt.Errorf("read host configuration: %w", err)
	}
	host, err := parseHost(raw)
	if err != nil {
		return Host{}, fmt.Errorf("parse %s: %w", path, err)
	}
	return host, nil
}

func parseHost(raw []byte) (Host, error) {
	var file hostFile
	if err := json.Unmarshal(raw, &file); err != nil {
		return Host{}, err
	}
	if file.Version != "2.0" {
		return Host{}, fmt.Errorf("version is %q, must be \"2.0\"", file.Version)
	}
	if file.CustomHandler.Description.DefaultExecutablePath == "" {
		return Host{}, fmt.Errorf("customHandler.description.defaultExecutablePath is missing")
	}
	host := Host{RoutePrefix: "api", Handler: file.handler()}
	if prefix := file.Extensions.HTTP.RoutePrefix; prefix != nil {
		host.RoutePrefix = strings.Trim(*prefix, "/")
	}
	if err := file.times(&host); err != nil {
		return Host{}, err
	}
	return host, file.queues(&host)
}

func (f hostFile) handler() Handler {
	description := f.CustomHandler.Description
	return Handler{
		Executable:       description.DefaultExecutablePath,
		Arguments:        description.Arguments,
		WorkingDirectory: description.WorkingDirectory,
		// The default is true: without the key every line on stderr is an error (facts section 5, logging).
		StderrIsErrors: description.UseStdErrorStreamForErrorsOnly == nil || *description.UseStdErrorStreamForErrorsOnly,
		Proxying:       f.CustomHandler.EnableProxyingHTTPRequest,
		Forwarding:     f.CustomHandler.EnableForwardingHTTPRequest,
	}
}

func (f hostFile) times(host *Host) error {
	fields := []struct {
		name, text string
		fallback   time.Duration
		into       *time.Duration
	}{
		{"functionTimeout", f.FunctionTimeout, 30 * time.Minute, &host.FunctionTimeout},
		{"customHandler.initializationTimeout", f.CustomHandler.InitializationTimeout, 30 * time.Second,
			&host.Handler.InitializationTimeout},
		{"extensions.serviceBus.maxAutoLockRenewalDuration", f.Extensions.ServiceBus.MaxAutoLockRenewalDuration,
			5 * time.Minute, &host.Queues.MaxAutoLockRenewalDuration},
	}
	for _, field := range fields {
		value, err := timeSpan(field.text, field.fallback)
		if err != nil {
			return fmt.Errorf("%s: %w", field.name, err)
		}
		*field.into = value
	}
	return nil
}

func (f hostFile) queues(host *Host) error {
	settings := f.Extensions.ServiceBus
	if settings.AutoCompleteMessages != nil && !*settings.AutoCompleteMessages {
		return fmt.Errorf("extensions.serviceBus.autoCompleteMessages: false is not simulated by the local host")
	}
	if settings.PrefetchCount != 0 {
		return fmt.Errorf("extensions.serviceBus.prefetchCount: only 0 is simulated by the local host")
	}
	host.Queues.MaxConcurrentCalls = 16
	if settings.MaxConcurrentCalls != nil {
		host.Queues.MaxConcurrentCalls = *settings.MaxConcurrentCalls
	}
	if host.Queues.MaxConcurrentCalls < 1 {
		return fmt.Errorf("extensions.serviceBus.maxConcurrentCalls: must be at least 1")
	}
	return nil
}
