package tasks

import (
	"bytes"
	"encoding/json"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/events"
	"syncro/internal/timeline"
)

// Facts are what reactions to an event of a task decide by. The lead of the event
// is the task's.
type Facts struct {
	Before *Task // nil for a creation
	After  *Task // nil for a deletion
}

// told is how a change of a task appears on its lead's timeline; the changes that
// are missing do not appear there.
var told = map[events.Type]struct {
	event timeline.EventType
	words string
}{
	events.TaskCreated:   {timeline.TaskCreated, "Tarefa criada: "},
	events.TaskCompleted: {timeline.TaskCompleted, "Tarefa concluída: "},
}

// tell records what happened to a task: on the timeline of its lead, if it has
// one, and for those who listen.
func (s *Service) tell(tx *db.Tx, actor authz.Actor, facts Facts, changes []timeline.Change, happened ...events.Type) error {
	task := facts.After
	if task == nil {
		task = facts.Before
	}
	data, err := eventData(task, changes)
	if err != nil {
		return fmt.Errorf("telling of task %d: %w", task.ID, err)
	}
	for _, what := range happened {
		if line, ok := told[what]; ok && task.LeadID != nil {
			if err := timeline.Record(tx, actor, timeline.Event{LeadID: *task.LeadID, Type: line.event, Description: line.words + task.Subject}); err != nil {
				return err
			}
		}
		if err := s.log.Emit(tx, actor, events.Event{Type: what, LeadID: task.LeadID, Data: data, Facts: facts}); err != nil {
			return err
		}
	}
	return nil
}

// eventData is the task as it is now, or was before it was deleted, and what the
// change replaced.
func eventData(task *Task, changes []timeline.Change) (json.RawMessage, error) {
	var data bytes.Buffer
	values := json.NewEncoder(&data)
	values.SetEscapeHTML(false)
	write := func(before string, v any) error {
		data.WriteString(before)
		err := values.Encode(v)
		data.Truncate(max(data.Len()-1, 0)) // without the line end that an Encoder adds
		return err
	}
	if err := write(`{"task":`, task); err != nil {
		return nil, err
	}
	data.WriteString(`,"previous":{`)
	separator := ""
	for _, c := range changes {
		if err := write(separator, c.Field); err != nil {
			return nil, err
		}
		if err := write(":", c.Old); err != nil {
			return nil, err
		}
		separator = ","
	}
	data.WriteString("}}")
	return data.Bytes(), nil
}

// happened are the events of a change to a task: "completed" for the transition,
// "updated" for whatever else has changed. What comes with a completion, as the
// time of it, is no other change.
func happened(before, after *Task, changes []timeline.Change) []events.Type {
	completed := before.Status != Completed && after.Status == Completed
	switch {
	case !completed:
		return []events.Type{events.TaskUpdated}
	case len(changes) > 1:
		return []events.Type{events.TaskUpdated, events.TaskCompleted}
	default:
		return []events.Type{events.TaskCompleted}
	}
}
