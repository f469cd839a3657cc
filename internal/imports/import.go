package imports

import (
	"time"

	"syncro/internal/calendar"
	"syncro/internal/operations"
	"syncro/internal/spreadsheet"
)

// State is where an import stands; see the package comment.
type State string

// The states.
const (
	Uploaded  State = "uploaded"
	Checking  State = "checking"
	Checked   State = "checked"
	Importing State = "importing"
	Done      State = "done"
	Failed    State = "failed"
	Cancelled State = "cancelled"
	Undoing   State = "undoing"
	Undone    State = "undone"
)

// Options are how the rows of an import become leads.
type Options struct {
	PipelineID  int64    `json:"pipeline_id" doc:"Pipeline of the stage below." example:"1"`
	StageID     int64    `json:"stage_id" doc:"Stage in which leads are created whose row names none." example:"5"`
	MatchBy     string   `json:"match_by" enum:"email,phone,email_or_phone" doc:"What an existing lead is found by." example:"email_or_phone"`
	OnDuplicate string   `json:"on_duplicate" enum:"update,skip,create" doc:"What happens with a row whose lead exists: it updates it, is skipped, or makes another lead." example:"update"`
	Tags        []string `json:"tags" nullable:"false" doc:"Tags that each lead gets besides." example:"[\"feira-2026\"]"`
	Decimal     string   `json:"decimal" enum:"auto,comma,point" doc:"The decimal separator of numbers; auto reads them as Brazil writes them." example:"auto"`
}

// What to do with rows whose lead exists.
const (
	onDuplicateUpdate = "update"
	onDuplicateSkip   = "skip"
	onDuplicateCreate = "create"
)

// source is what the file turned out to be.
type source struct {
	Format    spreadsheet.Format   `json:"format"`
	Encoding  spreadsheet.Encoding `json:"encoding,omitempty"`
	Delimiter string               `json:"delimiter,omitempty"`
	Sheet     string               `json:"sheet,omitempty"`
	Sheets    []string             `json:"sheets,omitempty"`
}

// heading is what is stored of a column.
type heading struct {
	Header    string   `json:"header"`
	Samples   []string `json:"samples"`
	Suggested string   `json:"suggested"`
}

// Import is one import.
type Import struct {
	ID        int64
	FileName  string
	Rows      int64
	CreatedBy *int64
	CreatedAt time.Time

	source    source
	columns   []heading
	mapping   []string // the field of each column, "" for none
	options   Options
	checkID   *int64
	operation *int64
}

// place is where an operation of an import stands, and what it has counted. It is the
// operation's Position.
type place struct {
	Part      int64 `json:"part"` // the last one that was done
	Created   int64 `json:"created"`
	Updated   int64 `json:"updated"`
	Unchanged int64 `json:"unchanged"`
	Skipped   int64 `json:"skipped"`
	Twice     int64 `json:"duplicates"`
}

// View is an import as answers show it. Its counts are those of the dry run until the
// import itself begins.
type View struct {
	ID            int64                `json:"id" doc:"Id of the import." example:"3"`
	State         State                `json:"state" enum:"uploaded,checking,checked,importing,done,failed,cancelled,undoing,undone" doc:"Where it stands." example:"checked"`
	FileName      string               `json:"file_name" doc:"Name of the file." example:"leads.csv"`
	Format        spreadsheet.Format   `json:"format" enum:"csv,xlsx" doc:"What the file is." example:"csv"`
	Encoding      spreadsheet.Encoding `json:"encoding" doc:"Encoding of a CSV, as it was recognised: utf-8, utf-16 or windows-1252; empty for XLSX." example:"windows-1252"`
	Delimiter     string               `json:"delimiter" doc:"What separates the cells of a CSV; empty for XLSX." example:";"`
	Sheet         string               `json:"sheet" doc:"The sheet of an XLSX that is imported; empty for CSV." example:"Leads"`
	Sheets        []string             `json:"sheets" nullable:"false" doc:"All visible sheets of an XLSX." example:"[\"Leads\"]"`
	Rows          int64                `json:"rows" doc:"How many rows of data the file has." example:"1200"`
	Columns       []Column             `json:"columns" nullable:"false" doc:"Its columns and what they are imported into."`
	Options       Options              `json:"options" doc:"How the rows become leads."`
	Total         int64                `json:"total" doc:"How many rows the dry run or the import has to go over; 0 before." example:"1200"`
	Done          int64                `json:"done" doc:"How many of them it has gone over." example:"800"`
	Created       int64                `json:"created" doc:"Rows that make a lead." example:"500"`
	Updated       int64                `json:"updated" doc:"Rows that change one." example:"280"`
	Unchanged     int64                `json:"unchanged" doc:"Rows whose lead has it all already." example:"10"`
	Skipped       int64                `json:"skipped" doc:"Rows that are left out because their lead exists." example:"0"`
	Duplicates    int64                `json:"duplicates" doc:"Rows whose contact was there already, in the account or further up in the file." example:"290"`
	Failed        int64                `json:"failed" doc:"Rows with problems, which are left out." example:"10"`
	Reverted      int64                `json:"reverted" doc:"Changes that the undo has taken back." example:"0"`
	Kept          int64                `json:"kept" doc:"Of how many changes the undo left something as it was, because it was edited since." example:"0"`
	Error         *string              `json:"error" doc:"Why the dry run or the import as a whole failed."`
	CreatedBy     *int64               `json:"created_by" doc:"User who sent the file." example:"12"`
	CreatedAt     calendar.Instant     `json:"created_at" doc:"When the file came."`
	StartedAt     *calendar.Instant    `json:"started_at" doc:"When the import began."`
	FinishedAt    *calendar.Instant    `json:"finished_at" doc:"When it, or its undo, was over."`
	UndoableUntil *calendar.Instant    `json:"undoable_until" doc:"Until when it can be undone."`
}

