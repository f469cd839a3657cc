package leads

import (
	"encoding/json"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"syncro/internal/phones"
	"syncro/internal/searchtext"
	"syncro/internal/timeline"
)

// Status is what a list can be filtered by besides the fields.
type Status string

// The statuses (companion-api.md section 2). Open, Won and Lost are the kind of
// the lead's stage; a lead itself is active, archived or merged.
const (
	Active   Status = "active"
	Archived Status = "archived"
	Merged   Status = "merged"
	Open     Status = "open"
	Won      Status = "won"
	Lost     Status = "lost"
)

// Lead is one deal. Texts that are not set are "".
type Lead struct {
	ID             int64
	Name           string
	Phone          string // E.164 where it could be recognised, else as sent
	Email          string
	Company        string
	Birthday       string // YYYY-MM-DD
	ValueCents     *int64
	Source         string
	Tags           string // JSON array, in order of adding
	CustomValues   string // JSON object keyed by custom field id
	PipelineID     int64
	StageID        int64
	Notes          string
	UTM            [5]string // source, medium, campaign, term, content
	AssignedTo     *int64
	Archived       bool
	MergedInto     *int64
	Version        int64
	CreatedAt      time.Time
	UpdatedAt      time.Time
	Score          int64
	ScoreUpdatedAt *time.Time

	// The rest is not shown, and not read for lists.
	Visit          int64     // counts the entries into stages
	MandatoryTasks bool      // this visit made mandatory tasks
	StageSince     time.Time // when this visit began
	CreatedBy      *int64
	DeletedAt      *time.Time
	OptedOutAt     *time.Time // wants no messages since

	// beside is what the change under way does beside the lead's own columns, for Revert.
	beside []timeline.Change
}

// Status is the lead's own status.
func (l *Lead) Status() Status {
	switch {
	case l.MergedInto != nil:
		return Merged
	case l.Archived:
		return Archived
	default:
		return Active
	}
}

// listed tells whether the lead is in lists and counters.
func (l *Lead) listed() bool { return l.MergedInto == nil && l.DeletedAt == nil }

// TagNames are the lead's tags in order of adding.
func (l *Lead) TagNames() []string {
	var names []string
	_ = json.Unmarshal([]byte(l.Tags), &names) // our own writing
	return names
}

// setTags stores names as the lead's tags.
func (l *Lead) setTags(names []string) {
	if len(names) == 0 {
		l.Tags = "[]"
		return
	}
	b := []byte{'['}
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, name)
	}
	l.Tags = string(append(b, ']'))
}

// tagKey is the form in which tags are compared: without regard to case.
func tagKey(name string) string { return strings.ToLower(norm.NFC.String(name)) }

// tagKeys are the keys of tags, each once.
func tagKeys(names []string) []string {
	keys := make([]string, 0, len(names))
	for _, name := range names {
		if key := tagKey(name); !slices.Contains(keys, key) {
			keys = append(keys, key)
		}
	}
	return keys
}

// withTags adds names to tags; of two spellings the first stays.
func withTags(tags, names []string) []string {
	for _, name := range names {
		key := tagKey(name)
		if !slices.ContainsFunc(tags, func(t string) bool { return tagKey(t) == key }) {
			tags = append(tags, name)
		}
	}
	return tags
}

// emailKey is the form in which addresses are compared.
func emailKey(email string) string { return strings.ToLower(email) }

// searchText and searchPhone are what a search looks in: the first literally, the
// second for digits, whatever the punctuation and the ninth digit.
func (l *Lead) searchText() string  { return searchtext.Join(l.Name, l.Email, l.Phone) }
func (l *Lead) searchPhone() string { return phones.SearchDigits(l.Phone) }
