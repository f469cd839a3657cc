package leads

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	"syncro/internal/api"
	"syncro/internal/authz"
	"syncro/internal/db"
	"syncro/internal/tasks"
	"syncro/internal/timeline"
)

// Include is a relation that ?include= loads. It reads the rows of all leads of
// a page with one query.
type Include struct {
	Name       string
	SingleOnly bool // only on GET /leads/{id}, for its cost
	// Load gives the members that each lead gets, as JSON without braces; a lead
	// that it leaves out gets Empty.
	Load  func(q db.Querier, actor authz.Actor, leads []int64) (map[int64]string, error)
	Empty string
	// Members document what it adds; those that View has are left out.
	Members []api.Member
}

// Lists is an include of one list of rows under member.
func Lists[T any](name, member string, load func(q db.Querier, actor authz.Actor, leads []int64) (map[int64][]T, error)) Include {
	return Include{
		Name: name, Empty: `"` + member + `":[]`, Members: []api.Member{added(name, member, reflect.TypeFor[[]T]())},
		Load: func(q db.Querier, actor authz.Actor, leads []int64) (map[int64]string, error) {
			rows, err := load(q, actor, leads)
			return asMembers(member, rows, err)
		},
	}
}

// One loads an include that is one object under member, for those leads that have it.
func One[T any](member string, load func(q db.Querier, actor authz.Actor, leads []int64) (map[int64]T, error)) func(db.Querier, authz.Actor, []int64) (map[int64]string, error) {
	return func(q db.Querier, actor authz.Actor, leads []int64) (map[int64]string, error) {
		found, err := load(q, actor, leads)
		if err != nil {
			return nil, err
		}
		members := make(map[int64]string, len(found))
		for id, v := range found {
			text, err := jsonOf(v)
			if err != nil {
				return nil, err
			}
			members[id] = `"` + member + `":` + text
		}
		return members, nil
	}
}

// added documents a member that an include adds.
func added(include, member string, typ reflect.Type) api.Member {
	return api.Member{Name: member, Type: typ, Doc: "With include=" + include + "."}
}

func asMembers[T any](member string, rows map[int64][]T, err error) (map[int64]string, error) {
	if err != nil {
		return nil, err
	}
	members := make(map[int64]string, len(rows))
	for id, list := range rows {
		text, err := jsonOf(list)
		if err != nil {
			return nil, err
		}
		members[id] = `"` + member + `":` + text
	}
	return members, nil
}

func jsonOf(v any) (string, error) {
	var b strings.Builder
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// ownIncludes are the relations that this package and those below it have. The
// owner and the score are not among them: they need no query.
func ownIncludes() []Include {
	return []Include{
		Lists("notes", "notes_list", timeline.Notes),
		{Name: "sales", Empty: `"sales":[],"lost_sales":[]`, Load: loadSales},
		Lists("tasks", "tasks", tasks.ForLeads),
		{Name: "siblings", SingleOnly: true, Load: loadSiblings},
		{
			Name: "events", SingleOnly: true, Empty: `"events":[]`, Load: loadEvents,
			Members: []api.Member{added("events", "events", reflect.TypeFor[[]timeline.EventView]())},
		},
	}
}

func loadSales(q db.Querier, actor authz.Actor, leads []int64) (map[int64]string, error) {
	sales, err := salesOf(q, actor, leads)
	if err != nil {
		return nil, err
	}
	losses, err := lossesOf(q, actor, leads)
	if err != nil {
		return nil, err
	}
	members := map[int64]string{}
	for _, id := range leads {
		won, err := jsonOf(append([]Sale{}, sales[id]...))
		if err != nil {
			return nil, err
		}
		lost, err := jsonOf(append([]LostSale{}, losses[id]...))
		if err != nil {
			return nil, err
		}
		members[id] = `"sales":` + won + `,"lost_sales":` + lost
	}
	return members, nil
}

func loadEvents(q db.Querier, actor authz.Actor, leads []int64) (map[int64]string, error) {
	rows := map[int64][]timeline.EventView{}
	for _, id := range leads { // one lead: the include is not for lists
		events, err := timeline.Events(q, actor, id)
		if err != nil {
			return nil, err
		}
		if len(events) > 0 {
			rows[id] = events
		}
	}
	return asMembers("events", rows, nil)
}

// wanted is what an include parameter asks for.
type wanted struct {
	owner, score bool
	relations    []Include
}

// wanted reads an include parameter; names that are unknown, or not for lists
// where a list is asked for, are ignored.
func (s *Service) wanted(parameter string, list bool) (w wanted) {
	for name := range strings.SplitSeq(parameter, ",") {
		switch name = strings.TrimSpace(name); name {
		case "owner":
			w.owner = true
		case "score":
			w.score = true
		default:
			i := slices.IndexFunc(s.includes, func(in Include) bool { return in.Name == name && (!list || !in.SingleOnly) })
			asked := slices.ContainsFunc(w.relations, func(in Include) bool { return in.Name == name })
			if i >= 0 && !asked {
				w.relations = append(w.relations, s.includes[i])
			}
		}
	}
	return w
}

// load reads the relations of leads: per relation, the members of each lead.
func (w *wanted) load(q db.Querier, actor authz.Actor, leads []int64) ([]map[int64]string, error) {
	loaded := make([]map[int64]string, len(w.relations))
	for i, in := range w.relations {
		members, err := in.Load(q, actor, leads)
		if err != nil {
			return nil, err
		}
		loaded[i] = members
	}
	return loaded, nil
}

// whole writes a lead with what was asked for.
func (r *renderer) whole(b []byte, l *Lead, w *wanted, loaded []map[int64]string) []byte {
	b = r.lead(b, l)
	if w.owner {
		b = r.owner(b, l)
	}
	if w.score {
		b = r.score(b, l)
	}
	for i, in := range w.relations {
		members, ok := loaded[i][l.ID]
		if !ok {
			members = in.Empty
		}
		b = append(append(b, ','), members...)
	}
	return append(b, '}')
}
