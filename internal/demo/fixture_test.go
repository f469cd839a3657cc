package demo

import (
	"reflect"
	"testing"
	"time"
	_ "time/tzdata"

	"syncro/internal/leads"
)

// moments are times at which a demo may be started: just after the document's
// lead 123, long after it, and with a clock that is behind it.
var moments = []time.Time{
	time.Date(2026, 6, 30, 13, 0, 0, 0, time.UTC),
	time.Date(2027, 11, 23, 2, 15, 0, 123456000, time.UTC),
	time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
}

func fixtureAt(t *testing.T, now time.Time) *fixture {
	t.Helper()
	f, err := newFixture(now)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestTheFixtureIsTheSameForTheSameTime(t *testing.T) {
	for _, now := range moments {
		if a, b := fixtureAt(t, now), fixtureAt(t, now); !reflect.DeepEqual(a.leads, b.leads) || !reflect.DeepEqual(a.tables(), b.tables()) {
			t.Errorf("two fixtures of %s differ", now)
		}
	}
}

func TestAccountOneHasTwoHundredAndFiftyLeadsOfWhichNoTwoAreAlike(t *testing.T) {
	for _, now := range moments {
		names, phones, emails := map[string]int64{}, map[string]int64{}, map[string]int64{}
		once := func(seen map[string]int64, text string, id int64) {
			if other, ok := seen[text]; ok && text != "" {
				t.Errorf("leads %d and %d both have %s", other, id, text)
			}
			seen[text] = id
		}
		all := fixtureAt(t, now).leads[mine]
		for i, l := range all {
			if l.ID != int64(i+1) || l.PipelineID != 1 {
				t.Fatalf("lead %d is number %d, in pipeline %d", l.ID, i+1, l.PipelineID)
			}
			once(names, l.Name, l.ID)
			once(phones, l.Phone, l.ID)
			if l.ID != joaoAgain {
				once(emails, l.Email, l.ID)
			}
		}
		if again := all[joaoAgain-1]; again.Email != all[joao-1].Email || !again.UpdatedAt.Before(all[joao-1].UpdatedAt) {
			t.Errorf("an upsert by João's address would not find him, but %+v", again)
		}
	}
}

func TestNothingHappensBeforeItsLeadIsCreatedOrInTheFuture(t *testing.T) {
	for _, now := range moments {
		f := fixtureAt(t, now)
		byID, ascending := map[int64]*leads.Lead{}, time.Time{}
		for _, l := range f.leads[mine] {
			byID[l.ID] = l
			latest := now
			if l.ID == joao && now.Before(joaoCreated) {
				latest = joaoCreated
			}
			if l.StageSince.Before(l.CreatedAt) || l.UpdatedAt.Before(l.StageSince) || l.UpdatedAt.After(latest) {
				t.Errorf("lead %d: created %s, in its stage since %s, updated %s", l.ID, l.CreatedAt, l.StageSince, l.UpdatedAt)
			}
			if l.ID > lastNamed {
				if !l.CreatedAt.After(ascending) || now.Sub(l.CreatedAt) > oldest {
					t.Errorf("lead %d was created %s, the one before it %s", l.ID, l.CreatedAt, ascending)
				}
				ascending = l.CreatedAt
			}
		}
		for _, e := range f.events {
			if l := byID[e.lead]; e.account == mine && (e.at.Before(l.CreatedAt) || e.at.After(l.UpdatedAt)) {
				t.Errorf("%s of lead %d at %s, which was created %s and updated %s", e.kind, e.lead, e.at, l.CreatedAt, l.UpdatedAt)
			}
		}
	}
}
