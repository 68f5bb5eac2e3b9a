package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// document is an OpenAPI document, as far as its tests need it.
type document struct{ root map[string]any }

// at follows a path of names from the root; nil where there is nothing.
func (d document) at(path ...string) map[string]any {
	node := d.root
	for _, name := range path {
		node, _ = node[name].(map[string]any)
	}
	return d.resolve(node)
}

func (d document) resolve(node map[string]any) map[string]any {
	ref, isRef := node["$ref"].(string)
	if !isRef {
		return node
	}
	return d.at(strings.Split(strings.TrimPrefix(ref, "#/"), "/")...)
}

// keywords are those of JSON Schema that check knows, and those that only tell something.
const keywords = " $ref oneOf type enum properties required additionalProperties items minItems maxItems minLength " +
	"maxLength minimum maximum pattern format description default "

// check tells how a value does not fit a schema. It is stricter than the schema says: an object with properties has no
// others, unless the schema lets them in by name, so that what is answered and not described is found.
func (d document) check(schema map[string]any, value any, path string) []string {
	schema = d.resolve(schema)
	var wrong []string
	fail := func(format string, args ...any) { wrong = append(wrong, path+": "+fmt.Sprintf(format, args...)) }
	for keyword := range schema {
		if !strings.Contains(keywords, " "+keyword+" ") {
			fail("the schema has %s, which the test does not know", keyword)
		}
	}
	if options, is := schema["oneOf"].([]any); is {
		return append(wrong, d.checkOneOf(options, value, path)...)
	}
	if is, types := kind(value), typesOf(schema); len(types) > 0 && !slices.Contains(types, is) {
		if is != "integer" || !slices.Contains(types, "number") {
			fail("is %s, not %s", is, types)
			return wrong
		}
	}
	enum, is := schema["enum"].([]any)
	if is && !slices.ContainsFunc(enum, func(e any) bool { return reflect.DeepEqual(e, value) }) {
		fail("is %v, not one of %v", value, enum)
	}
	switch v := value.(type) {
	case string:
		wrong = append(wrong, checkText(schema, v, path)...)
	case float64:
		if least, is := schema["minimum"].(float64); is && v < least {
			fail("%v is less than %v", v, least)
		}
		if most, is := schema["maximum"].(float64); is && v > most {
			fail("%v is more than %v", v, most)
		}
	case []any:
		wrong = append(wrong, d.checkList(schema, v, path)...)
	case map[string]any:
		wrong = append(wrong, d.checkObject(schema, v, path)...)
	}
	return wrong
}

func (d document) checkOneOf(options []any, value any, path string) []string {
	fitting, all := 0, []string{}
	for _, option := range options {
		schema, _ := option.(map[string]any)
		if wrong := d.check(schema, value, path); len(wrong) == 0 {
			fitting++
		} else {
			all = append(all, wrong...)
		}
	}
	if fitting == 1 {
		return nil
	}
	return append(all, fmt.Sprintf("%s: fits %d of %d", path, fitting, len(options)))
}

func checkText(schema map[string]any, text, path string) []string {
	var wrong []string
	if pattern, is := schema["pattern"].(string); is && !regexp.MustCompile(pattern).MatchString(text) {
		wrong = append(wrong, fmt.Sprintf("%s: %q does not match %s", path, text, pattern))
	}
	if least, is := schema["minLength"].(float64); is && len(text) < int(least) {
		wrong = append(wrong, path+": is too short")
	}
	if most, is := schema["maxLength"].(float64); is && len(text) > int(most) {
		wrong = append(wrong, path+": is too long")
	}
	if schema["format"] == "date-time" {
		if _, err := time.Parse(time.RFC3339, text); err != nil || !strings.HasSuffix(text, "Z") {
			wrong = append(wrong, fmt.Sprintf("%s: %q is no time in UTC", path, text))
		}
	}
	return wrong
}

