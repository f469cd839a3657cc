package leads

import (
	"context"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/input"
	"syncro/internal/timeline"
)

// NoteFields are the body of the writes of notes.
type NoteFields struct {
	Body input.Field[string] `json:"body" required:"true" maxLength:"10000" doc:"The text." example:"Prefere contato pela manhã."`
}

// noteAnswer is the answer that shows one note.
type noteAnswer struct {
	Success bool                  `json:"success" doc:"Always true." example:"true"`
	Note    timeline.EditableNote `json:"note" doc:"The note."`
}

// Notes gives the notes of a lead, newest first, and how many there are in all.
// Notes are no part of the lead: writing one moves neither its version nor its
// updated_at.
func (s *Service) Notes(ctx context.Context, actor authz.Actor, leadID int64, page api.Page) (notes []timeline.EditableNote, total int64, err error) {
	err = s.db.Read(ctx, func(q db.Querier) error {
		if _, err := find(q, actor, leadID); err != nil {
			return err
		}
		notes, total, err = timeline.NotesOf(q, actor, leadID, page.Size, page.Offset())
		return err
	})
	return notes, total, err
}

// AddNote adds a note to a lead, in the acting user's name.
func (s *Service) AddNote(ctx context.Context, actor authz.Actor, leadID int64, form *input.Form[NoteFields]) (timeline.EditableNote, error) {
	return s.writeNote(ctx, actor, leadID, func(tx *db.Tx) (id int64, err error) {
		if err := form.Err(); err != nil {
			return 0, err
		}
		return timeline.AddNote(tx, actor, leadID, form.Fields.Body.Value)
	})
}

// EditNote gives a note another text.
func (s *Service) EditNote(ctx context.Context, actor authz.Actor, leadID, id int64, form *input.Form[NoteFields]) (timeline.EditableNote, error) {
	return s.writeNote(ctx, actor, leadID, func(tx *db.Tx) (int64, error) {
		if _, err := timeline.NoteOf(tx, actor, leadID, id); err != nil {
			return 0, err
		}
		if err := form.Err(); err != nil {
			return 0, err
		}
		return id, timeline.EditNote(tx, actor, leadID, id, form.Fields.Body.Value)
	})
}

// writeNote writes a note of a lead that is held, and shows it.
func (s *Service) writeNote(ctx context.Context, actor authz.Actor, leadID int64, write func(tx *db.Tx) (id int64, err error)) (note timeline.EditableNote, err error) {
	err = s.db.Write(ctx, func(tx *db.Tx) error {
		if err := HoldOne(tx, actor, leadID); err != nil {
			return err
		}
		id, err := write(tx)
		if err != nil {
			return err
		}
		note, err = timeline.NoteOf(tx, actor, leadID, id)
		return err
	})
	return note, err
}

// RemoveNote removes a note of a lead.
func (s *Service) RemoveNote(ctx context.Context, actor authz.Actor, leadID, id int64) error {
	return s.db.Write(ctx, func(tx *db.Tx) error {
		if err := HoldOne(tx, actor, leadID); err != nil {
			return err
		}
		return timeline.RemoveNote(tx, actor, leadID, id)
	})
}

func (s *Service) routesOfNotes(r *api.Router) {
	const section = "Contacts and notes"
	api.HandleQuery(r, api.Route{
		Method: "GET", Path: "/leads/{id}/notes", Scope: authz.LeadsRead, ID: "listLeadNotes", Tag: section, Summary: "List the notes of a lead",
		Description: "What people wrote about the lead, newest first.",
	}, func(ctx context.Context, c *api.Call, query api.PageQuery) (api.PagedList[timeline.EditableNote], error) {
		notes, total, err := s.Notes(ctx, c.Actor, c.ID("id"), query.Asked())
		return api.PageOf(notes, query.Asked(), total), err
	})
	api.HandleBody(r, api.Route{
		Method: "POST", Path: "/leads/{id}/notes", Scope: authz.LeadsWrite, ID: "addLeadNote", Tag: section, Summary: "Add a note to a lead", Created: true,
		Description: "Adds a note in the name of the user that the key acts as, with the event `note_added`. It does not move the lead's `updated_at`.",
		BodyExample: map[string]any{"body": "Prefere contato pela manhã."},
	}, func(ctx context.Context, c *api.Call, form *input.Form[NoteFields]) (noteAnswer, error) {
		n, err := s.AddNote(ctx, c.Actor, c.ID("id"), form)
		return noteAnswer{true, n}, err
	})
	api.HandleBody(r, api.Route{
		Method: "PUT", Path: "/leads/{id}/notes/{note_id}", Scope: authz.LeadsWrite, ID: "updateLeadNote", Tag: section, Summary: "Edit a note of a lead",
		Description: "Replaces the text. The author stays.",
		BodyExample: map[string]any{"body": "Prefere contato à tarde."},
	}, func(ctx context.Context, c *api.Call, form *input.Form[NoteFields]) (noteAnswer, error) {
		n, err := s.EditNote(ctx, c.Actor, c.ID("id"), c.ID("note_id"), form)
		return noteAnswer{true, n}, err
	})
	api.Handle(r, api.Route{
		Method: "DELETE", Path: "/leads/{id}/notes/{note_id}", Scope: authz.LeadsWrite, ID: "removeLeadNote", Tag: section, Summary: "Remove a note of a lead",
		Description: "Removes the note. That it was added stays on the timeline.",
	}, func(ctx context.Context, c *api.Call) (api.Done, error) {
		return api.Done{Success: true}, s.RemoveNote(ctx, c.Actor, c.ID("id"), c.ID("note_id"))
	})
}
