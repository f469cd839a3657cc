// Package jobs runs work that no request waits for: deliveries, messages, the
// steps of sequences.
package jobs
