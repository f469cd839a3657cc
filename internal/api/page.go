package api

import (
	"strconv"

	"syncro/internal/input"
)

// PageQuery are the parameters of a paged list; a list's query embeds it.
type PageQuery struct {
	Page    input.Field[int64] `query:"page" minimum:"1" doc:"Page, from 1." example:"1"`
	PerPage input.Field[int64] `query:"per_page" minimum:"1" doc:"Items per page: 50 when left out, and 200 at most; a greater number is read as 200." example:"50"`
}

// Page is which part of a list is asked for.
type Page struct {
	Number, Size int64
}

// The sizes of a page (companion-api.md section 2).
const (
	defaultPageSize = 50
	maxPageSize     = 200
)

// Asked is the page that the query asks for.
func (q PageQuery) Asked() Page {
	p := Page{Number: 1, Size: defaultPageSize}
	if q.Page.Given() {
		p.Number = q.Page.Value
	}
	if q.PerPage.Given() {
		p.Size = min(q.PerPage.Value, maxPageSize)
	}
	return p
}

// Offset is how many items are before the page.
func (p Page) Offset() int64 {
	return (min(p.Number, 1<<40) - 1) * p.Size // beyond any list, and far from overflowing
}

// Meta says where a page stands in its list.
type Meta struct {
	Total       int64 `json:"total" doc:"How many items the whole list has." example:"250"`
	PerPage     int64 `json:"per_page" doc:"Items per page." example:"50"`
	CurrentPage int64 `json:"current_page" doc:"This page." example:"1"`
	LastPage    int64 `json:"last_page" doc:"The last page; at least 1." example:"5"`
	HasMore     bool  `json:"has_more" doc:"Whether a page follows." example:"true"`
}

// Meta says where the page stands in a list of so many items.
func (p Page) Meta(total int64) Meta {
	last := max((total+p.Size-1)/p.Size, 1)
	return Meta{Total: total, PerPage: p.Size, CurrentPage: p.Number, LastPage: last, HasMore: p.Number < last}
}

// List is the answer of a list that is not paged.
type List[T any] struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Data    []T  `json:"data" doc:"The items."`
}

// ListOf answers with items; none are [].
func ListOf[T any](items []T) List[T] {
	if items == nil {
		items = []T{}
	}
	return List[T]{true, items}
}

// PagedList is the answer of a paged list.
type PagedList[T any] struct {
	Success bool `json:"success" doc:"Always true." example:"true"`
	Data    []T  `json:"data" doc:"The items of the page."`
	Meta    Meta `json:"meta" doc:"Where the page stands in the list."`
}

// PageOf answers with a page of a list of total items.
func PageOf[T any](items []T, page Page, total int64) PagedList[T] {
	return PagedList[T]{true, ListOf(items).Data, page.Meta(total)}
}

// AppendJSON writes the object, for answers that write themselves.
func (m Meta) AppendJSON(dst []byte) []byte {
	dst = strconv.AppendInt(append(dst, `{"total":`...), m.Total, 10)
	dst = strconv.AppendInt(append(dst, `,"per_page":`...), m.PerPage, 10)
	dst = strconv.AppendInt(append(dst, `,"current_page":`...), m.CurrentPage, 10)
	dst = strconv.AppendInt(append(dst, `,"last_page":`...), m.LastPage, 10)
	dst = strconv.AppendBool(append(dst, `,"has_more":`...), m.HasMore)
	return append(dst, '}')
}
