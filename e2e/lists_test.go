package e2e

import (
	"cmp"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// listed is a lead as a list shows it.
type listed struct {
	id, pipeline, stage, owner int64
	name, source, status       string
	tags                       []any
	value                      *float64
	score                      float64
	created, updated           time.Time
}

// wholeList reads the list page by page.
func wholeList(t *testing.T, c *client) []listed {
	t.Helper()
	var all []listed
	for page := 1; ; page++ {
		got := c.want(t, 200, "GET", fmt.Sprintf("/leads?per_page=100&include=owner,score&page=%d", page), nil)
		for _, lead := range items(got.at("data")) {
			number := func(member string) int64 { n, _ := dig(lead, member).(float64); return int64(n) }
			word := func(member string) string { s, _ := dig(lead, member).(string); return s }
			moment := func(member string) time.Time {
				at, err := time.Parse("2006-01-02T15:04:05Z", word(member))
				if err != nil {
					t.Error(err)
				}
				return at
			}
			l := listed{
				id: number("id"), pipeline: number("pipeline_id"), stage: number("stage_id"), owner: number("assigned_to"), name: word("name"), source: word("source"), status: word("status"),
				tags: items(dig(lead, "tags")), score: float64(number("score")), created: moment("created_at"), updated: moment("updated_at"),
			}
			if v, ok := dig(lead, "value").(float64); ok {
				l.value = &v
			}
			all = append(all, l)
		}
		if got.at("meta", "has_more") != true {
			return all
		}
	}
}

// picked are the ids of those leads that match, in their order.
func picked(all []listed, match func(l listed) bool) []int64 {
	var ids []int64
	for _, l := range all {
		if match(l) {
			ids = append(ids, l.id)
		}
	}
	return ids
}

// finds demands that a query finds these leads, in this order, on all its pages.
func finds(t *testing.T, c *client, query string, want []int64) {
	t.Helper()
	var got []int64
	for page := 1; ; page++ {
		one := c.want(t, 200, "GET", fmt.Sprintf("/leads?%s&per_page=200&page=%d", query, page), nil)
		for _, id := range each(one.at("data"), "id") {
			n, _ := id.(float64)
			got = append(got, int64(n))
		}
		if total := one.at("meta", "total"); total != float64(len(want)) {
			t.Errorf("%s: a total of %v, want %d", query, total, len(want))
		}
		if one.at("meta", "has_more") != true {
			break
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("%s: %v\nwant %v", query, got, want)
	}
}

func TestListsAndTheirFilters(t *testing.T) {
	zone, err := time.LoadLocation("America/Sao_Paulo")
	if err != nil {
		t.Fatal(err)
	}
	onDemo(t, func(t *testing.T, c *client) {
		c.want(t, 200, "PATCH", "/leads/200", fields{"status": "archived"})
		c.want(t, 200, "PATCH", "/leads/201", fields{"status": "archived", "tags": []string{"Vip", "Ação"}})
		all := wholeList(t, c)
		won, lost := []int64{10, 22}, []int64{11, 23}
		tagged := func(names ...string) func(l listed) bool {
			return func(l listed) bool {
				return slices.ContainsFunc(l.tags, func(tag any) bool { return slices.Contains(names, strings.ToLower(fmt.Sprint(tag))) })
			}
		}
		t.Run("the newest come first", func(t *testing.T) {
			if len(all) != 250 || !slices.IsSortedFunc(all, func(a, b listed) int { return cmp.Compare(b.id, a.id) }) {
				t.Errorf("%d leads", len(all))
			}
		})
		t.Run("each filter finds what it says, alone and with others", func(t *testing.T) {
			for query, match := range map[string]func(l listed) bool{
				"pipeline_id=1":                func(l listed) bool { return l.pipeline == 1 },
				"stage_id=5":                   func(l listed) bool { return l.stage == 5 },
				"assigned_to=13":               func(l listed) bool { return l.owner == 13 },
				"source=site":                  func(l listed) bool { return l.source == "site" },
				"status=active":                func(l listed) bool { return l.status == "active" },
				"status=archived":              func(l listed) bool { return l.status == "archived" },
				"status=merged":                func(listed) bool { return false },
				"status=won":                   func(l listed) bool { return slices.Contains(won, l.stage) },
				"status=lost":                  func(l listed) bool { return slices.Contains(lost, l.stage) },
				"status=open":                  func(l listed) bool { return !slices.Contains(won, l.stage) && !slices.Contains(lost, l.stage) },
				"tags=vip":                     tagged("vip"),
				"tags=VIP,Novo":                tagged("vip", "novo"),
				"tags[]=vip&tags[]=enterprise": tagged("vip", "enterprise"),
				"tags[0]=a%C3%87%C3%83O":       tagged("ação"),
				"tags=vip&tags=novo":           tagged("vip", "novo"),
				"tags[]=vip,novo":              func(listed) bool { return false },
				"stage_id=5&tags=vip&source=site&assigned_to=12": func(l listed) bool { return l.stage == 5 && tagged("vip")(l) && l.source == "site" && l.owner == 12 },
				"pipeline_id=1&status=won&assigned_to=12":        func(l listed) bool { return slices.Contains(won, l.stage) && l.owner == 12 },
			} {
				finds(t, c, query, picked(all, match))
			}
		})
		t.Run("an id that does not exist here gives an empty list", func(t *testing.T) {
			for _, query := range []string{"pipeline_id=999", "pipeline_id=2", "stage_id=999", "stage_id=30", "assigned_to=999", "assigned_to=15", "stage_id=0", "assigned_to=-1", "source=nenhuma", "tags=nenhuma"} {
				c.do(t, "GET", "/leads?"+query, nil).is(t, query, 200, `{"success":true,"data":[],"meta":{"total":0,"per_page":50,"current_page":1,"last_page":1,"has_more":false}}`)
			}
		})
		t.Run("days are those of the account's zone, and the last is whole", func(t *testing.T) {
			// Leads created late in the evening of São Paulo, which is the next day in UTC.
			evening := picked(all, func(l listed) bool { return l.created.Hour() < 3 })
			if len(evening) == 0 {
				t.Fatal("no lead was created in an evening")
			}
			for _, l := range all {
				if !slices.Contains(evening[:min(5, len(evening))], l.id) {
					continue
				}
				day := l.created.In(zone).Format(time.DateOnly)
				local := func(l listed) string { return l.created.In(zone).Format(time.DateOnly) }
				finds(t, c, "created_from="+day+"&created_to="+day, picked(all, func(l listed) bool { return local(l) == day }))
				finds(t, c, "created_from="+day, picked(all, func(l listed) bool { return local(l) >= day }))
				finds(t, c, "created_to="+day, picked(all, func(l listed) bool { return local(l) <= day }))
			}
			finds(t, c, "created_to=2026-06-30&created_from=2026-06-30&q=jo%C3%A3o+silva", []int64{123})
		})
		t.Run("a time without a fraction includes its whole second, in any offset", func(t *testing.T) {
			made := c.create(t, nil) // created at some fraction of a second
			defer c.want(t, 200, "DELETE", fmt.Sprintf("/leads/%v", made.at("lead", "id")), nil)
			id, _ := made.at("lead", "id").(float64)
			at, err := time.Parse(time.RFC3339, made.at("lead", "created_at").(string))
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range []struct {
				query string
				want  []int64
			}{
				{"created_from=%s&created_to=%s", []int64{int64(id)}},
				{"updated_since=%s", []int64{int64(id)}},
			} {
				for _, layout := range []string{"2006-01-02T15:04:05Z", "2006-01-02T15:04:05-07:00"} {
					moment := at
					if strings.Contains(layout, "-07") {
						moment = at.In(zone)
					}
					formatted := url.QueryEscape(moment.Format(layout))
					got := c.ids(t, strings.ReplaceAll(x.query, "%s", formatted))
					if !slices.Contains(got, x.want[0]) {
						t.Errorf("%s %s: %v", x.query, formatted, got)
					}
				}
			}
			next := url.QueryEscape(at.Add(time.Second).Format("2006-01-02T15:04:05Z"))
			if got := c.ids(t, "created_from="+next); slices.Contains(got, int64(id)) {
				t.Errorf("from the next second on: %v", got)
			}
			if got := c.ids(t, "created_to="+url.QueryEscape(at.Add(-time.Second).Format("2006-01-02T15:04:05Z"))+"&q=lead+de+teste"); len(got) != 0 {
				t.Errorf("to the second before: %v", got)
			}
		})
		t.Run("a plus that arrived as a space in an offset is understood", func(t *testing.T) {
			for _, offset := range []string{"%2B00:00", "+00:00", "+03:00", "-03:00", "Z"} {
				at, err := time.Parse(time.RFC3339, "2026-06-30T10:00:00"+strings.Replace(offset, "%2B", "+", 1))
				if err != nil {
					t.Fatal(err)
				}
				finds(t, c, "created_from=2026-06-30T10:00:00"+offset, picked(all, func(l listed) bool { return !l.created.Before(at) }))
			}
		})
		t.Run("updated_since is inclusive", func(t *testing.T) {
			middle := all[len(all)/2].updated
			for _, since := range []time.Time{middle, middle.Add(time.Second)} {
				finds(t, c, "updated_since="+since.Format("2006-01-02T15:04:05Z"), picked(all, func(l listed) bool { return !l.updated.Before(since) }))
			}
		})
		t.Run("sort puts nulls last both ways and breaks ties by id descending", func(t *testing.T) {
			byValue := func(sign int) func(a, b listed) int {
				return func(a, b listed) int {
					switch {
					case a.value == nil || b.value == nil:
						return cmp.Compare(boolean(a.value == nil), boolean(b.value == nil))
					default:
						return sign * cmp.Compare(*a.value, *b.value)
					}
				}
			}
			for order, less := range map[string]func(a, b listed) int{
				"id":          func(a, b listed) int { return cmp.Compare(a.id, b.id) },
				"-id":         func(a, b listed) int { return cmp.Compare(b.id, a.id) },
				"name":        func(a, b listed) int { return cmp.Compare(plain(a.name), plain(b.name)) },
				"-name":       func(a, b listed) int { return cmp.Compare(plain(b.name), plain(a.name)) },
				"value":       byValue(1),
				"-value":      byValue(-1),
				"created_at":  func(a, b listed) int { return a.created.Compare(b.created) },
				"-created_at": func(a, b listed) int { return b.created.Compare(a.created) },
				"score":       func(a, b listed) int { return cmp.Compare(a.score, b.score) },
				"-score":      func(a, b listed) int { return cmp.Compare(b.score, a.score) },
			} {
				sorted := slices.Clone(all) // by id descending
				slices.SortStableFunc(sorted, less)
				finds(t, c, "sort="+order, picked(sorted, func(listed) bool { return true }))
			}
			finds(t, c, "sort=-updated_at&source=site", c.idsSortedBy(t, "source=site", func(a, b listed) int { return b.updated.Compare(a.updated) }, all))
		})
	})
}

func (c *client) idsSortedBy(t *testing.T, query string, less func(a, b listed) int, all []listed) []int64 {
	t.Helper()
	found := c.ids(t, query)
	sorted := slices.DeleteFunc(slices.Clone(all), func(l listed) bool { return !slices.Contains(found, l.id) })
	slices.SortStableFunc(sorted, less)
	return picked(sorted, func(listed) bool { return true })
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// plain is a Portuguese text in lower case without accents.
func plain(s string) string {
	return strings.NewReplacer("á", "a", "à", "a", "â", "a", "ã", "a", "é", "e", "ê", "e", "í", "i", "ó", "o", "ô", "o", "õ", "o", "ú", "u", "ç", "c").Replace(strings.ToLower(s))
}

func TestPages(t *testing.T) {
	onDemo(t, func(t *testing.T, c *client) {
		t.Run("have 50 leads unless asked otherwise, and above 200 is read as 200", func(t *testing.T) {
			for query, size := range map[string]int{"": 50, "per_page=": 50, "per_page=1": 1, "per_page=200": 200, "per_page=201": 200, "per_page=1000000": 200, "per_page=99999999999999": 200} {
				got := c.want(t, 200, "GET", "/leads?"+query, nil)
				last := (250 + size - 1) / size
				same(t, query, got.at("meta"), fmt.Sprintf(`{"total":250,"per_page":%d,"current_page":1,"last_page":%d,"has_more":%t}`, size, last, last > 1))
				if n := len(items(got.at("data"))); n != size {
					t.Errorf("%s: %d leads", query, n)
				}
			}
		})
		t.Run("follow each other without a gap, and the last says that no more come", func(t *testing.T) {
			var ids []any
			for page := 1; page <= 4; page++ {
				got := c.want(t, 200, "GET", fmt.Sprintf("/leads?per_page=70&page=%d", page), nil)
				ids = append(ids, each(got.at("data"), "id")...)
				if got.at("meta", "has_more") != (page < 4) || got.at("meta", "current_page") != float64(page) {
					t.Errorf("page %d: %v", page, got.at("meta"))
				}
			}
			for i, id := range ids {
				if id != float64(250-i) {
					t.Fatalf("lead %v is number %d", id, i)
				}
			}
		})
		t.Run("past the end are empty", func(t *testing.T) {
			for _, page := range []string{"6", "1000000", "1000000000000"} {
				got := c.want(t, 200, "GET", "/leads?page="+page, nil)
				if text(got.at("data")) != "[]" || got.at("meta", "total") != 250.0 || got.at("meta", "has_more") != false || got.at("meta", "last_page") != 5.0 {
					t.Errorf("page %s: %s", page, got.text)
				}
			}
		})
		t.Run("an empty parameter is absent", func(t *testing.T) {
			got := c.want(t, 200, "GET", "/leads?pipeline_id=&stage_id=&status=&q=&tags=&tags[]=&created_from=&sort=&page=&include=&assigned_to=&source=", nil)
			same(t, "the total", got.at("meta", "total"), `250`)
		})
	})
}
