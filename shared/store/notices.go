package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/data/aztables"

	"github.com/pgpreflight/pgpreflight/shared/report"
)

// noticePrefix begins the RowKey of what is remembered of telling somebody; noticeEnd is the first key behind all of them.
const (
	noticePrefix = "notice-"
	noticeEnd    = "notice."
)

// NoticeState is how far telling somebody of a report has come.
type NoticeState string

// The states of a notice. All but Pending are final.
const (
	NoticePending NoticeState = "pending"
	// NoticeDone means that it arrived.
	NoticeDone NoticeState = "done"
	// NoticeStopped means that the receiver wants no more of it.
	NoticeStopped NoticeState = "stopped"
	// NoticeRefused means that our own settings do not allow it.
	NoticeRefused NoticeState = "refused"
	// NoticeGivenUp means that its time is over.
	NoticeGivenUp NoticeState = "given_up"
)

// Notice is a row `notice-<to>` of Checks: one report, told in one way.
type Notice struct {
	CheckID string
	// To is the way: reply, callback, ticket.
	To string
	// Target is the queue, the address, or the ticket as system/id.
	Target string
	State  NoticeState
	// CorrelationID is that of a reply.
	CorrelationID string
	// Changed tells a change of a route's verdict; Was is the verdict that was said before, since WasSince, and empty where
	// none was.
	Changed  bool
	Was      report.Verdict
	WasSince time.Time
	// Attempts is how often it was tried to the end; Trouble is why the last attempt failed, without secrets.
	Attempts int
	Trouble  string
	// Unsure means that an attempt may have arrived although nobody said so.
	Unsure bool
	// First is when the first attempt began; NextDue is when the next one may.
	First, NextDue time.Time
	// Claim is the mark of whoever tries now, until ClaimedUntil; empty where nobody does.
	Claim        string
	ClaimedUntil time.Time
	// ETag is that of the row as it was read or written; empty where it is not stored yet.
	ETag azcore.ETag
}

// Final tells that nothing more is to be done.
func (n Notice) Final() bool { return n.State != NoticePending }

// Notices reads what is remembered of telling somebody of a check's report, by way.
func (s *Store) Notices(ctx context.Context, id string) ([]Notice, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	filter := both(equals("PartitionKey", id), from("RowKey", noticePrefix), below("RowKey", noticeEnd))
	rows, err := s.all(ctx, query{op: "read notices", table: tableChecks, filter: filter})
	if err != nil {
		return nil, err
	}
	notices := make([]Notice, 0, len(rows))
	for _, raw := range rows {
		n, err := decodeNotice(raw)
		if err != nil {
			return nil, fmt.Errorf("read notices of %s: %w", id, err)
		}
		notices = append(notices, n)
	}
	return notices, nil
}

// AddNotice writes a notice that must not be there yet; false where it is. It gives the notice as it can be changed.
func (s *Store) AddNotice(ctx context.Context, n Notice) (Notice, bool, error) {
	return s.writeNotice(ctx, n, func(ctx context.Context, c *aztables.Client, raw []byte) (azcore.ETag, error) {
		response, err := c.AddEntity(ctx, raw, nil)
		return response.ETag, err
	})
}

// ChangeNotice writes a notice over the row that it was read from; false where another writer was faster. It gives the
// notice as it can be changed again.
func (s *Store) ChangeNotice(ctx context.Context, n Notice) (Notice, bool, error) {
	return s.writeNotice(ctx, n, func(ctx context.Context, c *aztables.Client, raw []byte) (azcore.ETag, error) {
		response, err := c.UpdateEntity(ctx, raw, &aztables.UpdateEntityOptions{
			IfMatch: &n.ETag, UpdateMode: aztables.UpdateModeReplace,
		})
		return response.ETag, err
	})
}

func (s *Store) writeNotice(ctx context.Context, n Notice,
	write func(context.Context, *aztables.Client, []byte) (azcore.ETag, error)) (Notice, bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callWithin)
	defer cancel()
	raw, err := n.row().encode()
	if err != nil {
		return n, false, err
	}
	err = s.write(ctx, "save notice", tableChecks, func(c *aztables.Client) error {
		var err error
		n.ETag, err = write(ctx, c, raw)
		return err
	})
	if isStatus(err, statusPrecondition) || isStatus(err, statusNotFound) || isCode(err, codeRowExists) {
		return n, false, nil
	}
	return n, err == nil, err
}

func (n Notice) row() row {
	columns := map[string]any{
		"To": n.To, "Target": cut(n.Target, detailUnits), "State": string(n.State), "Attempts": int32(n.Attempts),
		"Trouble": cut(n.Trouble, lineUnits), "Unsure": n.Unsure, "CorrelationId": cut(n.CorrelationID, lineUnits),
		"Changed": n.Changed, "Was": string(n.Was), "Claim": n.Claim,
	}
	for name, at := range map[string]time.Time{"WasSince": n.WasSince, "FirstAttempt": n.First, "NextDue": n.NextDue,
		"ClaimedUntil": n.ClaimedUntil} {
		if !at.IsZero() {
			columns[name] = timestamp(at)
		}
	}
	return row{partition: n.CheckID, key: noticePrefix + n.To, columns: columns}
}

// noticeLine is such a row as it is read.
type noticeLine struct {
	PartitionKey, To, Target, Trouble, Claim      string
	State                                         NoticeState
	CorrelationID                                 string `json:"CorrelationId"`
	Attempts                                      int
	Unsure, Changed                               bool
	Was                                           report.Verdict
	WasSince, FirstAttempt, NextDue, ClaimedUntil time.Time

	ETag string `json:"odata.etag"`
}

func decodeNotice(raw []byte) (Notice, error) {
	var l noticeLine
	if err := json.Unmarshal(raw, &l); err != nil {
		return Notice{}, fmt.Errorf("decode row: %w", err)
	}
	return Notice{
		CheckID: l.PartitionKey, To: l.To, Target: l.Target, State: l.State, CorrelationID: l.CorrelationID,
		Changed: l.Changed, Was: l.Was, WasSince: l.WasSince, Attempts: l.Attempts, Trouble: l.Trouble, Unsure: l.Unsure,
		First: l.FirstAttempt, NextDue: l.NextDue, Claim: l.Claim, ClaimedUntil: l.ClaimedUntil, ETag: azcore.ETag(l.ETag),
	}, nil
}
