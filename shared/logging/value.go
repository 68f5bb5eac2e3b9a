package logging

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// replace cleans one attribute. Numbers, truth values and times cannot hold a secret.
func replace(groups []string, a slog.Attr, clean func(string) string) slog.Attr {
	if isSecretName(a.Key) || slices.ContainsFunc(groups, isSecretName) {
		return slog.String(a.Key, redacted)
	}
	switch a.Value.Kind() {
	case slog.KindString:
		return slog.String(a.Key, cleanMember(a.Key, a.Value.String(), clean))
	case slog.KindAny:
		return slog.Any(a.Key, cleanAny(a.Key, a.Value.Any(), clean))
	}
	return a
}

// cleanAny makes plain JSON of a value first: what a text inside it looks like from outside depends on how often it was
// encoded.
func cleanAny(name string, value any, clean func(string) string) any {
	switch value := value.(type) {
	case slog.Level:
		return value
	case error:
		return clean(value.Error())
	case fmt.Stringer:
		return clean(value.String())
	case []byte:
		return clean(string(value))
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprintf("%T", value)
	}
	var tree any
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	if decoder.Decode(&tree) != nil {
		return fmt.Sprintf("%T", value)
	}
	return cleanTree(name, tree, clean)
}

func cleanTree(name string, tree any, clean func(string) string) any {
	switch node := tree.(type) {
	case string:
		return cleanMember(name, node, clean)
	case []any:
		for i := range node {
			node[i] = cleanTree(name, node[i], clean)
		}
	case map[string]any:
		cleaned := make(map[string]any, len(node))
		for key, member := range node {
			if isSecretName(key) {
				member = redacted
			}
			cleaned[clean(key)] = cleanTree(key, member, clean)
		}
		return cleaned
	}
	return tree
}

// cleanMember knows that code is a finding's code or a SQLSTATE, in capitals, or else the function key of a query.
func cleanMember(name, text string, clean func(string) string) string {
	if strings.EqualFold(name, "code") && strings.Trim(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != "" {
		return redacted
	}
	return clean(text)
}
