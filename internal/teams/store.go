package teams

import (
	"errors"
	"fmt"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/searchtext"
)

const columns = `id, name, created_at, updated_at`

func (t *Team) places() []any { return []any{&t.ID, &t.Name, &t.CreatedAt.Time, &t.UpdatedAt.Time} }

func unknown() error { return faults.Unknown("Time", "o") }

func selectTeams(q db.Querier, actor authz.Actor) ([]Team, error) {
	return db.Collect(q.Query(`SELECT `+columns+` FROM teams WHERE account_id = $1 ORDER BY name_key, id`, actor.AccountID),
		func(r *db.Rows, t *Team) { r.Scan(t.places()...) })
}

func find(q db.Querier, actor authz.Actor, id int64) (Team, error) {
	teams := make([]Team, 1)
	err := db.Get(q.Query(`SELECT `+columns+` FROM teams WHERE account_id = $1 AND id = $2`, actor.AccountID, id), teams[0].places()...)
	switch {
	case errors.Is(err, db.ErrNoRows):
		return Team{}, unknown()
	case err != nil:
		return Team{}, fmt.Errorf("reading team %d: %w", id, err)
	}
	err = withMembers(q, actor, teams)
	return teams[0], err
}

// withMembers adds the members to teams, all at once.
func withMembers(q db.Querier, actor authz.Actor, teams []Team) error {
	place := map[int64]*Team{}
	ids := make([]int64, len(teams))
	for i := range teams {
		ids[i], place[teams[i].ID] = teams[i].ID, &teams[i]
		teams[i].Members = []Member{}
	}
	rows := q.Query(`SELECT m.team_id, u.id, u.name FROM team_members m
		JOIN users u ON u.account_id = m.account_id AND u.id = m.user_id
		WHERE m.account_id = $1 AND m.team_id = ANY($2) AND u.deleted_at IS NULL ORDER BY u.id`, actor.AccountID, ids)
	for rows.Next() {
		var teamID int64
		var m Member
		rows.Scan(&teamID, &m.ID, &m.Name)
		if t := place[teamID]; t != nil {
			t.Members = append(t.Members, m)
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("reading the members of teams: %w", err)
	}
	return nil
}

func hasName(q db.Querier, actor authz.Actor, key string, except int64) (taken bool, err error) {
	err = db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM teams WHERE account_id = $1 AND name_key = $2 AND id <> $3)`, actor.AccountID, key, except), &taken)
	return taken, err
}

func activeOf(q db.Querier, actor authz.Actor, userIDs []int64) ([]int64, error) {
	return db.Column[int64](q.Query(`SELECT id FROM users WHERE account_id = $1 AND id = ANY($2) AND deleted_at IS NULL`, actor.AccountID, userIDs))
}

func insert(tx *db.Tx, actor authz.Actor, name string) (id int64, err error) {
	err = db.Get(tx.Query(`INSERT INTO teams (account_id, name, name_key, created_at, updated_at) VALUES ($1, $2, $3, $4, $4) RETURNING id`,
		actor.AccountID, name, searchtext.Fold(name), tx.Now()), &id)
	return id, err
}

func update(tx *db.Tx, actor authz.Actor, id int64, name string) error {
	_, err := tx.Exec(`UPDATE teams SET name = $3, name_key = $4, updated_at = $5 WHERE account_id = $1 AND id = $2`,
		actor.AccountID, id, name, searchtext.Fold(name), tx.Now())
	return err
}

func remove(tx *db.Tx, actor authz.Actor, id int64) error {
	n, err := tx.Exec(`DELETE FROM teams WHERE account_id = $1 AND id = $2`, actor.AccountID, id)
	if err == nil && n == 0 {
		err = unknown()
	}
	return err
}

func setMembers(tx *db.Tx, actor authz.Actor, id int64, userIDs []int64) error {
	if err := tx.Queue(`DELETE FROM team_members WHERE account_id = $1 AND team_id = $2`, actor.AccountID, id); err != nil {
		return err
	}
	for _, userID := range userIDs {
		if err := addMember(tx, actor, id, userID); err != nil {
			return err
		}
	}
	return nil
}

func addMember(tx *db.Tx, actor authz.Actor, id, userID int64) error {
	return tx.Queue(`INSERT INTO team_members (account_id, team_id, user_id) VALUES ($1, $2, $3) ON CONFLICT (account_id, team_id, user_id) DO NOTHING`,
		actor.AccountID, id, userID)
}

func removeMember(tx *db.Tx, actor authz.Actor, id, userID int64) error {
	return tx.Queue(`DELETE FROM team_members WHERE account_id = $1 AND team_id = $2 AND user_id = $3`, actor.AccountID, id, userID)
}

// lockTurn holds a team until the transaction ends and gives who had its last turn,
// 0 for nobody.
func lockTurn(tx *db.Tx, actor authz.Actor, id int64) (last int64, found bool, err error) {
	err = db.Get(tx.Query(`SELECT COALESCE(last_user, 0) FROM teams WHERE account_id = $1 AND id = $2 FOR UPDATE`, actor.AccountID, id), &last)
	if errors.Is(err, db.ErrNoRows) {
		return 0, false, nil
	}
	return last, err == nil, err
}

// memberAfter is the member whose turn comes after a user's. He is not deleted
// before the transaction ends.
func memberAfter(tx *db.Tx, actor authz.Actor, id, last int64) (userID int64, found bool, err error) {
	err = db.Get(tx.Query(`SELECT u.id FROM team_members m JOIN users u ON u.account_id = m.account_id AND u.id = m.user_id
		WHERE m.account_id = $1 AND m.team_id = $2 AND u.deleted_at IS NULL
		ORDER BY CASE WHEN u.id > $3 THEN 0 ELSE 1 END, u.id LIMIT 1 FOR KEY SHARE OF u`, actor.AccountID, id, last), &userID)
	if errors.Is(err, db.ErrNoRows) {
		return 0, false, nil
	}
	return userID, err == nil, err
}

func takeTurn(tx *db.Tx, actor authz.Actor, id, userID int64) error {
	return tx.Queue(`UPDATE teams SET last_user = $3 WHERE account_id = $1 AND id = $2`, actor.AccountID, id, userID)
}
