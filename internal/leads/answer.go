package leads

import (
	"sync"

	"syncro/internal/api"
)

// LeadAnswer is the answer that shows one lead.
type LeadAnswer struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Lead    View `json:"lead" doc:"The lead."`
	written []byte
	version int64
}

// AppendJSON writes the answer.
func (a LeadAnswer) AppendJSON(dst []byte) []byte {
	dst = append(append(dst, `{"success":true,"lead":`...), a.written...)
	return append(dst, '}')
}

// RecordVersion is the lead's version.
func (a LeadAnswer) RecordVersion() int64 { return a.version }

// UpsertAnswer is the answer of an upsert.
type UpsertAnswer struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Created bool `json:"created" doc:"Whether the lead was created." example:"true"`
	Lead    View `json:"lead" doc:"The lead."`
	lead    LeadAnswer
}

// AppendJSON writes the answer.
func (a UpsertAnswer) AppendJSON(dst []byte) []byte {
	dst = append(dst, `{"success":true,"created":`...)
	if a.Created {
		dst = append(dst, `true,"lead":`...)
	} else {
		dst = append(dst, `false,"lead":`...)
	}
	return append(append(dst, a.lead.written...), '}')
}

// RecordVersion is the lead's version.
func (a UpsertAnswer) RecordVersion() int64 { return a.lead.version }

// WasCreated makes the answer a 201.
func (a UpsertAnswer) WasCreated() bool { return a.Created }

// shown is the answer that shows a lead as a write has left it.
func (s *Service) shown(u *setup, l *Lead) LeadAnswer {
	if l == nil {
		return LeadAnswer{}
	}
	r := renderer{setup: *u}
	return LeadAnswer{written: append(r.lead(nil, l), '}'), version: l.Version}
}

// shownWithOwner is [Service.shown] with what include=owner adds.
func (s *Service) shownWithOwner(u *setup, l *Lead) LeadAnswer {
	if l == nil {
		return LeadAnswer{}
	}
	r := renderer{setup: *u}
	return LeadAnswer{written: append(r.owner(r.lead(nil, l), l), '}'), version: l.Version}
}

// ListAnswer is a page of leads.
type ListAnswer struct {
	Success bool     `json:"success" doc:"Always true." example:"true"`
	Data    []View   `json:"data" nullable:"false" doc:"The leads of the page."`
	Meta    api.Meta `json:"meta" doc:"Where the page stands in the list."`
	written *[]byte  // the leads, separated by commas; from pages
}

// pages keep the memory that pages are written into.
var pages = sync.Pool{New: func() any { b := make([]byte, 0, 64<<10); return &b }}

// AppendJSON writes the answer. It can be called once.
func (a *ListAnswer) AppendJSON(dst []byte) []byte {
	dst = append(append(dst, `{"success":true,"data":[`...), *a.written...)
	*a.written = (*a.written)[:0]
	pages.Put(a.written)
	dst = append(dst, `],"meta":`...)
	dst = a.Meta.AppendJSON(dst)
	return append(dst, '}')
}
