package request

import (
	"encoding/base64"
	"strings"
)

// unwrapped is the request inside a message and the id of the event around it, if there was one.
type unwrapped struct {
	request any
	eventID string
	problem *Problem
}

// unwrap takes a request out of a CloudEvents 1.0 structured envelope or an Event Grid event, alone or as the only
// element of an array, which is how webhooks deliver them. Anything else is taken for the request itself.
func unwrap(tree any) unwrapped {
	if list, isList := tree.([]any); isList {
		if len(list) != 1 || !isEvent(list[0]) {
			return unwrapped{problem: invalid("", "is a list: a message holds one request")}
		}
		tree = list[0]
	}
	if !isEvent(tree) {
		return unwrapped{request: tree}
	}
	event, _ := tree.(map[string]any)
	inner := eventData(event)
	if id, isText := event["id"].(string); isText {
		inner.eventID = id
	}
	return inner
}

// EventID is the id of the event that a message holds; empty where it holds none.
func EventID(body []byte) string {
	tree, _ := parse(body)
	return unwrap(tree).eventID
}

// isEvent looks at the one attribute that each form demands and that a request does not have.
func isEvent(tree any) bool {
	members, _ := tree.(map[string]any)
	_, isCloudEvent := members["specversion"]
	_, isGridEvent := members["eventType"]
	return isCloudEvent || isGridEvent
}

func eventData(event map[string]any) unwrapped {
	if version, given := event["specversion"]; given && version != "1.0" {
		return unwrapped{problem: invalid("specversion", `must be "1.0"`)}
	}
	if kind, isText := event["datacontenttype"].(string); isText && !isJSON(kind) {
		return unwrapped{problem: invalid("datacontenttype", "must be application/json")}
	}
	encoded, hasEncoded := event["data_base64"]
	data, hasData := event["data"].(map[string]any)
	switch {
	case hasEncoded && event["data"] != nil:
		return unwrapped{problem: invalid("data_base64", "must not stand beside data")}
	case hasEncoded:
		return decodeData(encoded)
	case !hasData:
		return unwrapped{problem: invalid("data", "must be an object, the check request")}
	}
	return unwrapped{request: data}
}

func decodeData(encoded any) unwrapped {
	text, _ := encoded.(string)
	body, err := base64.StdEncoding.DecodeString(text)
	if text == "" || err != nil {
		return unwrapped{problem: invalid("data_base64", "must be a check request in base64")}
	}
	tree, problem := parse(body)
	return unwrapped{request: tree, problem: problem}
}

func isJSON(contentType string) bool {
	kind, _, _ := strings.Cut(strings.ToLower(contentType), ";")
	kind = strings.TrimSpace(kind)
	return kind == "application/json" || kind == "text/json" || strings.HasSuffix(kind, "+json")
}
