package prerequisites

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Read turns the answers to Questions(t) into facts. It does no I/O; an answer too few counts as missing.
func Read(t Target, answers []Answer) Observation { return read(t, Questions(t), answers) }

func read(t Target, questions []Question, answers []Answer) Observation {
	o := Observation{Side: t.Side, Mode: t.Mode, Databases: []Database{{Name: clean(maxText, t.Database)}},
		Asked: len(questions)}
	for i, q := range questions {
		a := Answer{Missing: "no answer came"}
		if i < len(answers) {
			a = answers[i]
		}
		if missing, why := o.read(q, a); missing {
			why.Question, why.Database = q.ID, o.Databases[0].Name
			o.NotRead = append(o.NotRead, why)
			continue
		}
		o.Answered++
	}
	return o
}

func (o *Observation) read(q Question, a Answer) (missing bool, why NotRead) {
	switch {
	case a.SQLState != "" || a.Message != "":
		return true, NotRead{SQLState: clean(8, a.SQLState), Why: clean(maxText, a.Message)}
	case a.Missing != "":
		return true, NotRead{Why: clean(maxText, a.Missing), Lost: true}
	case a.Truncated:
		return true, NotRead{Why: "the answer is longer than is read"}
	}
	if err := q.keep(a.Rows, o); err != nil {
		return true, NotRead{Why: clean(maxText, err.Error())}
	}
	return false, NotRead{}
}

var (
	errOneRow   = errors.New("read answer: one row was expected")
	errOneValue = errors.New("read answer: one value was expected in each row")
)

// single keeps the one row of an answer, which is a JSON object.
func single[T any](place func(*Observation) **T) func([]string, *Observation) error {
	return func(rows []string, o *Observation) error {
		if len(rows) != 1 {
			return errOneRow
		}
		value := new(T)
		if err := json.Unmarshal([]byte(rows[0]), value); err != nil {
			return fmt.Errorf("read answer: %w", err)
		}
		*place(o) = value
		return nil
	}
}

// list keeps every row of an answer; none is an empty list, which is not the same as no answer.
func list[T any](place func(*Observation) *[]T) func([]string, *Observation) error {
	return func(rows []string, o *Observation) (err error) {
		*place(o), err = values[T](rows)
		return err
	}
}

// values reads the rows at once: a JSON decoder for each costs more than what it reads.
func values[T any](rows []string) ([]T, error) {
	out := make([]T, 0, len(rows))
	if err := json.Unmarshal([]byte("["+strings.Join(rows, ",")+"]"), &out); err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if len(out) != len(rows) {
		return nil, errOneValue
	}
	return out, nil
}

// named is one entry of a map that comes as rows.
type named[T any] struct {
	Name  Text `json:"n"`
	Value T    `json:"v"`
}

// entries keeps rows of a name and a value.
func entries[T any](place func(*Observation) *map[Text]T) func([]string, *Observation) error {
	return func(answer []string, o *Observation) error {
		rows, err := values[named[T]](answer)
		if err != nil {
			return err
		}
		found := make(map[Text]T, len(rows))
		for _, row := range rows {
			found[row.Name] = row.Value
		}
		*place(o) = found
		return nil
	}
}

// mine is the database of the connection.
func mine[T any](place func(*Database) *T) func(*Observation) *T {
	return func(o *Observation) *T { return place(&o.Databases[0]) }
}
