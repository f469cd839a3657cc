package messaging

import (
	"net/url"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/input"
)

// ListForTest makes the queries of a list of conversations, and ReadForTest those of
// a part of one, for the test of their plans.
func (s *Service) ListForTest(q db.Querier, actor authz.Actor, query string) error {
	values, err := url.ParseQuery(query)
	if err != nil {
		return err
	}
	filter, _, err := input.Query[ConversationFilter](values)
	if err != nil {
		return err
	}
	_, _, err = s.conversations(q, actor, filter, 50, 0)
	return err
}

// ReadForTest is explained at ListForTest.
func ReadForTest(q db.Querier, actor authz.Actor, id, before int64) error {
	_, err := messagesOf(q, actor, id, MessageQuery{Before: input.Of(before)}, 50)
	return err
}
