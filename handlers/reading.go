package main

import (
	"context"
	"time"

	"github.com/pgpreflight/pgpreflight/handlers/openapi"
	"github.com/pgpreflight/pgpreflight/handlers/reportpage"
	"github.com/pgpreflight/pgpreflight/handlers/server"
	"github.com/pgpreflight/pgpreflight/shared/link"
	"github.com/pgpreflight/pgpreflight/shared/settings"
)

// readers are functions that anybody may call: one asks for a signed link itself, the other tells only what the
// interface is.
func readers(s settings.Settings, p parts, report func(context.Context, string, error)) []server.HTTPFunction {
	page := reportpage.Handler{
		Store: p.store, MissingStore: s.Tables.Names(), Links: links(s), PlatformAuth: s.Host.PlatformAuth, Pages: p.pages,
		Now: time.Now, Report: report,
	}
	return []server.HTTPFunction{
		{Name: reportpage.Name, Route: reportpage.Route, Methods: reportpage.Methods(), Limit: reportpage.Limit,
			Handler: page},
		{Name: openapi.Name, Route: openapi.Route, Methods: openapi.Methods(), Limit: openapi.Limit,
			Handler: openapi.New(report)},
	}
}

// links are those that stand in tickets and callbacks.
func links(s settings.Settings) link.Links {
	return link.Links{Key: s.ReportLinkKey, Base: s.PublicBaseURL}
}
