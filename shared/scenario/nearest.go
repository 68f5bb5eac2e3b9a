package scenario

import "github.com/pgpreflight/pgpreflight/shared/request"

// kin says which rows speak of a kind of source, or come nearest to it.
type kin struct {
	Kind request.Kind
	// Public and Private are the rows for a source that is reached that way.
	Public, Private int
	// As is the kind that the rows name; a newer kind is not in the table itself and follows that one.
	As    request.Kind
	Newer bool
}

// kinship lists every kind. AlloyDB is reached as Cloud SQL is, EDB runs where its owner has put it, Heroku is a
// managed service with a public address: the page names it so in passing.
func kinship() []kin {
	return []kin{
		{Kind: request.OnPremises, Public: 1, Private: 2, As: request.OnPremises},
		{Kind: request.AmazonRDS, Public: 3, Private: 4, As: request.AmazonRDS},
		{Kind: request.AmazonAurora, Public: 3, Private: 4, As: request.AmazonAurora},
		{Kind: request.GoogleCloudSQL, Public: 5, Private: 6, As: request.GoogleCloudSQL},
		{Kind: request.GoogleAlloyDB, Public: 5, Private: 6, As: request.GoogleCloudSQL, Newer: true},
		{Kind: request.AzureVM, Public: 1, Private: 7, As: request.AzureVM},
		{Kind: request.AzureSingleServer, Public: 8, Private: 9, As: request.AzureSingleServer},
		{Kind: request.EDB, Public: 1, Private: 2, As: request.OnPremises, Newer: true},
		{Kind: request.Heroku, Public: 3, Private: 4, As: request.AmazonRDS, Newer: true},
		{Kind: request.Other, Public: 1, Private: 2, As: request.Other},
	}
}

func kinOf(kind request.Kind) kin {
	for _, k := range kinship() {
		if k.Kind == kind {
			return k
		}
	}
	return kin{Public: 1, Private: 2}
}

// like is the kind to look up. Nothing documents Heroku's private spaces, so only its public servers follow a row.
func (k kin) like(access request.Access) request.Kind {
	if k.Kind == request.Heroku && access != request.Public {
		return k.Kind
	}
	return k.As
}

// nearest goes by the way to the source, since most of the steps are there; a target with a private endpoint needs the
// runtime server whatever the source is.
func (k kin) nearest(from, to request.Access) int {
	switch {
	case to == request.PrivateEndpoint && k.Kind == request.AzureSingleServer:
		return 10
	case to == request.PrivateEndpoint:
		return 11
	case from == request.Public:
		return k.Public
	}
	return k.Private
}

// why names the reason for which no row covers a placement.
func why(p Placement) Note {
	switch public := p.SourceAccess == request.Public; {
	case public && p.TargetAccess == request.PrivateEndpoint:
		return PublicToEndpoint
	case p.SourceKind == "":
		return KindUnknown
	case p.SourceKind == request.AzureVM && public:
		return PublicVM
	case p.SourceKind == request.AzureSingleServer && public:
		return SingleToPublic
	case p.SourceKind == request.AzureSingleServer:
		return SingleWithoutAccess
	case p.SourceAccess == request.PrivateEndpoint:
		return EndpointElsewhere
	case p.SourceKind == request.Other:
		return KindOther
	case public:
		return PublicToVNet
	}
	return PrivateHeroku
}
