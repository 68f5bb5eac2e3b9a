package request

import (
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// reader keeps the first problem; what is read after it is not used.
type reader struct{ problem *Problem }

func (r *reader) fail(field, message string) {
	if r.problem == nil {
		r.problem = invalid(field, message)
	}
}

// object is one JSON object at a path. Null and "" count as not given, as in the sample of the contract.
type object struct {
	reader  *reader
	path    string
	members map[string]any
}

// rule says what a text must be, or "" where it is that.
type rule func(text string) string

// open reads a value as the object that marshals from T; every other field is refused.
func open[T any](r *reader, value any, path string) object {
	members, isObject := value.(map[string]any)
	if value != nil && !isObject {
		r.fail(path, "must be an object, not "+kindOf(value))
	}
	known := fieldsOf[T]()
	for _, key := range sortedKeys(members) {
		if !slices.Contains(known, key) {
			r.fail(join(path, key), "is an unknown field; known here: "+strings.Join(known, ", "))
		}
	}
	return object{reader: r, path: path, members: members}
}

func child[T any](o object, name string) object {
	return open[T](o.reader, o.members[name], o.at(name))
}

func (o object) at(name string) string { return join(o.path, name) }

func (o object) given(name string) bool { return o.members[name] != nil && o.members[name] != "" }

func (o object) text(name string, allowed rule) string {
	if !o.given(name) {
		return ""
	}
	text, isText := o.members[name].(string)
	if !isText {
		o.reader.fail(o.at(name), "must be a text, not "+kindOf(o.members[name]))
		return ""
	}
	if expected := allowed(text); expected != "" {
		o.reader.fail(o.at(name), "must "+expected)
	}
	return text
}

func (o object) flag(name string) bool {
	value, isFlag := o.members[name].(bool)
	if o.members[name] != nil && !isFlag {
		o.reader.fail(o.at(name), "must be true or false, not "+kindOf(o.members[name]))
	}
	return value
}

// bounds is a range of whole numbers and what stands for one that is not given.
type bounds struct{ low, high, preset int }

func (o object) number(name string, within bounds) int {
	if o.members[name] == nil {
		return within.preset
	}
	number, isNumber := o.members[name].(json.Number)
	value, err := strconv.Atoi(number.String())
	if !isNumber || err != nil || value < within.low || value > within.high {
		message := fmt.Sprintf("must be a whole number from %d to %d", within.low, within.high)
		if !isNumber {
			message += ", not " + kindOf(o.members[name])
		}
		o.reader.fail(o.at(name), message)
	}
	return value
}

func (o object) texts(name string, most int, allowed rule) []string {
	if o.members[name] == nil {
		return nil
	}
	list, isList := o.members[name].([]any)
	if !isList {
		o.reader.fail(o.at(name), "must be a list of texts, not "+kindOf(o.members[name]))
	}
	if len(list) > most {
		o.reader.fail(o.at(name), fmt.Sprintf("must have at most %d entries", most))
		return nil
	}
	var texts []string
	for i, element := range list {
		texts = append(texts, o.element(fmt.Sprintf("%s[%d]", o.at(name), i), element, texts, allowed))
	}
	return texts
}

func (o object) element(path string, value any, before []string, allowed rule) string {
	text, isText := value.(string)
	if !isText {
		o.reader.fail(path, "must be a text, not "+kindOf(value))
		return ""
	}
	if expected := allowed(text); expected != "" {
		o.reader.fail(path, "must "+expected)
	}
	if slices.Contains(before, text) {
		o.reader.fail(path, "is there twice")
	}
	return text
}

func choice[T ~string](o object, name string, preset T, choices ...T) T {
	text := o.text(name, func(text string) string {
		if slices.Contains(choices, T(text)) {
			return ""
		}
		return "be one of " + listed(choices)
	})
	if text == "" {
		return preset
	}
	return T(text)
}

func listed[T ~string](choices []T) string {
	var list []string
	for _, choice := range choices {
		list = append(list, string(choice))
	}
	return strings.Join(list, ", ")
}

// fieldsOf lists the JSON names of a struct, so that what is accepted cannot drift from what is written.
func fieldsOf[T any]() []string {
	var names []string
	for field := range reflect.TypeFor[T]().Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		names = append(names, name)
	}
	return names
}

func sortedKeys(members map[string]any) []string {
	keys := make([]string, 0, len(members))
	for key := range members {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

func kindOf(value any) string {
	switch value.(type) {
	case nil:
		return "null"
	case bool:
		return "true or false"
	case json.Number:
		return "a number"
	case string:
		return "a text"
	case []any:
		return "a list"
	default:
		return "an object"
	}
}
