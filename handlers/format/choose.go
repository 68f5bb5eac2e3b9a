package format

import (
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// Format is a form that a report is given in, by its name in ?format=.
type Format string

// The formats.
const (
	JSON     Format = "json"
	HTML     Format = "html"
	Markdown Format = "md"
	JUnit    Format = "junit"
)

// MediaType is the format's name in Accept and Content-Type.
func (f Format) MediaType() string {
	switch f {
	case HTML:
		return "text/html"
	case Markdown:
		return "text/markdown"
	case JUnit:
		return "application/junit+xml"
	}
	return "application/json"
}

// contentType is the media type with the character set, for those that have one.
func (f Format) contentType() string {
	if f == HTML || f == Markdown {
		return f.MediaType() + "; charset=utf-8"
	}
	return f.MediaType()
}

// Choose gives the format that a request asks for among those offered, the most natural one first. ?format= goes before
// Accept. It is false where none of the offered ones is accepted.
func Choose(r *http.Request, offered ...Format) (Format, bool) {
	if named := r.URL.Query().Get("format"); named != "" {
		for _, f := range offered {
			if string(f) == named {
				return f, true
			}
		}
		return "", false
	}
	ranges := accepted(r.Header.Values("Accept"))
	best, bestQuality := Format(""), 0.0
	for _, f := range offered {
		if q := quality(ranges, f.MediaType()); q > bestQuality {
			best, bestQuality = f, q
		}
	}
	return best, best != ""
}

// mediaRange is one element of Accept (RFC 9110, 12.5.1).
type mediaRange struct {
	name    string
	quality float64
}

// accepted reads Accept. Without it, or where nothing in it can be read, everything is accepted.
func accepted(headers []string) []mediaRange {
	var out []mediaRange
	for element := range strings.SplitSeq(strings.Join(headers, ","), ",") {
		name, parameters, err := mime.ParseMediaType(element)
		if err != nil || !strings.Contains(name, "/") {
			continue
		}
		q := 1.0
		if text, found := parameters["q"]; found {
			if q, err = strconv.ParseFloat(text, 64); err != nil || math.IsNaN(q) || q < 0 || q > 1 {
				continue
			}
		}
		out = append(out, mediaRange{name, q})
	}
	if len(out) == 0 {
		return []mediaRange{{"*/*", 1}}
	}
	return out
}

// quality is that of the most specific range which covers the media type; 0 where none does.
func quality(ranges []mediaRange, mediaType string) float64 {
	group, _, _ := strings.Cut(mediaType, "/")
	for _, name := range []string{mediaType, group + "/*", "*/*"} {
		for _, r := range ranges {
			if r.name == name {
				return r.quality
			}
		}
	}
	return 0
}
