package imports

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"syncro/internal/accounts"
	"syncro/internal/authz"
	"syncro/internal/customfields"
	"syncro/internal/faults"
	"syncro/internal/input"
	"syncro/internal/leads"
	"syncro/internal/pipelines"
	"syncro/internal/searchtext"
	"syncro/internal/spreadsheet"
)

// converter makes of a row what a request for the same lead would have sent, so that
// the rules for both are the same.
type converter struct {
	mapping []string
	options Options
	board   *pipelines.Board
	fields  *customfields.Set
	users   map[string]int64 // by email, name and id, folded
}

func (s *Service) converter(ctx context.Context, actor authz.Actor, i *Import) (*converter, error) {
	c := &converter{mapping: i.mapping, options: i.options, users: map[string]int64{}}
	var err error
	if c.board, err = s.Pipelines.Board(ctx, actor); err != nil {
		return nil, err
	}
	if c.fields, err = s.CustomFields.Set(ctx, actor); err != nil {
		return nil, err
	}
	var users *accounts.Users
	if users, err = s.Accounts.Users(ctx, actor); err != nil {
		return nil, err
	}
	active := slices.DeleteFunc(slices.Clone(users.All()), func(u accounts.User) bool { return u.Deleted != nil })
	for _, u := range active {
		c.users[searchtext.Fold(u.Name)] = u.ID
	}
	for _, u := range active { // an email is surer than a name
		c.users[searchtext.Fold(u.Email)], c.users[strconv.FormatInt(u.ID, 10)] = u.ID, u.ID
	}
	return c, nil
}

// gathered is what the columns of a row say, by field.
type gathered struct {
	body    bytes.Buffer
	names   []string
	tags    []string
	notes   []string
	stage   string
	custom  bytes.Buffer
	refused faults.Bag // what could not be understood and has no place in the body
}

func (g *gathered) put(into *bytes.Buffer, name string, value any) {
	text, err := json.Marshal(value)
	if err != nil {
		return // texts, numbers, booleans and lists of texts all can be written
	}
	key, _ := json.Marshal(name)
	into.WriteByte(',')
	into.Write(key)
	into.WriteByte(':')
	into.Write(text)
}

// row reads a row.
func (c *converter) row(row spreadsheet.Row) *leads.Row {
	out := &leads.Row{Number: int64(row.Number)}
	g := &gathered{}
	var pipeline, pipelineID string
	for i, cell := range row.Cells {
		if i >= len(c.mapping) || c.mapping[i] == "" {
			continue
		}
		cell.Text = strings.TrimSpace(spreadsheet.Restored(cell.Text))
		if cell.Text == "" {
			continue
		}
		switch field := c.mapping[i]; field {
		case "id":
			id, err := strconv.ParseInt(cell.Text, 10, 64)
			if err != nil || id < 1 {
				g.refused.Selected("id")
			}
			out.ID = id
		case "name":
			g.names = append(g.names, cell.Text)
		case "tags":
			g.tags = append(g.tags, spreadsheet.SplitList(cell.Text)...)
		case "notes":
			g.notes = append(g.notes, cell.Text)
		case "phone":
			g.put(&g.body, field, strings.TrimPrefix(cell.Text, "'"))
		case "value":
			g.put(&g.body, field, c.number(cell))
		case "birthday":
			g.put(&g.body, field, day(cell))
		case "assigned_to":
			if id, ok := c.users[searchtext.Fold(cell.Text)]; ok {
				g.put(&g.body, field, id)
			} else {
				g.refused.Selected(field)
			}
		case "pipeline":
			pipeline = cell.Text
		case "pipeline_id":
			pipelineID = cell.Text
		case "stage", "stage_id":
			g.stage = cell.Text
		default:
			if name, ok := strings.CutPrefix(field, leads.CustomFieldColumn); ok {
				c.customValue(g, name, cell)
			} else {
				g.put(&g.body, field, cell.Text)
			}
		}
	}
	c.place(g, pipeline, pipelineID)
	if len(g.names) > 0 {
		g.put(&g.body, "name", strings.Join(g.names, " "))
	}
	if len(g.tags) > 0 {
		g.put(&g.body, "tags", g.tags)
	}
	if len(g.notes) > 0 {
		g.put(&g.body, "notes", strings.Join(g.notes, "\n"))
	}
	if g.custom.Len() > 0 {
		g.put(&g.body, "custom_fields", json.RawMessage("{"+g.custom.String()[1:]+"}"))
	}
	form := input.Decode[leads.UpsertFields]([]byte("{" + strings.TrimPrefix(g.body.String(), ",") + "}"))
	if err := form.Malformed(); err != nil {
		form = input.Form[leads.UpsertFields]{}
		form.Problems.Add("", err.Error())
	}
	for _, p := range g.refused.Problems() {
		form.Problems.Add(p.Field, p.Message)
	}
	out.Form = &form
	return out
}

