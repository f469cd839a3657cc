// Package bulk changes many leads in one request: a batch of writes that the client
// lists, or one action on all leads that a filter selects.
//
// # Batch
//
// A batch is up to a thousand writes, each with the rules, and the answer, of the
// request that does it alone. By default each item stands for itself; atomic, all are
// done or none. The items are done in their order, so that a later one finds what an
// earlier one has made.
//
// # Bulk actions
//
// A bulk action is an operation (package operations). The client says how many leads
// it expects the filter to select; if that is not so, nothing happens. The ids of the
// leads are read in one state of the database and kept in bulk_targets, so that it is
// decided which leads are meant before the first of them changes. Each slice is one
// row of those.
package bulk
