package messaging

import "testing"

func TestTheNumberThatIsUsed(t *testing.T) {
	number := func(id int64, primary bool, status SessionState) Instance {
		return Instance{ID: id, IsPrimary: primary, Status: string(status)}
	}
	all := []Instance{number(1, false, SessionConnected), number(2, true, SessionConnected), number(3, false, SessionDisconnected)}
	down := []Instance{number(1, false, SessionConnecting), number(2, true, SessionFailed), number(4, false, SessionConnected), number(5, false, SessionConnected)}
	const invalid, apart, foreign = "The selected instance id is invalid.", "The selected instance id is not connected.", "The selected instance id does not own the template."
	for name, c := range map[string]struct {
		got     choice
		want    int64
		message string
		skip    SkipReason
	}{
		"the primary": {got: chooseNumber(all, nil), want: 2},
		"the first connected, when the primary is not": {got: chooseNumber(down, nil), want: 4},
		"none":                                 {got: chooseNumber(down[:2], nil), skip: SkipNoInstance},
		"none at all":                          {got: chooseNumber(nil, nil), skip: SkipNoInstance},
		"the explicit one":                     {got: chooseNumber(all, new(int64(1))), want: 1},
		"an explicit one is never replaced":    {got: chooseNumber(all, new(int64(3))), message: apart},
		"an unknown explicit one":              {got: chooseNumber(all, new(int64(9))), message: invalid},
		"a template's own":                     {got: chooseForTemplate(all, nil, 1), want: 1},
		"a template's own, which is apart":     {got: chooseForTemplate(all, nil, 3), skip: SkipNoInstance},
		"an explicit one that owns it":         {got: chooseForTemplate(all, new(int64(1)), 1), want: 1},
		"an explicit one that does not own it": {got: chooseForTemplate(all, new(int64(2)), 1), message: foreign},
		"an unknown one for a template":        {got: chooseForTemplate(all, new(int64(9)), 1), message: invalid},
		"a conversation's own":                 {got: chooseOwn(all, 2), want: 2},
	} {
		var id int64
		if c.got.instance != nil {
			id = c.got.instance.ID
		}
		if id != c.want || c.got.message != c.message || c.got.skip != c.skip || (c.message != "") != (c.got.field == "instance_id") {
			t.Errorf("%s: number %d, %q, %q", name, id, c.got.message, c.got.skip)
		}
	}
}
