package invocation

import (
	"mime"
	"strings"
)

// HTTPRequest is a request to a function that is neither proxied nor forwarded.
type HTTPRequest struct {
	// URL is complete, with scheme and query.
	URL     string
	Method  string
	Query   []Field
	Headers []Field
	Params  []Param
	// KeyName is the function key that let the caller in; empty for an anonymous caller.
	KeyName string
	// Body is nil where Content-Length is missing or 0: a chunked body gets lost here, as in the real host (facts
	// section 2.4).
	Body []byte
}

// Field is a header or query field with all its values.
type Field struct {
	Name   string
	Values []string
}

// Param is a route parameter; nil where an optional one is missing.
type Param struct {
	Name  string
	Value *string
}

// HTTP builds the body for an httpTrigger in the default mode (facts section 2.4).
func HTTP(binding string, request HTTPRequest, system System) ([]byte, error) {
	query, headers, joined := &object{}, &object{}, &object{}
	for _, field := range request.Query {
		query.set(field.Name, strings.Join(field.Values, ","))
	}
	for _, field := range request.Headers {
		headers.set(field.Name, field.Values)
		joined.set(field.Name, strings.Join(field.Values, ","))
	}
	data := &object{[]member{
		{"Url", request.URL},
		{"Method", request.Method},
		{"Query", query},
		{"Headers", headers},
		{"Params", request.params()},
		{"Identities", []identity{request.identity()}},
	}}
	metadata := &object{}
	if request.Body != nil {
		request.addBody(data, metadata)
	}
	for _, field := range request.Query {
		if !strings.EqualFold(field.Name, "code") {
			metadata.set(field.Name, strings.Join(field.Values, ","))
		}
	}
	for _, param := range request.Params {
		if param.Value != nil {
			metadata.set(param.Name, *param.Value)
		}
	}
	metadata.set("Query", query)
	metadata.set("Headers", joined)
	addSystem(metadata, system)
	return body(binding, data, metadata)
}

func (r HTTPRequest) params() *object {
	params := &object{}
	for _, param := range r.Params {
		if param.Value == nil {
			params.set(param.Name, nil)
			continue
		}
		params.set(param.Name, *param.Value)
	}
	return params
}

// addBody adds text as a string and octet streams and multipart bodies in base64; JSON is promoted too.
func (r HTTPRequest) addBody(data, metadata *object) {
	mediaType := r.mediaType()
	if mediaType == "application/octet-stream" || strings.HasPrefix(mediaType, "multipart/") {
		data.set("Body", r.Body)
		return
	}
	text := strings.ToValidUTF8(string(r.Body), "\uFFFD")
	data.set("Body", text)
	if strings.HasSuffix(mediaType, "json") {
		promote(metadata, text)
	}
}

func (r HTTPRequest) mediaType() string {
	for _, header := range r.Headers {
		if strings.EqualFold(header.Name, "Content-Type") && len(header.Values) > 0 {
			if mediaType, _, err := mime.ParseMediaType(header.Values[0]); err == nil {
				return mediaType
			}
		}
	}
	return ""
}

// identity is a .NET ClaimsIdentity as the host's serializer prints it.
type identity struct {
	AuthenticationType *string
	IsAuthenticated    bool
	Actor              *string
	BootstrapContext   *string
	Claims             []claim
	Label              *string
	Name               *string
	NameClaimType      string
	RoleClaimType      string
}

type claim struct {
	Issuer         string
	OriginalIssuer string
	Properties     struct{}
	Type           string
	Value          string
	ValueType      string
}

func (r HTTPRequest) identity() identity {
	who := identity{
		Claims:        []claim{},
		NameClaimType: "http://schemas.xmlsoap.org/ws/2005/05/identity/claims/name",
		RoleClaimType: "http://schemas.microsoft.com/ws/2008/06/identity/claims/role",
	}
	if r.KeyName == "" {
		return who
	}
	scheme := "WebJobsAuthLevel"
	who.AuthenticationType, who.IsAuthenticated = &scheme, true
	claims := [][2]string{{"authlevel", "Function"}, {"invoke", "true"}, {"keyid", r.KeyName}}
	for _, c := range claims {
		who.Claims = append(who.Claims, claim{
			Issuer:         "LOCAL AUTHORITY",
			OriginalIssuer: "LOCAL AUTHORITY",
			Type:           "http://schemas.microsoft.com/2017/07/functions/claims/" + c[0],
			Value:          c[1],
			ValueType:      "http://www.w3.org/2001/XMLSchema#string",
		})
	}
	return who
}
