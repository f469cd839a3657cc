package leads

import (
	"syncro/internal/authz"
	"syncro/internal/db"
)

// Relation is what a feature has of leads, for what happens to leads as a whole.
// Rows that go with their lead by a foreign key need none for a purge.
type Relation struct {
	// Purge removes, for good, what is there of leads that are about to be removed
	// themselves; nil where the database does it.
	Purge func(tx *db.Tx, actor authz.Actor, leads []int64) error
}

// Relate adds the relations of features above this one, before the service is used.
func (s *Service) Relate(relations ...Relation) { s.relations = append(s.relations, relations...) }
