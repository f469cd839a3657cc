package messaging

import (
	"context"
	"errors"
	"fmt"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/phones"
)

// numberCheck is what a provider has said of a phone.
type numberCheck struct {
	chatID string // "" when nobody on WhatsApp has the phone
	at     time.Time
}

// For how long an answer is believed: numbers stay with people, while one that is
// not on WhatsApp may be any day.
const (
	foundFor   = 30 * 24 * time.Hour
	missingFor = time.Hour
)

func (c *numberCheck) valid(now time.Time) bool {
	if c == nil {
		return false
	}
	lasts := foundFor
	if c.chatID == "" {
		lasts = missingFor
	}
	return now.Before(c.at.Add(lasts))
}

const numberCheckSQL = `SELECT chat_id, checked_at FROM number_checks WHERE account_id = $1 AND instance_id = $2 AND phone_key = $3`

// getNumberCheck reads what was said of a phone; nil when it was not asked about.
func getNumberCheck(rows *db.Rows) (*numberCheck, error) {
	c := &numberCheck{}
	err := db.Get(rows, &c.chatID, &c.at)
	if errors.Is(err, db.ErrNoRows) {
		return nil, nil //nolint:nilnil // not asked about is an ordinary answer, which every use tests for
	}
	if err != nil {
		return nil, fmt.Errorf("reading the check of a number: %w", err)
	}
	return c, nil
}

// keepNumberCheck remembers what a provider said of a phone; chatID is "" for one
// that is not on WhatsApp.
func keepNumberCheck(tx *db.Tx, actor authz.Actor, instanceID int64, phoneKey, chatID string) error {
	return tx.Queue(`INSERT INTO number_checks (account_id, instance_id, phone_key, chat_id, checked_at) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account_id, instance_id, phone_key) DO UPDATE SET chat_id = excluded.chat_id, checked_at = excluded.checked_at`,
		actor.AccountID, instanceID, phoneKey, orNull(chatID), tx.Now())
}

// address finds out where messages to the plan's phone go: where the conversation
// has its place already, else what the provider said or says now. It is "" for a
// phone that is not on WhatsApp. Of a provider that cannot be asked, the address is
// the phone itself: it answers a send with the form it knows.
func (s *Service) address(ctx context.Context, actor authz.Actor, p *plan, c Connection) (string, error) {
	if to := p.chatID(); to != "" {
		return to, nil
	}
	if p.check.valid(s.Clock()) {
		return p.check.chatID, nil
	}
	checker, ok := s.Providers[c.Provider].(NumberChecker)
	if !ok {
		return p.phone, nil
	}
	chatID, err := checkNumber(ctx, checker, c, p.phone)
	if err != nil {
		return "", err
	}
	err = s.db.Write(aside(ctx), func(tx *db.Tx) error { return keepNumberCheck(tx, actor, c.InstanceID, p.key, chatID) })
	if err != nil {
		return "", fmt.Errorf("keeping the check of a number: %w", err)
	}
	return chatID, nil
}

// checkNumber asks for both forms of a phone; the provider may know either.
func checkNumber(ctx context.Context, checker NumberChecker, c Connection, phone string) (chatID string, err error) {
	forms := []string{phone}
	if other, ok := phones.OtherNinth(phone); ok {
		forms = append(forms, other)
	}
	for _, form := range forms {
		chatID, exists, err := checker.CheckNumber(ctx, c, form)
		if err != nil {
			return "", fmt.Errorf("asking for a number: %w", err)
		}
		if exists {
			return chatID, nil
		}
	}
	return "", nil
}
