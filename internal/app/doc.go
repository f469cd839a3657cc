// Package app puts the program together and runs it. It is the one place that
// knows every feature: it opens the database, makes the services, declares their
// routes on the router, and starts and stops whatever runs beside the requests.
//
// [Open] gives an [App] to work with: the commands that administer use its
// services and close it again, [Serve] and the demo let it answer requests. The
// clock of the whole program starts in [Config].
//
// Stopping goes in this order: no new connections and no new work, running requests
// and work finish (for [shutdownLimit] at most) while the loops end after their
// present run, then the database is closed. What the last requests left to do is
// done after the next start, or by another node.
package app
