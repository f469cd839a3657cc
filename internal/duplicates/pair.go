package duplicates

import (
	"fmt"
	"strings"
)

// ReasonType is why two leads may be one.
type ReasonType string

// The reasons.
const (
	SameEmail   ReasonType = "email"
	SamePhone   ReasonType = "phone"
	SimilarName ReasonType = "name"
)

// Reason is one of a pair's reasons.
type Reason struct {
	Type       ReasonType `json:"type" enum:"email,phone,name" doc:"What the leads share: the email, the phone in any form, or the company with a similar name." example:"email"`
	Value      string     `json:"value" doc:"The email, the phone's digits, or the company." example:"joao@acme.com.br"`
	Similarity *int64     `json:"similarity,omitempty" doc:"With name: how alike the names are, in percent." example:"88"`
}

// subject is what is compared of a lead.
type subject struct {
	id           int64
	name         string // as [nameKey] has it
	company      string // as [companyKey] has it
	email, phone string // as leads are matched by them
	listed       bool
}

// found is a pair that ought to be there.
type found struct {
	reasons     []Reason
	confidence  int64
	fingerprint string // of all that the reasons rest on
}

// How sure a reason alone makes, in percent. Equal names of one word only are many.
const (
	sureOfEmail    = 95
	sureOfPhone    = 90
	leastOfName    = 50
	mostOfName     = 85
	mostOfOneWord  = 60
	mostConfidence = 99
)

// compare gives the reasons for which two leads may be one; nil when there is none.
func compare(a, b *subject) *found {
	f := found{}
	doubt := 1.0
	add := func(r Reason, sure int64, restsOn ...string) {
		f.reasons = append(f.reasons, r)
		f.fingerprint += fmt.Sprintf("%s:%s\n", r.Type, strings.Join(restsOn, "|"))
		doubt *= float64(100-sure) / 100
	}
	if a.email != "" && a.email == b.email {
		add(Reason{Type: SameEmail, Value: a.email}, sureOfEmail, a.email)
	}
	if a.phone != "" && a.phone == b.phone {
		add(Reason{Type: SamePhone, Value: a.phone}, sureOfPhone, a.phone)
	}
	if a.company != "" && a.company == b.company {
		if s := similarity(a.name, b.name); s >= alike {
			sure := leastOfName + (mostOfName-leastOfName)*(s-alike)/(100-alike)
			if !strings.Contains(a.name, " ") || !strings.Contains(b.name, " ") {
				sure = min(sure, mostOfOneWord)
			}
			add(Reason{Type: SimilarName, Value: a.company, Similarity: &s}, sure, a.company, a.name, b.name)
		}
	}
	if len(f.reasons) == 0 {
		return nil
	}
	f.confidence = min(int64(100*(1-doubt)+0.5), mostConfidence)
	return &f
}
