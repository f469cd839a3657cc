package timeline

import (
	"syncro/internal/authz"
	"syncro/internal/calendar"
	"syncro/internal/db"
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
