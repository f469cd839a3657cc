package tasks

import (
	"net/url"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/input"
)

// ListForTest makes the queries of a list, for the test of their plans.
func ListForTest(q db.Querier, actor authz.Actor, query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	filter, _, err := input.Query[Filter](values)
	if err != nil {
		return err
	}
	_, _, err = list(q, actor, filter, 50, 0, time.Time{})
	return err
}