func (c *converter) number(cell spreadsheet.Cell) any {
	if cell.Kind == spreadsheet.Number {
		return json.Number(cell.Text)
	}
	decimal := byte(0)
	if c.options.Decimal != "" {
		decimal = map[string]byte{"comma": ',', "point": '.'}[c.options.Decimal]
	}
	if plain, ok := spreadsheet.ParseNumber(cell.Text, decimal); ok {
		if strings.Contains(plain, ".") { // 1.50 is 1.5, or it would seem to be a change
			plain = strings.TrimSuffix(strings.TrimRight(plain, "0"), ".")
		}
		return json.Number(plain)
	}
	return cell.Text // for the field's own words about it
}

func day(cell spreadsheet.Cell) string {
	if day, ok := spreadsheet.ParseDay(cell.Text); ok {
		return day
	}
	return cell.Text
}

// customValue writes a value of a custom field, as its type understands it.
func (c *converter) customValue(g *gathered, name string, cell spreadsheet.Cell) {
	field, ok := c.fields.ByName(name)
	if !ok {
		return
	}
	var value any = cell.Text
	switch field.Type {
	case customfields.Number, customfields.Currency:
		value = c.number(cell)
	case customfields.Date:
		value = day(cell)
	case customfields.Checkbox:
		if yes, ok := spreadsheet.ParseBool(cell.Text); ok {
			value = yes
		}
	case customfields.Select:
		value = option(field, cell.Text)
	case customfields.Multiselect:
		list := spreadsheet.SplitList(cell.Text)
		for i := range list {
			list[i] = option(field, list[i])
		}
		value = list
	}
	g.put(&g.custom, name, value)
}

// option is an option as its field spells it.
func option(field customfields.Field, text string) string {
	for _, o := range field.Options {
		if searchtext.Fold(o) == searchtext.Fold(text) {
			return o
		}
	}
	return text
}

// place looks for the stage that a row names, by name or id: in the pipeline that it
// names, else in that of the options, else in any.
func (c *converter) place(g *gathered, pipeline, pipelineID string) {
	if g.stage == "" {
		if pipeline != "" || pipelineID != "" {
			g.refused.Required("stage_id") // a pipeline alone says nothing of a place in it
		}
		return
	}
	is := func(name string, id int64, text string) bool {
		return strconv.FormatInt(id, 10) == text || searchtext.Fold(name) == searchtext.Fold(text)
	}
	named := pipeline
	if pipelineID != "" {
		named = pipelineID
	}
	var found []pipelines.Stage
	for _, p := range c.board.Pipelines() {
		if named != "" && !is(p.Name, p.ID, named) {
			continue
		}
		for _, s := range p.Stages {
			if is(s.Name, s.ID, g.stage) {
				if p.ID == c.options.PipelineID {
					found = append([]pipelines.Stage{s}, found...)
				} else {
					found = append(found, s)
				}
			}
		}
	}
	switch {
	case len(found) == 0 && named != "" && !c.hasPipeline(named, is):
		g.refused.Selected("pipeline_id")
	case len(found) == 0, len(found) > 1 && found[0].PipelineID != c.options.PipelineID:
		g.refused.Selected("stage_id") // unknown, or that of several pipelines
	default:
		g.put(&g.body, "pipeline_id", found[0].PipelineID)
		g.put(&g.body, "stage_id", found[0].ID)
	}
}

func (c *converter) hasPipeline(named string, is func(name string, id int64, text string) bool) bool {
	for _, p := range c.board.Pipelines() {
		if is(p.Name, p.ID, named) {
			return true
		}
	}
	return false
}

// columnOf is the column that a problem with a field is about, from 1; 0 for none.
func (c *converter) columnOf(field string) int {
	if !strings.HasPrefix(field, leads.CustomFieldColumn) {
		field, _, _ = strings.Cut(field, ".") // tags.0
	}
	return 1 + c.indexOf(field)
}

func (c *converter) indexOf(field string) int {
	for i, mapped := range c.mapping {
		if mapped == field || (field == "stage_id" && mapped == "stage") || (field == "pipeline_id" && mapped == "pipeline") {
			return i
		}
	}
	return -1
}
