package sequences

import (
	"slices"
	"strconv"

	"syncro/internal/scoring"
)

// The fields that only conditions of sequences know; the others are those of
// scoring rules (companion-api.md section 10).
const (
	fieldStage    = "stage_id"
	fieldPipeline = "pipeline_id"
	fieldOwner    = "assigned_to"
	fieldScore    = "score"
)

// knownField tells whether a condition can compare a field.
func knownField(name string) bool {
	return slices.Contains([]string{fieldStage, fieldPipeline, fieldOwner, fieldScore}, name) || scoring.LeadField(name)
}

// holds tells whether the condition holds for the lead.
func (s *Settings) holds(f *facts) bool {
	var values []string
	switch s.Field {
	case fieldStage:
		values = number(&f.lead.StageID)
	case fieldPipeline:
		values = number(&f.lead.PipelineID)
	case fieldOwner:
		values = number(f.lead.AssignedTo)
	case fieldScore:
		values = number(&f.lead.Score)
	default:
		values = scoring.ValuesOf(f.lead, f.values.custom, s.Field)
	}
	return s.Operator.Holds(values, s.Value)
}

func number(n *int64) []string {
	if n == nil {
		return nil
	}
	return []string{strconv.FormatInt(*n, 10)}
}
