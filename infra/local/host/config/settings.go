package config

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
)

// Settings are the app settings: what Azure gives to the host, and the host to the handler, as environment variables.
type Settings map[string]string

// ReadSettings reads the Values of a local.settings.json file.
func ReadSettings(path string) (Settings, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read settings: %w", err)
	}
	var file struct {
		IsEncrypted bool
		Values      map[string]string
	}
	if err := json.Unmarshal(raw, &file); err != nil {
		return nil, fmt.Errorf("parse settings %s: %w", path, err)
	}
	if file.IsEncrypted {
		return nil, fmt.Errorf("parse settings %s: encrypted values are not supported", path)
	}
	return file.Values, nil
}

// Merge returns the settings with those of over on top.
func (s Settings) Merge(over Settings) Settings {
	merged := Settings{}
	maps.Copy(merged, s)
	maps.Copy(merged, over)
	return merged
}

// FromEnvironment turns os.Environ lines into settings.
func FromEnvironment(lines []string) Settings {
	settings := Settings{}
	for _, line := range lines {
		if name, value, found := strings.Cut(line, "="); found && name != "" {
			settings[name] = value
		}
	}
	return settings
}

// Environment gives the settings as lines for a child process.
func (s Settings) Environment() []string {
	lines := make([]string, 0, len(s))
	for name, value := range s {
		lines = append(lines, name+"="+value)
	}
	return lines
}

var reference = regexp.MustCompile(`%([^%]+)%`)

// Expand replaces every %NAME% in a binding's value. An unknown name is an error, as in the real host.
func (s Settings) Expand(text string) (string, error) {
	var missing []string
	expanded := reference.ReplaceAllStringFunc(text, func(match string) string {
		value, found := s[strings.Trim(match, "%")]
		if !found {
			missing = append(missing, match)
		}
		return value
	})
	if len(missing) > 0 {
		return "", fmt.Errorf("%s does not resolve to a setting", strings.Join(missing, ", "))
	}
	return expanded, nil
}

// ExpandLenient replaces every %NAME% in an argument of the handler. There an unknown name becomes empty instead (facts
// section 1).
func (s Settings) ExpandLenient(text string) string {
	return reference.ReplaceAllStringFunc(text, func(match string) string { return s[strings.Trim(match, "%")] })
}

// Disabled tells whether the setting AzureWebJobs.<name>.Disabled switches a function off.
func (s Settings) Disabled(name string) bool {
	value := s["AzureWebJobs."+name+".Disabled"]
	return strings.EqualFold(value, "true") || value == "1"
}
