package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"

	"github.com/pgpreflight/pgpreflight/shared/finding"
	"github.com/pgpreflight/pgpreflight/shared/report"
	"github.com/pgpreflight/pgpreflight/shared/schedule"
)

// routeState is a route without its request: what can be compared.
type routeState struct {
	nextDue, claimedUntil, queuedAt time.Time
	queuedCheckID                   string
	last                            schedule.Last
	watch                           schedule.Watch
}

func (r Route) state() routeState {
	return routeState{nextDue: r.NextDue, claimedUntil: r.ClaimedUntil, queuedAt: r.QueuedAt,
		queuedCheckID: r.QueuedCheckID, last: r.Last, watch: r.Watch}
}

// row is the route in columns. Those of the contract come first; the others are what timers and notifications remember.
// A time that is not known has no column: tables begin with 1601.
func (r Route) row() row {
	columns := map[string]any{
		"Request": string(r.Request), "EveryMinutes": int32(r.EveryMinutes), "Enabled": r.Enabled,
		"LastVerdict": string(r.Last.Verdict), "LastCheckId": r.Last.CheckID,
		"QueuedCheckId":  r.QueuedCheckID,
		"SuspectCheckId": r.Watch.Suspect, "SuspectCode": string(r.Watch.SuspectCode),
		"SaidVerdict": string(r.Watch.Said), "SaidCode": string(r.Watch.SaidCode), "SaidCheckId": r.Watch.SaidID,
	}
	for name, at := range map[string]time.Time{
		"NextDue": r.NextDue, "Since": r.Last.Since, "LastStartedAt": r.Last.Started, "ClaimedUntil": r.ClaimedUntil,
		"QueuedAt": r.QueuedAt, "SuspectAt": r.Watch.SuspectAt, "SaidAt": r.Watch.SaidAt, "BlockedSaidAt": r.Watch.BlockedAt,
	} {
		if !at.IsZero() {
			columns[name] = timestamp(at)
		}
	}
	return row{partition: routesPartition, key: r.Name, columns: columns}
}

// routeLine is a row of Routes as it is read.
type routeLine struct {
	Name           string `json:"RowKey"`
	Request        string
	EveryMinutes   int
	Enabled        bool
	LastVerdict    report.Verdict
	LastCheckID    string `json:"LastCheckId"`
	QueuedCheckID  string `json:"QueuedCheckId"`
	SuspectCheckID string `json:"SuspectCheckId"`
	SuspectCode    finding.Code
	SaidVerdict    report.Verdict
	SaidCode       finding.Code
	SaidCheckID    string `json:"SaidCheckId"`

	NextDue, Since, LastStartedAt, ClaimedUntil, QueuedAt, SuspectAt, SaidAt, BlockedSaidAt time.Time

	ETag string `json:"odata.etag"`
}

func decodeRoute(raw []byte) (Route, error) {
	var l routeLine
	if err := json.Unmarshal(raw, &l); err != nil {
		return Route{}, fmt.Errorf("decode row: %w", err)
	}
	if l.Name == "" {
		return Route{}, errors.New("decode row: it has no RowKey")
	}
	return Route{
		Name: l.Name, Request: json.RawMessage(l.Request), EveryMinutes: l.EveryMinutes, Enabled: l.Enabled,
		NextDue: l.NextDue, ClaimedUntil: l.ClaimedUntil, QueuedCheckID: l.QueuedCheckID, QueuedAt: l.QueuedAt,
		Last: schedule.Last{CheckID: l.LastCheckID, Verdict: l.LastVerdict, Started: l.LastStartedAt, Since: l.Since},
		Watch: schedule.Watch{
			Suspect: l.SuspectCheckID, SuspectCode: l.SuspectCode, SuspectAt: l.SuspectAt,
			Said: l.SaidVerdict, SaidCode: l.SaidCode, SaidID: l.SaidCheckID, SaidAt: l.SaidAt, BlockedAt: l.BlockedSaidAt,
		},
		seen: azcore.ETag(l.ETag),
	}, nil
}
