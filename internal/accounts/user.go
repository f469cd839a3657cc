package accounts

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/faults"
	"syncro/internal/input"
)

// User is somebody who works in an account, or did.
type User struct {
	ID      int64
	Name    string
	Email   string
	Role    authz.Role
	Created time.Time
	Deleted *time.Time // nil: works there
}

// NewUser is what makes a user.
type NewUser struct {
	Name  string
	Email string
	Role  authz.Role
}

// UserFields are the body of POST /users.
type UserFields struct {
	Name  input.Field[string] `json:"name" required:"true" maxLength:"191" doc:"Name of the user." example:"Ana"`
	Email input.Field[string] `json:"email" required:"true" format:"email" maxLength:"191" doc:"Email, unique in the account whatever its case." example:"ana@minhaempresa.com.br"`
	Role  input.Field[string] `json:"role" required:"true" enum:"admin,manager,viewer" doc:"What the user may do." example:"manager"`
}

// UserChanges are the body of PUT and PATCH /users/{id}.
type UserChanges struct {
	Name  input.Field[string] `json:"name" whenSent:"required" maxLength:"191" doc:"Name of the user." example:"Ana"`
	Email input.Field[string] `json:"email" whenSent:"required" format:"email" maxLength:"191" doc:"Email, unique in the account whatever its case." example:"ana@minhaempresa.com.br"`
	Role  input.Field[string] `json:"role" whenSent:"required" enum:"admin,manager,viewer" doc:"What the user may do. The last admin stays one." example:"manager"`
}

// Users are the users of one account at one moment.
type Users struct {
	all  []User
	byID map[int64]User // deleted ones, too
}

// All lists the users by id. The list is shared and must not be changed.
func (u *Users) All() []User { return u.all }

// ByID finds a user, also a deleted one, whose name stays on what he has done.
func (u *Users) ByID(id int64) (User, bool) {
	user, ok := u.byID[id]
	return user, ok
}

// Active tells whether something can be given to a user: the account has him, and
// he is not deleted.
func (u *Users) Active(id int64) bool {
	user, ok := u.byID[id]
	return ok && user.Deleted == nil
}

// LoadUsers reads an account's users.
func LoadUsers(q db.Querier, accountID int64) (*Users, error) {
	users := &Users{byID: map[int64]User{}}
	all, err := selectUsers(q, accountID)
	if err != nil {
		return nil, fmt.Errorf("loading the users of account %d: %w", accountID, err)
	}
	for _, u := range all {
		users.byID[u.ID] = u
		if u.Deleted == nil {
			users.all = append(users.all, u)
		}
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

// GetUser gives a user, also a deleted one: the ids in answers stay good.
func (s *Service) GetUser(ctx context.Context, actor authz.Actor, id int64) (user User, err error) {
	err = s.db.Read(ctx, func(q db.Querier) (err error) {
		user, err = selectUser(q, actor.AccountID, id)
		return err
	})
	return user, wrapped(err, "reading user %d", id)
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
	form := input.Form[UserFields]{Fields: UserFields{Name: input.Of(n.Name), Email: input.Of(n.Email), Role: input.Of(string(n.Role))}}
	return s.AddUser(ctx, authz.Actor{AccountID: accountID}, &form)
}

// AddUser adds a user to the actor's account.
func (s *Service) AddUser(ctx context.Context, actor authz.Actor, form *input.Form[UserFields]) (User, error) {
	f := &form.Fields
	var user User
	err := s.db.Write(ctx, func(tx *db.Tx) error {
		if _, err := selectAccount(tx, actor.AccountID); err != nil {
			return err
		}
		whole := copied(form)
		if err := checkEmailFree(tx, actor, f.Email, 0, &whole.Problems); err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		var err error
		if user, err = insertUser(tx, actor.AccountID, NewUser{f.Name.Value, f.Email.Value, authz.Role(f.Role.Value)}); err != nil {
			return emailTaken(err)
		}
		return s.SetupChanged(tx, actor.AccountID)
	})
	return user, wrapped(err, "creating a user of account %d", actor.AccountID)
}

// UpdateUser changes what was sent of a user. A key that acts as him is capped at
// his new role at once.
func (s *Service) UpdateUser(ctx context.Context, actor authz.Actor, id int64, form *input.Form[UserChanges]) (User, error) {
	f := &form.Fields
	var user User
	err := s.db.Write(ctx, func(tx *db.Tx) (err error) {
		if user, err = claimUser(tx, actor, id); err != nil {
			return err
		}
		whole := copied(form)
		if err := checkEmailFree(tx, actor, f.Email, id, &whole.Problems); err != nil {
			return err
		}
		if err := whole.Err(); err != nil {
			return err
		}
		before := user
		if f.Name.Given() {
			user.Name = f.Name.Value
		}
		if f.Email.Given() {
			user.Email = f.Email.Value
		}
		if f.Role.Given() {
			user.Role = authz.Role(f.Role.Value)
		}
		if user == before {
			return nil
		}
		if user.Role == authz.Admin && before.Role != authz.Admin && !actor.May(authz.SettingsWrite) {
			// It wakes what the role has held back of the scopes of his keys.
			return faults.New(faults.Forbidden, "API Key sem permissão para esta operação.", faults.Member{Name: "required_permission", Value: authz.SettingsWrite})
		}
		if user.Role != authz.Admin {
			if err := keepAnAdmin(tx, actor, before); err != nil {
				return err
			}
		}
		if err := updateUser(tx, actor.AccountID, user); err != nil {
			return emailTaken(err)
		}
		return s.SetupChanged(tx, actor.AccountID)
	})
	return user, wrapped(err, "changing user %d", id)
}

// claimUser finds a user who is not deleted and keeps him, and who else is admin of
// the account, as they are until the transaction ends. The account is held before
// the user, as by whoever creates a lead under a plan's limit.
func claimUser(tx *db.Tx, actor authz.Actor, id int64) (User, error) {
	if _, err := selectAccountForUpdate(tx, actor.AccountID); err != nil {
		return User{}, err
	}
	return selectUserForUpdate(tx, actor.AccountID, id)
}

// keepAnAdmin refuses that the account's last admin ceases to be one. The account
// is held, so that of two who cease at once the second is refused.
func keepAnAdmin(q db.Querier, actor authz.Actor, ceasing User) error {
	if ceasing.Role != authz.Admin {
		return nil
	}
	others, err := countOtherAdmins(q, actor.AccountID, ceasing.ID)
	if err == nil && others == 0 {
		err = faults.New(faults.Refused, lastAdmin)
	}
	return err
}

const lastAdmin = "A conta precisa de ao menos um administrador."

// checkEmailFree adds to problems when another user of the account has the email.
func checkEmailFree(q db.Querier, actor authz.Actor, email input.Field[string], userID int64, problems *faults.Bag) error {
	if !email.Given() {
		return nil
	}
	taken, err := hasEmail(q, actor.AccountID, email.Value, userID)
	if taken {
		problems.Add("email", emailIsTaken)
	}
	return err
}

const emailIsTaken = "The email has already been taken."

// emailTaken is the refusal of an email that somebody else has taken meanwhile.
func emailTaken(err error) error {
	if !db.UniqueOn(err, "users.account_id,email_key") {
		return err
	}
	var problems faults.Bag
	problems.Add("email", emailIsTaken)
	return problems.Err()
}

// copied is a form to add what look-ups find to: a transaction may run twice.
func copied[T any](form *input.Form[T]) input.Form[T] {
	whole := *form
	whole.Problems = form.Problems.Clone()
	return whole
}
