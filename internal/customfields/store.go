package customfields

import (
	"encoding/json"
	"fmt"
	"strconv"

	"syncro/internal/db"
)

// LoadSet reads an account's fields.
func LoadSet(q db.Querier, accountID int64) (*Set, error) {
	var region string
	if err := db.Get(q.Query(`SELECT phone_region FROM accounts WHERE id = $1`, accountID), &region); err != nil {
		return nil, fmt.Errorf("reading account %d: %w", accountID, err)
	}
	rows := q.Query(`SELECT id, name, label, field_type, options, is_required, is_active, show_on_card, sort_order
		FROM custom_fields WHERE account_id = $1`, accountID)
	defer rows.Close()
	var fields []Field
	for rows.Next() {
		f := Field{phoneRegion: region}
		var options string
		rows.Scan(&f.ID, &f.Name, &f.Label, &f.Type, &options, &f.Required, &f.Active, &f.ShowOnCard, &f.SortOrder)
		if rows.Err() != nil {
			break
		}
		if err := json.Unmarshal([]byte(options), &f.Options); err != nil {
			return nil, fmt.Errorf("reading the options of custom field %d: %w", f.ID, err)
		}
		fields = append(fields, f)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("reading custom fields: %w", err)
	}
	return NewSet(fields), nil
}

// Add stores a new field and returns its id. The caller calls accounts.SetupChanged.
func Add(tx *db.Tx, accountID int64, f Field) (id int64, err error) {
	err = db.Get(tx.Query(`INSERT INTO custom_fields
		(account_id, name, label, field_type, options, is_required, is_active, show_on_card, sort_order, created_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) RETURNING id`,
		accountID, f.Name, f.Label, f.Type, optionsText(f.Options), f.Required, f.Active, f.ShowOnCard, f.SortOrder, tx.Now()), &id)
	if err != nil {
		return 0, fmt.Errorf("adding custom field %q: %w", f.Name, err)
	}
	return id, nil
}

// Update stores everything of a field. Its type does not change while it
// [HasValues]. The caller calls accounts.SetupChanged.
func Update(tx *db.Tx, accountID int64, f Field) error {
	_, err := tx.Exec(`UPDATE custom_fields
		SET name = $3, label = $4, field_type = $5, options = $6, is_required = $7, is_active = $8, show_on_card = $9, sort_order = $10, updated_at = $11
		WHERE account_id = $1 AND id = $2`,
		accountID, f.ID, f.Name, f.Label, f.Type, optionsText(f.Options), f.Required, f.Active, f.ShowOnCard, f.SortOrder, tx.Now())
	if err != nil {
		return fmt.Errorf("updating custom field %q: %w", f.Name, err)
	}
	return nil
}

// HasValues tells whether any lead, merged and trashed ones included, has a value
// in the field. It reads all leads of the account: it is for rare acts of
// administration.
func HasValues(q db.Querier, accountID, fieldID int64) (has bool, err error) {
	err = db.Get(q.Query(`SELECT EXISTS (SELECT 1 FROM leads WHERE account_id = $1 AND strpos(custom_values, $2) > 0)`, accountID, Mark(fieldID)), &has)
	if err != nil {
		return false, fmt.Errorf("looking for values of custom field %d: %w", fieldID, err)
	}
	return has, nil
}

// Remove deletes a field's definition; no lead has a value in it any more. The
// caller calls accounts.SetupChanged.
func Remove(tx *db.Tx, accountID, fieldID int64) error {
	_, err := tx.Exec(`DELETE FROM custom_fields WHERE account_id = $1 AND id = $2`, accountID, fieldID)
	if err != nil {
		return fmt.Errorf("removing custom field %d: %w", fieldID, err)
	}
	return nil
}

// Mark is a text that a lead's stored values hold if and only if there is one of the
// field: a number in quotes before a colon can be nothing but a key, since a quote
// inside of a value has a backslash before it.
func Mark(fieldID int64) string { return `"` + strconv.FormatInt(fieldID, 10) + `":` }

func optionsText(options []string) string {
	text := []byte{'['}
	for i, option := range options {
		if i > 0 {
			text = append(text, ',')
		}
		text = appendString(text, option)
	}
	return string(append(text, ']'))
}
