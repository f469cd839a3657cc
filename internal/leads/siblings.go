package leads

import (
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/money"
)

// Sibling is another deal of the same contact.
type Sibling struct {
	ID         int64            `json:"id" doc:"Lead id." example:"127"`
	Name       string           `json:"name" doc:"Lead name." example:"João Silva"`
	PipelineID int64            `json:"pipeline_id" doc:"Its pipeline." example:"1"`
	StageID    int64            `json:"stage_id" doc:"Its stage." example:"4"`
	Value      *money.Cents     `json:"value" doc:"Its value." example:"1200"`
	Status     Status           `json:"status" enum:"active,archived" doc:"Its own status." example:"active"`
	CreatedAt  calendar.Instant `json:"created_at" doc:"When it was created."`
}

// ContactTotals add up a lead and its siblings by the kind of their stages.
type ContactTotals struct {
	Leads     int64       `json:"leads" doc:"How many leads." example:"2"`
	Open      int64       `json:"open" doc:"Of these, in open stages." example:"2"`
	Won       int64       `json:"won" doc:"In won stages." example:"0"`
	Lost      int64       `json:"lost" doc:"In lost stages." example:"0"`
	WonValue  money.Cents `json:"won_value" doc:"Value of the won ones." example:"0"`
	OpenValue money.Cents `json:"open_value" doc:"Value of the open ones." example:"6200"`
}

// maxSiblings bounds the list; the totals count all.
const maxSiblings = 200

// sameContact is the condition of a lead l that has the email or phone of lead $2.
const sameContact = `FROM leads l JOIN stages s ON s.account_id = l.account_id AND s.id = l.stage_id
	WHERE l.account_id = $1 AND l.deleted_at IS NULL AND l.merged_into IS NULL AND l.id IN (
		SELECT e.id FROM leads e WHERE e.account_id = $1 AND e.deleted_at IS NULL AND e.merged_into IS NULL
			AND e.email_key = (SELECT me.email_key FROM leads me WHERE me.account_id = $1 AND me.id = $2)
		UNION SELECT p.id FROM leads p WHERE p.account_id = $1 AND p.deleted_at IS NULL AND p.merged_into IS NULL
			AND p.phone_key = (SELECT me.phone_key FROM leads me WHERE me.account_id = $1 AND me.id = $2)
		UNION SELECT $2::bigint)`

func loadSiblings(q db.Querier, actor authz.Actor, leads []int64) (map[int64]string, error) {
	members := map[int64]string{}
	for _, id := range leads { // one lead: the include is not for lists
		siblings, totals, err := contact(q, actor, id)
		if err != nil {
			return nil, err
		}
		list, err := jsonOf(append([]Sibling{}, siblings...))
		if err != nil {
			return nil, err
		}
		sum, err := jsonOf(totals)
		if err != nil {
			return nil, err
		}
		members[id] = `"siblings":` + list + `,"contact_totals":` + sum
	}
	return members, nil
}

func contact(q db.Querier, actor authz.Actor, id int64) ([]Sibling, ContactTotals, error) {
	p := q.Pipeline(
		db.Statement{SQL: `SELECT l.id, l.name, l.pipeline_id, l.stage_id, l.value_cents, l.archived, l.created_at ` + sameContact + ` AND l.id <> $2
			ORDER BY l.id DESC LIMIT $3`, Args: []any{actor.AccountID, id, int64(maxSiblings)}},
		db.Statement{SQL: `SELECT count(*), count(*) FILTER (WHERE s.kind = 'open'), count(*) FILTER (WHERE s.kind = 'won'), count(*) FILTER (WHERE s.kind = 'lost'),
			COALESCE(sum(l.value_cents) FILTER (WHERE s.kind = 'won'), 0)::bigint, COALESCE(sum(l.value_cents) FILTER (WHERE s.kind = 'open'), 0)::bigint ` + sameContact,
			Args: []any{actor.AccountID, id}},
	)
	siblings, err := db.Collect(p.Next(), func(r *db.Rows, v *Sibling) {
		var archived bool
		r.Scan(&v.ID, &v.Name, &v.PipelineID, &v.StageID, &v.Value, &archived, &v.CreatedAt.Time)
		v.Status = (&Lead{Archived: archived}).Status()
	})
	if err != nil {
		return nil, ContactTotals{}, err
	}
	var t ContactTotals
	err = db.Get(p.Next(), &t.Leads, &t.Open, &t.Won, &t.Lost, &t.WonValue, &t.OpenValue)
	return siblings, t, err
}
