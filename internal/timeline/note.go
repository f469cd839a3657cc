package timeline

import (
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// Note is what a person wrote about a lead, as the lead's include shows it.
type Note struct {
	ID        int64            `json:"id" doc:"Note id." example:"31"`
	Body      string           `json:"body" doc:"The text." example:"Prefere contato pela manhã."`
	Author    *Person          `json:"author" doc:"Who wrote it; null when unknown."`
	CreatedAt calendar.Instant `json:"created_at" doc:"When it was written."`
}

// Person is a user by id and name.
type Person struct {
	ID   int64  `json:"id" doc:"User id." example:"12"`
	Name string `json:"name" doc:"User name." example:"Ana"`
}

// person makes a Person of the columns of an outer join.
func person(id *int64, name *string) *Person {
	if id == nil || name == nil {
		return nil
	}
	return &Person{*id, *name}
}

// EditableNote is a note with what only its own routes show.
type EditableNote struct {
	Note
	EditedAt *calendar.Instant `json:"edited_at" doc:"When it was last edited; null when it was not."`
}

const selectNotes = `SELECT n.id, n.body, u.id, u.name, n.created_at, n.edited_at FROM lead_notes n
	LEFT JOIN users u ON u.account_id = n.account_id AND u.id = n.author_id
	WHERE n.account_id = $1 AND n.lead_id = $2`

func scanNote(r *db.Rows, n *EditableNote) {
	var (
		authorID *int64
		author   *string
		edited   *time.Time
	)
	r.Scan(&n.ID, &n.Body, &authorID, &author, &n.CreatedAt.Time, &edited)
	n.Author, n.EditedAt = person(authorID, author), calendar.InstantOf(edited)
}

// NotesOf gives the notes of a lead from place offset on, newest first, and how many
// there are in all.
func NotesOf(q db.Querier, actor authz.Actor, leadID, limit, offset int64) (notes []EditableNote, total int64, err error) {
	if err := db.Get(q.Query(`SELECT count(*) FROM lead_notes WHERE account_id = $1 AND lead_id = $2`, actor.AccountID, leadID), &total); err != nil {
		return nil, 0, fmt.Errorf("counting the notes of lead %d: %w", leadID, err)
	}
	notes, err = db.Collect(q.Query(selectNotes+` ORDER BY n.created_at DESC, n.id DESC LIMIT $3 OFFSET $4`, actor.AccountID, leadID, limit, offset), scanNote)
	return notes, total, err
}

// NoteOf gives a note of a lead.
func NoteOf(q db.Querier, actor authz.Actor, leadID, id int64) (EditableNote, error) {
	found, err := db.Collect(q.Query(selectNotes+` AND n.id = $3`, actor.AccountID, leadID, id), scanNote)
	switch {
	case err != nil:
		return EditableNote{}, err
	case len(found) == 0:
		return EditableNote{}, unknownNote()
	}
	return found[0], nil
}

func unknownNote() error { return faults.Unknown("Nota", "a") }

// AddNote adds what the actor writes about a lead, and says so on its timeline.
func AddNote(tx *db.Tx, actor authz.Actor, leadID int64, body string) (id int64, err error) {
	if err := db.Get(tx.Query(`INSERT INTO lead_notes (account_id, lead_id, body, author_id, created_at) VALUES ($1, $2, $3, $4, $5) RETURNING id`,
		actor.AccountID, leadID, body, actor.PerformedBy(), tx.Now()), &id); err != nil {
		return 0, fmt.Errorf("inserting a note: %w", err)
	}
	return id, Record(tx, actor, Event{LeadID: leadID, Type: NoteAdded, Description: "Nota adicionada."})
}

// EditNote gives a note of a lead another text. Its author stays.
func EditNote(tx *db.Tx, actor authz.Actor, leadID, id int64, body string) error {
	n, err := tx.Exec(`UPDATE lead_notes SET body = $4, edited_at = $5 WHERE account_id = $1 AND lead_id = $2 AND id = $3`, actor.AccountID, leadID, id, body, tx.Now())
	if err == nil && n == 0 {
		err = unknownNote()
	}
	return err
}

// RemoveNote removes a note of a lead. That it was added stays on the timeline.
func RemoveNote(tx *db.Tx, actor authz.Actor, leadID, id int64) error {
	n, err := tx.Exec(`DELETE FROM lead_notes WHERE account_id = $1 AND lead_id = $2 AND id = $3`, actor.AccountID, leadID, id)
	if err == nil && n == 0 {
		err = unknownNote()
	}
	return err
}

// Notes gives the notes of leads by lead, newest first.
func Notes(q db.Querier, actor authz.Actor, leadIDs []int64) (map[int64][]Note, error) {
	rows := q.Query(`SELECT n.lead_id, n.id, n.body, u.id, u.name, n.created_at FROM lead_notes n
		LEFT JOIN users u ON u.account_id = n.account_id AND u.id = n.author_id
		WHERE n.account_id = $1 AND n.lead_id = ANY($2) ORDER BY n.created_at DESC, n.id DESC`, actor.AccountID, leadIDs)
	notes := map[int64][]Note{}
	for rows.Next() {
		var (
			leadID   int64
			n        Note
			authorID *int64
			author   *string
		)
		rows.Scan(&leadID, &n.ID, &n.Body, &authorID, &author, &n.CreatedAt.Time)
		n.Author = person(authorID, author)
		notes[leadID] = append(notes[leadID], n)
	}
	return notes, rows.Err()
}
