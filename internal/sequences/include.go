package sequences

import (
	"reflect"

	"syncro/internal/api"
	"syncro/internal/calendar"
	"syncro/internal/leads"
)

// ActiveSequence is the newest sequence that a lead is active or paused in.
type ActiveSequence struct {
	ID          int64  `json:"id" doc:"Sequence id." example:"1"`
	Name        string `json:"name" doc:"Sequence name." example:"Boas-vindas"`
	CurrentStep int64  `json:"current_step" doc:"The step the lead is at, from 1." example:"2"`
	TotalSteps  int64  `json:"total_steps" doc:"How many steps there are." example:"3"`
	Status      string `json:"status" doc:"Status of the enrolment." example:"active"`
}

// LeadSequence is an enrolment of a lead.
type LeadSequence struct {
	ID         int64             `json:"id" doc:"Enrolment id." example:"45"`
	SequenceID int64             `json:"sequence_id" doc:"Sequence id." example:"1"`
	Name       string            `json:"name" doc:"Sequence name." example:"Boas-vindas"`
	Status     string            `json:"status" doc:"Status of the enrolment." example:"active"`
	NextStepAt *calendar.Instant `json:"next_step_at" doc:"When the next step is due."`
}

// Include is what include=sequences adds to a lead. Leads cannot be enrolled yet,
// so it is empty.
func Include() leads.Include {
	return leads.Constant("sequences", `"active_sequence":null,"sequences":[]`, false,
		api.Member{Name: "active_sequence", Type: reflect.TypeFor[*ActiveSequence](), Doc: "With include=sequences: the newest active or paused one, null for none."},
		api.Member{Name: "sequences", Type: reflect.TypeFor[[]LeadSequence](), Doc: "With include=sequences."})
}
