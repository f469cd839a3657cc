package imports

import (
	"context"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/input"
	"syncro/internal/operations"
	"syncro/internal/spreadsheet"
)

const section = "Imports"

// UploadQuery is the query of POST /imports.
type UploadQuery struct {
	FileName  input.Field[string] `query:"filename" doc:"Name of the file, where it is the body itself." example:"leads.csv"`
	Encoding  input.Field[string] `query:"encoding" enum:"utf-8,utf-16,windows-1252" doc:"Encoding of a CSV; recognised when left out." example:"windows-1252"`
	Delimiter input.Field[string] `query:"delimiter" enum:"comma,semicolon,tab,bar" doc:"What separates the cells of a CSV; recognised when left out." example:"semicolon"`
	Sheet     input.Field[string] `query:"sheet" doc:"Sheet of an XLSX; the first visible one when left out." example:"Leads"`
	Header    input.Field[bool]   `query:"header" doc:"Whether the first row names the columns; found out when left out." example:"true"`
}

// UpdateFields is the body of PUT and PATCH /imports/{id}.
type UpdateFields struct {
	Mapping     input.Field[input.Object] `json:"mapping" doc:"The field of each column, by its heading or its letter; null leaves the column out. Fields: id, name, phone, email, company, birthday, value, source, tags, notes, utm_source, utm_medium, utm_campaign, utm_term, utm_content, assigned_to (email, name or id), pipeline, stage (name or id), pipeline_id, stage_id, custom_fields.NAME. Columns that are not named stay as they are."`
	PipelineID  input.Field[int64]        `json:"pipeline_id" whenSent:"required" doc:"Pipeline of leads whose row names no stage." example:"1"`
	StageID     input.Field[int64]        `json:"stage_id" whenSent:"required" doc:"Stage in which leads are created whose row names none." example:"5"`
	MatchBy     input.Field[string]       `json:"match_by" whenSent:"required" enum:"email,phone,email_or_phone" doc:"What an existing lead is found by." example:"email_or_phone"`
	OnDuplicate input.Field[string]       `json:"on_duplicate" whenSent:"required" enum:"update,skip,create" doc:"What happens with a row whose lead exists." example:"update"`
	Tags        input.Field[[]string]     `json:"tags" itemMaxLength:"50" doc:"Tags that each lead gets besides." example:"[\"feira-2026\"]"`
	Decimal     input.Field[string]       `json:"decimal" whenSent:"required" enum:"auto,comma,point" doc:"The decimal separator of numbers." example:"auto"`
}

// ProblemsQuery is the query of GET /imports/{id}/problems.
type ProblemsQuery struct {
	Kind input.Field[string] `query:"kind" enum:"problem,duplicate" doc:"Only these." example:"problem"`
	api.PageQuery
}

// ItemsQuery is the query of GET /imports/{id}/items.
type ItemsQuery struct {
	Only input.Field[string] `query:"only" enum:"failed,kept" doc:"Only the rows that failed, or those of which an undo left something as it was." example:"kept"`
	api.PageQuery
}

// ListQuery is the query of GET /imports.
type ListQuery struct{ api.PageQuery }

// Shown answers with one import.
type Shown struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Import  View `json:"import" doc:"The import."`
}

func show(v View, err error) (Shown, error) { return Shown{true, v}, err }

var begun = api.Refusal{Status: 409, When: "The import is in a state that does not allow it.", Example: map[string]any{"message": "A importação já foi iniciada."}}

