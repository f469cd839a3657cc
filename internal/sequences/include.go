package sequences

import (
	"encoding/json"
	"fmt"
	"reflect"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/leads"
)

// ActiveSequence is the newest sequence that a lead is active or paused in.
type ActiveSequence struct {
	ID          int64  `json:"id" doc:"Sequence id." example:"1"`
	Name        string `json:"name" doc:"Sequence name." example:"Boas-vindas"`
	CurrentStep int64  `json:"current_step" doc:"The step the lead is at, from 1." example:"2"`
	TotalSteps  int64  `json:"total_steps" doc:"How many steps there are." example:"3"`
	Status      Status `json:"status" doc:"Status of the enrolment." example:"active"`
}

// LeadSequence is an enrolment of a lead.
type LeadSequence struct {
	ID         int64             `json:"id" doc:"Enrolment id." example:"45"`
	SequenceID int64             `json:"sequence_id" doc:"Sequence id." example:"1"`
	Name       string            `json:"name" doc:"Sequence name." example:"Boas-vindas"`
	Status     Status            `json:"status" doc:"Status of the enrolment." example:"active"`
	NextStepAt *calendar.Instant `json:"next_step_at" doc:"When the next step is due."`
}

// Include is what include=sequences adds to a lead.
func Include() leads.Include {
	return leads.Include{
		Name: "sequences", Empty: `"active_sequence":null,"sequences":[]`, Load: forLeads,
		Members: []api.Member{
			{Name: "active_sequence", Type: reflect.TypeFor[*ActiveSequence](), Doc: "With include=sequences: the newest active or paused one, null for none."},
			{Name: "sequences", Type: reflect.TypeFor[[]LeadSequence](), Doc: "With include=sequences, newest first."},
		},
	}
}

// enrolledLead is what a lead shows of its sequences.
type enrolledLead struct {
	Active    *ActiveSequence `json:"active_sequence"`
	Sequences []LeadSequence  `json:"sequences"`
}

func forLeads(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64]string, error) {
	rows := q.Query(`SELECT e.lead_id, e.id, e.sequence_id, s.name, e.status, e.next_step_at, e.position,
			(SELECT count(*) FROM sequence_steps p WHERE p.account_id = e.account_id AND p.sequence_id = e.sequence_id AND p.version = e.version)
		FROM sequence_enrollments e JOIN sequences s ON s.account_id = e.account_id AND s.id = e.sequence_id
		WHERE e.account_id = $1 AND e.lead_id = ANY($2) ORDER BY e.id DESC`, actor.AccountID, leadIDs)
	shown := map[int64]*enrolledLead{}
	for rows.Next() {
		var (
			e     enrollment
			name  string
			total int64
		)
		rows.Scan(&e.leadID, &e.id, &e.sequenceID, &name, &e.status, &e.nextStepAt, &e.position, &total)
		one := shown[e.leadID]
		if one == nil {
			one = &enrolledLead{}
			shown[e.leadID] = one
		}
		one.Sequences = append(one.Sequences, LeadSequence{e.id, e.sequenceID, name, e.status, calendar.InstantOf(e.nextStepAt)})
		if one.Active == nil && e.status.live() {
			one.Active = &ActiveSequence{e.sequenceID, name, min(e.position, total), total, e.status}
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading the sequences of leads: %w", err)
	}
	members := make(map[int64]string, len(shown))
	for id, one := range shown {
		text, err := json.Marshal(one)
		if err != nil {
			return nil, fmt.Errorf("writing the sequences of lead %d: %w", id, err)
		}
		members[id] = string(text[1 : len(text)-1])
	}
	return members, nil
}
