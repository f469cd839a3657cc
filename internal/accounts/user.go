package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
)

// User is somebody who works in an account.
type User struct {
	ID    int64
	Name  string
	Email string
	Role  authz.Role
}

// NewUser is what makes a user.
type NewUser struct {
	Name  string
	Email string
	Role  authz.Role
}

// Users are the users of one account at one moment.
type Users struct {
	all  []User
	byID map[int64]User
}

// All lists the users by id. The list is shared and must not be changed.
func (u *Users) All() []User { return u.all }

// ByID finds a user.
func (u *Users) ByID(id int64) (User, bool) {
	user, ok := u.byID[id]
	return user, ok
}

// LoadUsers reads an account's users.
func LoadUsers(q db.Querier, accountID int64) (*Users, error) {
	users := &Users{byID: map[int64]User{}}
	var err error
	if users.all, err = selectUsers(q, accountID); err != nil {
		return nil, fmt.Errorf("loading the users of account %d: %w", accountID, err)
	}
	for _, u := range users.all {
		users.byID[u.ID] = u
	}
	return users, nil
}

// Users gives the users of the actor's account, as new as the actor.
func (s *Service) Users(ctx context.Context, actor authz.Actor) (*Users, error) {
	return s.users.Get(ctx, actor)
}

// UsersWithin is Users for the inside of a transaction that does not change them.
func (s *Service) UsersWithin(q db.Querier, actor authz.Actor) (*Users, error) {
	return s.users.Within(actor, func() (*Users, error) { return LoadUsers(q, actor.AccountID) })
}

// ReloadUsers gives them as they are now. It is for an id that [Service.Users]
// does not hold, before it is refused.
func (s *Service) ReloadUsers(ctx context.Context, actor authz.Actor) (*Users, error) {
	return s.users.Reload(ctx, actor)
}

// ListUsers lists the users of the actor's account by id.
func (s *Service) ListUsers(ctx context.Context, actor authz.Actor) ([]User, error) {
	users, err := s.Users(ctx, actor)
	if err != nil {
		return nil, err
	}
	return users.All(), nil
}

// CreateUser adds a user to an account.
func (s *Service) CreateUser(ctx context.Context, accountID int64, n NewUser) (User, error) {
	n.Name, n.Email = strings.TrimSpace(n.Name), strings.TrimSpace(n.Email)
	var problems faults.Bag
	checkText(&problems, "name", n.Name)
	checkEmail(&problems, "email", n.Email)
	if !slices.Contains(authz.Roles(), n.Role) {
		problems.Selected("role")
	}
	if err := problems.Err(); err != nil {
		return User{}, err
	}
	var user User
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if _, err = selectAccount(tx, accountID); err != nil {
			return err
		}
		if user, err = insertUser(tx, accountID, n); err != nil {
			return err
		}
		return s.SetupChanged(tx, accountID)
	})
	switch {
	case db.UniqueOn(err, "users.account_id,email_key"):
		problems.Add("email", "The email has already been taken.")
		return User{}, problems.Err()
	case err != nil:
		return User{}, fmt.Errorf("creating a user of account %d: %w", accountID, err)
	}
	return user, nil
}