// Routes declares the operations on imports.
func (s *Service) Routes(r *api.Router) {
	api.HandleUpload(r, api.Route{
		Method: "POST", Path: "/imports", Scope: authz.LeadsWrite, ID: "createImport", Tag: section, Summary: "Upload a file of leads", Created: true,
		Description: "Reads a CSV or XLSX of at most 64 MiB. Nothing is imported yet: the answer says what was recognised and suggests into which field each column goes.",
	}, func(ctx context.Context, c *api.Call, q UploadQuery, file *api.Upload) (Shown, error) {
		name := file.Name
		if name == "" {
			name = "import"
		}
		return show(s.Upload(ctx, c.Actor, File{Name: name, Content: file, Size: file.Size, Header: q.Header.Ptr(), Options: spreadsheet.Options{
			Encoding: spreadsheet.Encoding(q.Encoding.Value), Sheet: q.Sheet.Value,
			Delimiter: map[string]byte{"comma": ',', "semicolon": ';', "tab": '\t', "bar": '|'}[q.Delimiter.Value],
		}}))
	})
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/imports", Scope: authz.LeadsRead, ID: "listImports", Tag: section, Summary: "List imports", Description: "The account's imports, newest first. They are kept for 31 days.",
	}, func(ctx context.Context, c *api.Call, q ListQuery) (api.PagedList[View], error) {
		views, total, err := s.List(ctx, c.Actor, q.Asked())
		return api.PageOf(views, q.Asked(), total), err
	})
	api.Handle(r, api.Route{
		Method: "GET", Path: "/imports/{id}", Scope: authz.LeadsRead, ID: "getImport", Tag: section, Summary: "Fetch an import", Description: "Gives an import, with its progress.",
	}, func(ctx context.Context, c *api.Call) (Shown, error) { return show(s.Get(ctx, c.Actor, c.ID("id"))) })
	update := func(ctx context.Context, c *api.Call, form *input.Form[UpdateFields]) (Shown, error) {
		return show(s.Update(ctx, c.Actor, c.ID("id"), form))
	}
	api.HandleUpdate(r, api.Route{
		Path: "/imports/{id}", Scope: authz.LeadsWrite, Tag: section, ID: "updateImport", Summary: "Set mapping and options", Refusals: []api.Refusal{begun},
		Description: "Changes what is sent, until the import is started. A dry run is void then. PUT and PATCH mean the same.",
		BodyExample: map[string]any{"mapping": map[string]any{"Nome": "name", "B": "phone", "Obs": nil}, "stage_id": 5, "on_duplicate": "update", "tags": []string{"feira-2026"}},
	}, update)
	api.Handle(r, api.Route{
		Method: "DELETE", Path: "/imports/{id}", Scope: authz.LeadsWrite, ID: "deleteImport", Tag: section, Summary: "Delete an import", Refusals: []api.Refusal{begun},
		Description: "Forgets the file and what is known of its rows. The leads stay; the import can be undone no more.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.Delete(ctx, c.Actor, c.ID("id"))
	})
	s.routesOfRuns(r)
}

func (s *Service) routesOfRuns(r *api.Router) {
	for _, one := range []struct {
		path, id, summary, description string
		do                             func(ctx context.Context, actor authz.Actor, id int64) (View, error)
	}{
		{"dry-run", "checkImport", "Dry run", "Goes over all rows as the import would, and changes nothing: it counts what would be done and lists problems and duplicates. It is work for later; its progress is in the import.", s.DryRun},
		{"start", "startImport", "Start an import", "Imports the rows, by the rules of an upsert. It is work for later; its progress is in the import. A row with a problem is left out and listed. A crash neither loses nor repeats a row.", s.Start},
		{"cancel", "cancelImport", "Cancel", "Ends the dry run or the import that is under way. What was imported stays, and can be undone.", s.Cancel},
		{"undo", "undoImport", "Undo an import", "Takes back what the import has changed, within 30 days: created leads go to the trash, changed fields get their old values. What was edited since stays as it is and is listed under `GET /imports/{id}/items?only=kept`.", s.Undo},
	} {
		api.Handle(r, api.Route{
			Method: "POST", Path: "/imports/{id}/" + one.path, Scope: authz.LeadsWrite, ID: one.id, Tag: section, Summary: one.summary, Description: one.description, Refusals: []api.Refusal{begun},
		}, func(ctx context.Context, c *api.Call) (Shown, error) { return show(one.do(ctx, c.Actor, c.ID("id"))) })
	}
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/imports/{id}/problems", Scope: authz.LeadsRead, ID: "listImportProblems", Tag: section, Summary: "List problems",
		Description: "What the import, or before it the dry run, has found: rows that are left out, with the column and the reason, and rows whose contact was there already.",
	}, func(ctx context.Context, c *api.Call, q ProblemsQuery) (api.PagedList[Problem], error) {
		found, total, err := s.Problems(ctx, c.Actor, c.ID("id"), q.Kind.Value, q.Asked())
		return api.PageOf(found, q.Asked(), total), err
	})
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/imports/{id}/items", Scope: authz.LeadsRead, ID: "listImportItems", Tag: section, Summary: "List what became of the rows",
		Description: "The rows that changed a lead or failed, by their numbers, and what an undo has done about them.",
	}, func(ctx context.Context, c *api.Call, q ItemsQuery) (api.PagedList[operations.ItemView], error) {
		items, total, err := s.Items(ctx, c.Actor, c.ID("id"), operations.Selected(q.Only.Value), q.Asked())
		return api.PageOf(items, q.Asked(), total), err
	})
}
