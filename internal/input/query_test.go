package input_test

import (
	"net/url"
	"reflect"
	"testing"
	"time"

	"syncro/internal/faults"
	"syncro/internal/input"
)

type filters struct {
	StageID     input.Field[int64]    `query:"stage_id"`
	Status      input.Field[string]   `query:"status" enum:"active,won"`
	Tags        input.Field[[]string] `query:"tags" doc:"Any of these" example:"vip,enterprise"`
	Q           input.Field[string]   `query:"q" maxLength:"200"`
	CreatedFrom input.Field[string]   `query:"created_from"`
	PerPage     input.Field[int64]    `query:"per_page" minimum:"1" example:"50"`
	UserIDs     input.Field[[]int64]  `query:"user_ids"`
	ActiveOnly  input.Field[bool]     `query:"active_only"`
}

func query(t *testing.T, raw string) (filters, faults.Bag) {
	t.Helper()
	values, err := url.ParseQuery(raw)
	if err != nil {
		t.Fatal(err)
	}
	f, bag, err := input.Query[filters](values)
	if err != nil {
		t.Fatalf("%s: %v", raw, err)
	}
	return f, bag
}

func TestArraysComeInEverySpelling(t *testing.T) {
	for raw, want := range map[string][]string{
		"tags[]=a&tags[]=b":              {"a", "b"},
		"tags[10]=c&tags[2]=b&tags[0]=a": {"a", "b", "c"},
		"tags=a&tags=b":                  {"a", "b"},
		"tags=a,b":                       {"a", "b"},
		"tags=a, b ,,&tags=c":            {"a", "b", "c"},
		"tags[]=a,b":                     {"a,b"},
		"tags[0]=a,b":                    {"a,b"},
		"tags[1]=d&tags[]=b,c&tags=a":    {"a", "b,c", "d"},
		"tags%5B%5D=S%C3%A3o":            {"São"},
		"tags[x]=b&tags[]=a":             {"a", "b"},
		"tags=":                          nil,
		"tags[]=&tags[]=+":               nil,
		"":                               nil,
	} {
		if f, bag := query(t, raw); !bag.Empty() || !reflect.DeepEqual(f.Tags.Value, want) || f.Tags.Given() != (want != nil) {
			t.Errorf("%s: %+v %s, want %q", raw, f.Tags, problems(bag), want)
		}
	}
}

func TestParametersAreReadAndCheckedAsFieldsAre(t *testing.T) {
	f, bag := query(t, "stage_id=1&stage_id=+7+&q=++jo%C3%A3o&status=&per_page=50.0&user_ids=1,2&active_only=TRUE&unknown=%ff")
	if !bag.Empty() || f.StageID.Value != 7 || f.Q.Value != "joão" || f.Status.Sent || f.PerPage.Value != 50 || len(f.UserIDs.Value) != 2 || !f.ActiveOnly.Value {
		t.Errorf("%+v %s", f, problems(bag))
	}
	_, bag = query(t, "per_page=0&stage_id=abc&status=gone&user_ids=1,x&q[]=a&active_only=x")
	want := "stage_id: The stage id field must be an integer.\nstatus: The selected status is invalid.\nq: The q field must be a string.\n" +
		"per_page: The per page field must be at least 1.\nuser_ids.1: The user ids.1 field must be an integer.\nactive_only: The active only field must be true or false."
	if got := problems(bag); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestAQueryThatIsNoTextIsMalformed(t *testing.T) {
	for raw, want := range map[string]string{
		"q=%ff":       "The query parameter q is not valid UTF-8.",
		"tags[]=a%00": "The query parameter tags holds a NUL character.",
	} {
		values, _ := url.ParseQuery(raw)
		if _, _, err := input.Query[filters](values); !faults.Is(err, faults.Malformed) || err.Error() != want {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

func TestTimesAreReadInTheAccountsZone(t *testing.T) {
	loc := time.FixedZone("", -3*3600)
	f, bag := query(t, "created_from=2026-06-30T10:00:00+03:00")
	moment := input.MomentField(f.CreatedFrom, loc, "created_from", &bag)
	if moment == nil || !bag.Empty() || moment.From.Format(time.RFC3339) != "2026-06-30T07:00:00Z" {
		t.Errorf("%v %s", moment, problems(bag))
	}
	f, bag = query(t, "created_from=ontem")
	if m := input.MomentField(f.CreatedFrom, loc, "created_from", &bag); m != nil || problems(bag) != "created_from: The created from field must be a valid date." {
		t.Errorf("%v %s", m, problems(bag))
	}
	if m := input.MomentField(input.Field[string]{}, loc, "created_from", &bag); m != nil {
		t.Error(m)
	}
}
