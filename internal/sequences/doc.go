// Package sequences is what a lead is sent step by step, on its own, to be
// nurtured (companion-api.md section 7).
//
// A sequence has ordered steps, each with a wait before it. So far sequences can
// be listed; no lead can be enrolled in one yet.
package sequences