func (d document) checkList(schema map[string]any, list []any, path string) []string {
	var wrong []string
	if most, is := schema["maxItems"].(float64); is && len(list) > int(most) {
		wrong = append(wrong, path+": has too many items")
	}
	if least, is := schema["minItems"].(float64); is && len(list) < int(least) {
		wrong = append(wrong, path+": has too few items")
	}
	items, _ := schema["items"].(map[string]any)
	for i, item := range list {
		wrong = append(wrong, d.check(items, item, fmt.Sprintf("%s[%d]", path, i))...)
	}
	return wrong
}

func (d document) checkObject(schema map[string]any, object map[string]any, path string) []string {
	var wrong []string
	required, _ := schema["required"].([]any)
	for _, name := range required {
		if _, has := object[name.(string)]; !has {
			wrong = append(wrong, fmt.Sprintf("%s: %v is missing", path, name))
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(object)) {
		property, known := properties[name].(map[string]any)
		if !known {
			switch more := schema["additionalProperties"].(type) {
			case map[string]any:
				property, known = more, true
			case bool:
				known = more
			default:
				known = properties == nil
			}
		}
		if !known {
			wrong = append(wrong, fmt.Sprintf("%s: %s is not described", path, name))
			continue
		}
		wrong = append(wrong, d.check(property, object[name], path+"."+name)...)
	}
	return wrong
}

func typesOf(schema map[string]any) []string {
	switch t := schema["type"].(type) {
	case string:
		return []string{t}
	case []any:
		var types []string
		for _, one := range t {
			types = append(types, one.(string))
		}
		return types
	}
	return nil
}

func kind(value any) string {
	switch v := value.(type) {
	case nil:
		return "null"
	case bool:
		return "boolean"
	case string:
		return "string"
	case []any:
		return "array"
	case float64:
		if v == math.Trunc(v) {
			return "integer"
		}
		return "number"
	}
	return "object"
}

func fromJSON(t *testing.T, raw string) any {
	t.Helper()
	var value any
	if err := json.Unmarshal([]byte(raw), &value); err != nil {
		t.Fatalf("%v in %s", err, raw)
	}
	return value
}

// The check itself can fail: each of these does not fit.
func TestSchemaCheckFinds(t *testing.T) {
	t.Parallel()
	d := document{root: map[string]any{"n": fromJSON(t, `{"type":"integer","minimum":1}`)}}
	for schema, value := range map[string]string{
		`{"type":"string"}`:                     `1`,
		`{"type":["string","null"]}`:            `true`,
		`{"type":"integer"}`:                    `1.5`,
		`{"$ref":"#/n"}`:                        `0`,
		`{"enum":["a"]}`:                        `"b"`,
		`{"type":"object","required":["a"]}`:    `{}`,
		`{"properties":{"a":{}}}`:               `{"b":1}`,
		`{"additionalProperties":false}`:        `{"b":1}`,
		`{"additionalProperties":{"enum":[1]}}`: `{"b":2}`,
		`{"items":{"type":"null"}}`:             `[null,1]`,
		`{"maxItems":1}`:                        `[1,2]`,
		`{"pattern":"^a$"}`:                     `"b"`,
		`{"format":"date-time"}`:                `"2026-11-22T07:00:00+01:00"`,
		`{"oneOf":[{"type":"string"},{}]}`:      `"both"`,
		`{"oneOf":[{"type":"string"}]}`:         `1`,
		`{"not":{}}`:                            `1`,
	} {
		if wrong := d.check(fromJSON(t, schema).(map[string]any), fromJSON(t, value), ""); len(wrong) == 0 {
			t.Errorf("%s fits %s", value, schema)
		}
	}
	ok := `{"type":"object","properties":{"a":{"$ref":"#/n"},"b":{"type":"number"}}}`
	if wrong := d.check(fromJSON(t, ok).(map[string]any), fromJSON(t, `{"a":1,"b":2}`), ""); len(wrong) > 0 {
		t.Errorf("%q", wrong)
	}
}
