package invocation

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Event builds the body for an eventGridTrigger: the event's text, indented and twice encoded. Its data and its
// top-level properties go into Metadata (facts section 2.5). Numbers and escapes stay as they came; the real host prints
// them anew.
func Event(binding string, event json.RawMessage, system System) ([]byte, error) {
	var text bytes.Buffer
	if err := json.Indent(&text, event, "", "  "); err != nil {
		return nil, fmt.Errorf("indent event: %w", err)
	}
	members := topLevel(text.String())
	if members == nil {
		return nil, fmt.Errorf("the event is no object")
	}
	metadata := &object{}
	for _, m := range members {
		if m.name == "data" {
			metadata.set("data", promoted(m.value.(json.RawMessage)))
		}
	}
	addSystem(metadata, system)
	promote(metadata, text.String())
	data, err := encode(text.String())
	if err != nil {
		return nil, err
	}
	return body(binding, string(data), metadata)
}
