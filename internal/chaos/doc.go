// Package chaos tries to make the service break its promises. Its tests run real
// replicas of the real program on a PostgreSQL of their own, between the sandbox
// and a strict hub, let hundreds of conversations talk, and meanwhile kill, stop
// and starve everything. Then they hold what was accepted against what arrived.
//
// A run draws all it does from a seed. The seed brings back the schedule, not the
// interleaving: a fault may need a few runs to show again.
//
// docs/reliability.md says what is promised and how to read a report.
package chaos