// view shows an import with its operations, which are nil where there are none.
func (i *Import) view(check, operation *operations.Operation) View {
	v := View{
		ID: i.ID, State: Uploaded, FileName: i.FileName, Format: i.source.Format, Encoding: i.source.Encoding, Delimiter: i.source.Delimiter,
		Sheet: i.source.Sheet, Sheets: append([]string{}, i.source.Sheets...), Rows: i.Rows, Columns: []Column{}, Options: i.options,
		CreatedBy: i.CreatedBy, CreatedAt: calendar.Instant{Time: i.CreatedAt},
	}
	for n, c := range i.columns {
		column := Column{Column: spreadsheet.ColumnName(n + 1), Header: c.Header, Samples: c.Samples}
		if c.Suggested != "" {
			column.Suggested = &c.Suggested
		}
		if n < len(i.mapping) && i.mapping[n] != "" {
			column.Field = &i.mapping[n]
		}
		v.Columns = append(v.Columns, column)
	}
	v.State = i.state(check, operation)
	shown := operation
	if shown == nil {
		shown = check
	}
	if shown == nil {
		return v
	}
	at := placeOf(shown)
	v.Total, v.Done, v.Failed, v.Reverted, v.Kept = shown.Total, shown.Done, shown.Failed, shown.Reverted, shown.Kept
	v.Created, v.Updated, v.Unchanged, v.Skipped, v.Duplicates = at.Created, at.Updated, at.Unchanged, at.Skipped, at.Twice
	if shown.Error != "" {
		v.Error = &shown.Error
	}
	if operation != nil {
		v.StartedAt, v.FinishedAt, v.UndoableUntil = calendar.InstantOf(operation.StartedAt), calendar.InstantOf(operation.FinishedAt), calendar.InstantOf(operation.UndoableUntil)
	}
	return v
}

func (i *Import) state(check, operation *operations.Operation) State {
	if operation != nil {
		if operation.State == operations.Queued || operation.State == operations.Running {
			return Importing
		}
		return State(operation.State)
	}
	switch {
	case check == nil, check.State == operations.Failed, check.State == operations.Cancelled:
		return Uploaded
	case check.State == operations.Done:
		return Checked
	default:
		return Checking
	}
}

// Problem is what is wrong with a row, or what it repeats.
type Problem struct {
	Row        int64   `json:"row" doc:"Number of the row, as Excel shows it." example:"17"`
	Kind       string  `json:"kind" enum:"problem,duplicate" doc:"problem: the row is left out; duplicate: its contact was there already." example:"problem"`
	Column     *string `json:"column" doc:"Letter of the column; null when the row as a whole is meant." example:"C"`
	Header     *string `json:"header" doc:"Heading of the column." example:"E-mail"`
	Field      *string `json:"field" doc:"Field of the lead." example:"email"`
	Value      *string `json:"value" doc:"What the cell has, its beginning." example:"joao@"`
	Message    string  `json:"message" doc:"What is wrong." example:"The email field must be a valid email address."`
	LeadID     *int64  `json:"lead_id" doc:"The lead that exists." example:"123"`
	EarlierRow *int64  `json:"earlier_row" doc:"The row further up with the same contact." example:"4"`
}

const (
	kindProblem   = "problem"
	kindDuplicate = "duplicate"
)
