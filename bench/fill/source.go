package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"maps"
	"time"

	"syncro/internal/customfields"
	"syncro/internal/faults"
	"syncro/internal/leads"
	"syncro/internal/money"
	"syncro/internal/phones"
)

// line is one lead as the seeder writes it.
type line struct {
	Name         string                     `json:"name"`
	Phone        string                     `json:"phone"`
	Email        string                     `json:"email"`
	Company      string                     `json:"company"`
	Value        json.Number                `json:"value"`
	Source       string                     `json:"source"`
	Tags         json.RawMessage            `json:"tags"`
	PipelineID   int64                      `json:"pipeline_id"`
	StageID      int64                      `json:"stage_id"`
	Notes        string                     `json:"notes"`
	UTMSource    string                     `json:"utm_source"`
	UTMMedium    string                     `json:"utm_medium"`
	UTMCampaign  string                     `json:"utm_campaign"`
	AssignedTo   int64                      `json:"assigned_to"`
	CustomFields map[string]json.RawMessage `json:"custom_fields"`
	CreatedAt    time.Time                  `json:"created_at"`
	UpdatedAt    time.Time                  `json:"updated_at"`
}

// source reads leads; err says why it ended before the last line.
type source struct {
	fields *customfields.Set
	err    error
}

// leads gives the lead of each line, numbered from 1.
func (s *source) leads(lines io.Reader) iter.Seq[*leads.Lead] {
	return func(yield func(*leads.Lead) bool) {
		scanner := bufio.NewScanner(lines)
		scanner.Buffer(nil, 1<<20)
		for id := int64(1); scanner.Scan(); id++ {
			l, err := s.lead(id, scanner.Bytes())
			if err != nil {
				s.err = fmt.Errorf("line %d: %w", id, err)
				return
			}
			if !yield(l) {
				return
			}
		}
		s.err = scanner.Err()
	}
}

func (s *source) lead(id int64, text []byte) (*leads.Lead, error) {
	var in line
	if err := json.Unmarshal(text, &in); err != nil {
		return nil, err
	}
	value, err := money.Parse(in.Value.String())
	if err != nil {
		return nil, err
	}
	cents := int64(value)
	var problems faults.Bag
	values := s.fields.Merge("{}", maps.All(in.CustomFields), &problems)
	if err := problems.Err(); err != nil {
		return nil, err
	}
	return &leads.Lead{
		ID: id, Name: in.Name, Phone: phones.Normalize(in.Phone), Email: in.Email, Company: in.Company, ValueCents: &cents, Source: in.Source, Tags: string(in.Tags),
		CustomValues: values, PipelineID: in.PipelineID, StageID: in.StageID, Notes: in.Notes, UTM: [5]string{in.UTMSource, in.UTMMedium, in.UTMCampaign},
		AssignedTo: &in.AssignedTo, CreatedAt: in.CreatedAt, UpdatedAt: in.UpdatedAt,
	}, nil
}
