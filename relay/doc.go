// Package relay lets a copilot answer in a hub's own chat, and gives the
// conversation to the hub's people when the copilot says so.
//
// What a hub says of its chat becomes, in one transaction, a change of the relay
// and deliveries; so does what the copilot says. Everything that leaves goes
// through an outbox of the package's own, to two kinds of destinations:
//
//	directline    lane: the relay   the user's words, and what else the copilot is told
//	canvas/<hub>  lane: the relay   the copilot's words, and that people take over
//
// A relay is in one of four states. Whoever changes it holds its row; a change that
// was made before changes nothing:
//
//	copilot → passing   the copilot says handoff.initiate
//	passing → people    the hub has taken the conversation
//	passing → copilot   the hub has not
//	people  → copilot   people give it back
//	any     → ended     either side ends it
//
// With control the turn changes, and every delivery carries the turn it was
// promised in: one that does not count any more is dropped instead of sent. So
// nothing the user says to people reaches the copilot, and nothing the copilot says
// too late reaches the user.
//
// A relay is listened to while somebody talks, by one replica at a time, which has a
// lease. What was heard, the deliveries it leads to, and up to where it was heard
// are committed together, fenced by the lease's epoch. Of much that comes at once each
// part is committed for itself, and the last one says up to where. Then the relay is parked: a
// row, without a stream and without anything in memory.
//
// Locks are taken relay first, then accepted keys, then lanes.
package relay
