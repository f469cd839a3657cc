package setup

import (
	"fmt"
	"slices"
	"strings"

	"syncro/internal/customfields"
	"syncro/internal/db"
	"syncro/internal/pipelines"
)

// plan compares a file with an account. It collects side by side what there is to
// say and what there is to do, so that the one cannot differ from the other.
type plan struct {
	q         db.Querier
	accountID int64
	changes   Changes
	problems  Problems
	steps     []func(tx *db.Tx) error
}

func newPlan(q db.Querier, accountID int64, file *File) (*plan, error) {
	board, err := pipelines.LoadBoard(q, accountID)
	if err != nil {
		return nil, err
	}
	fields, err := customfields.LoadSet(q, accountID)
	if err != nil {
		return nil, err
	}
	p := &plan{q: q, accountID: accountID}
	if file.hasPipelines {
		err = p.pipelines(file.pipelines, board.Pipelines())
	}
	if err == nil && file.hasReasons {
		p.reasons(file.reasons, board.LostReasons())
	}
	if err == nil && file.hasFields {
		err = p.fields(file.fields, fields.Fields())
	}
	if err != nil {
		return nil, err
	}
	if err := p.problems.err(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *plan) step(do func(tx *db.Tx) error) { p.steps = append(p.steps, do) }

func (p *plan) added(what string) { p.changes.Lines = append(p.changes.Lines, "+ "+what) }

func (p *plan) kept(what string) { p.changes.Kept = append(p.changes.Kept, what) }

// changed says what of a record changes, if anything does.
func (p *plan) changed(what string, d differences) {
	if len(d) > 0 {
		p.changes.Lines = append(p.changes.Lines, "~ "+what+": "+strings.Join(d, ", "))
	}
}

// reordered says in which order a list will be, if things that were there move.
func (p *plan) reordered(list string, moved bool, names []string) {
	if moved {
		p.changed(list, differences{"in the order " + strings.Join(names, ", ")})
	}
}

// differences say what of one record changes: "color #20BF6B → #00FF00".
type differences []string

// set changes what is there to what the file says, if it says anything and
// something else.
func set[T comparable](d *differences, name string, current *T, wanted *T) {
	if wanted == nil || *wanted == *current {
		return
	}
	*d = append(*d, fmt.Sprintf("%s %v → %v", name, *current, *wanted))
	*current = *wanted
}

func (p *plan) pipelines(entries []pipelineEntry, current []pipelines.Pipeline) error {
	name := func(c pipelines.Pipeline) string { return c.Name }
	matched := match(entries, func(e pipelineEntry) string { return e.name }, current, name)
	slots, moved := arrange(collect(current, func(c pipelines.Pipeline) int { return c.SortOrder }), matched)
	var names []string
	for _, slot := range slots {
		var next pipelines.Pipeline
		var d differences
		if slot.old >= 0 {
			next = current[slot.old]
		}
		if slot.entry >= 0 {
			set(&d, "name", &next.Name, &entries[slot.entry].name)
		}
		next.SortOrder = slot.sortOrder
		names = append(names, next.Name)
		what := "pipeline " + next.Name
		switch {
		case slot.old < 0:
			p.added(what)
			p.step(func(tx *db.Tx) (err error) {
				next.ID, err = pipelines.AddPipeline(tx, p.accountID, next)
				return err
			})
		case len(d) > 0 || next.SortOrder != current[slot.old].SortOrder:
			p.changed(what, d)
			p.step(func(tx *db.Tx) error { return pipelines.UpdatePipeline(tx, p.accountID, next) })
		}
		if slot.entry < 0 {
			p.kept(what)
		} else if entry := entries[slot.entry]; entry.hasStages {
			if err := p.stages(&next, entry.stages); err != nil {
				return err
			}
		}
	}
	p.reordered("pipelines", moved, names)
	return nil
}

// stages plans the stages of a pipeline, whose id is known when the steps run.
func (p *plan) stages(pipeline *pipelines.Pipeline, entries []stageEntry) error {
	current := pipeline.Stages
	matched := match(entries, func(e stageEntry) string { return e.name }, current, func(c pipelines.Stage) string { return c.Name })
	slots, moved := arrange(collect(current, func(c pipelines.Stage) int { return c.SortOrder }), matched)
	var names []string
	for place, slot := range slots {
		var next pipelines.Stage
		var d differences
		if slot.old >= 0 {
			next = current[slot.old]
		}
		if slot.entry >= 0 {
			if err := p.stage(&next, entries[slot.entry], place, &d); err != nil {
				return err
			}
		}
		next.SortOrder = slot.sortOrder
		names = append(names, next.Name)
		what := pipeline.Name + " / " + next.Name
		switch {
		case slot.old < 0:
			p.added("stage " + what)
			p.step(func(tx *db.Tx) (err error) {
				next.PipelineID = pipeline.ID
				next.ID, err = pipelines.AddStage(tx, p.accountID, next)
				return err
			})
		case len(d) > 0 || next.SortOrder != current[slot.old].SortOrder:
			p.changed("stage "+what, d)
			p.step(func(tx *db.Tx) error { return pipelines.UpdateStage(tx, p.accountID, next) })
		}
		if slot.entry < 0 {
			p.kept("stage " + what)
		} else if entry := entries[slot.entry]; entry.hasRequirements {
			p.requirements(&next, what, entry.requirements)
		}
	}
	p.reordered("stages of "+pipeline.Name, moved, names)
	return nil
}

// What a stage is that a file adds without saying it.
const (
	wonColor        = "#20BF6B"
	lostColor       = "#EB3B5A"
	openProbability = 50
)

// openColors are given to new open stages by their place on the board.
var openColors = []string{"#45B7D1", "#4ECDC4", "#F7B731", "#FA8231", "#A55EEA", "#778CA3"}

// stage makes of a stage what its entry says; place is where it will stand. A new
// stage has no id yet.
func (p *plan) stage(next *pipelines.Stage, entry stageEntry, place int, d *differences) error {
	before := next.Kind
	set(d, "name", &next.Name, &entry.name)
	if before == "" {
		next.Kind = pipelines.Open
	}
	set(d, "kind", &next.Kind, entry.kind)
	if before != "" && before != next.Kind {
		held, err := pipelines.HoldsLeads(p.q, p.accountID, next.ID)
		if err != nil {
			return err
		}
		if held {
			p.problems.add(entry.kindPath, "the stage holds leads, so it stays %s: move them first, or add another stage", before)
		}
	}
	probability, fixed := entry.probability, next.Kind != pipelines.Open
	standard := standardProbability(next.Kind)
	if fixed && probability != nil && *probability != standard {
		p.problems.add(entry.path+".probability", "is %d in a %s stage", standard, next.Kind)
	}
	if probability == nil && before != next.Kind {
		probability = &standard
	}
	set(d, "probability", &next.Probability, probability)
	color := entry.color
	if color == nil && before == "" {
		color = new(standardColor(next.Kind, place))
	}
	set(d, "color", &next.Color, color)
	if days := entry.rottingDays; (days != nil || entry.neverRots) && rots(days) != rots(next.RottingDays) {
		*d = append(*d, "rotting_days "+rots(next.RottingDays)+" → "+rots(days))
		next.RottingDays = days
	}
	return nil
}

func standardProbability(kind pipelines.Kind) int {
	return map[pipelines.Kind]int{pipelines.Open: openProbability, pipelines.Won: 100, pipelines.Lost: 0}[kind]
}

func standardColor(kind pipelines.Kind, place int) string {
	switch kind {
	case pipelines.Won:
		return wonColor
	case pipelines.Lost:
		return lostColor
	case pipelines.Open:
	}
	return openColors[place%len(openColors)]
}

func rots(days *int) string {
	if days == nil {
		return "never"
	}
	return fmt.Sprint(*days)
}

// requirements plans those of a stage, whose id is known when the steps run. They
// have no order of their own.
func (p *plan) requirements(stage *pipelines.Stage, stageName string, entries []requirementEntry) {
	current := stage.Requirements
	matched := match(entries, func(e requirementEntry) string { return e.subject }, current, func(c pipelines.Requirement) string { return c.Subject })
	for i, entry := range entries {
		next := pipelines.Requirement{Type: "task", Priority: "medium"}
		if matched[i] >= 0 {
			next = current[matched[i]]
		}
		var d differences
		set(&d, "subject", &next.Subject, &entry.subject)
		set(&d, "type", &next.Type, entry.taskType)
		set(&d, "priority", &next.Priority, entry.taskPriority)
		set(&d, "due_in_days", &next.DueInDays, entry.dueInDays)
		what := "requirement " + stageName + " / " + next.Subject
		switch {
		case matched[i] < 0:
			p.added(what)
			p.step(func(tx *db.Tx) error {
				next.StageID = stage.ID
				_, err := pipelines.AddRequirement(tx, p.accountID, next)
				return err
			})
		case len(d) > 0:
			p.changed(what, d)
			p.step(func(tx *db.Tx) error { return pipelines.UpdateRequirement(tx, p.accountID, next) })
		}
	}
	for i, requirement := range current {
		if !slices.Contains(matched, i) {
			p.kept("requirement " + stageName + " / " + requirement.Subject)
		}
	}
}

func (p *plan) reasons(entries []reasonEntry, current []pipelines.LostReason) {
	matched := match(entries, func(e reasonEntry) string { return e.name }, current, func(c pipelines.LostReason) string { return c.Name })
	slots, moved := arrange(collect(current, func(c pipelines.LostReason) int { return c.SortOrder }), matched)
	var names []string
	for _, slot := range slots {
		var next pipelines.LostReason
		var d differences
		if slot.old >= 0 {
			next = current[slot.old]
		}
		if slot.entry >= 0 {
			set(&d, "name", &next.Name, &entries[slot.entry].name)
		} else {
			p.kept("lost reason " + next.Name)
		}
		next.SortOrder = slot.sortOrder
		names = append(names, next.Name)
		switch {
		case slot.old < 0:
			p.added("lost reason " + next.Name)
			p.step(func(tx *db.Tx) error {
				_, err := pipelines.AddLostReason(tx, p.accountID, next)
				return err
			})
		case len(d) > 0 || next.SortOrder != current[slot.old].SortOrder:
			p.changed("lost reason "+next.Name, d)
			p.step(func(tx *db.Tx) error { return pipelines.UpdateLostReason(tx, p.accountID, next) })
		}
	}
	p.reordered("lost reasons", moved, names)
}

func collect[T, V any](items []T, of func(T) V) []V {
	values := make([]V, len(items))
	for i, item := range items {
		values[i] = of(item)
	}
	return values
}
