// Package bridge is the middle: what one side says becomes a change of the
// mapping and deliveries to the other side, in one transaction.
//
// Doors hand it what they understood; it answers when the database has it and
// never waits for a peer. Everything that leaves goes through the outbox, to
// three kinds of destinations:
//
//	hub/<name>   lane: the mapping             open, say, end, and answers that wait for open
//	teams        lane: the user's conversation an agent's words and notices, as proactive messages
//	copilot      lane: the skill conversation  answers to the skill host
//
// Opening is a delivery like any other, first in its lane: a crash at any step
// is repaired by whoever owns the lane next, and the hub's idempotency key keeps
// it to one conversation.
//
// Locks are taken mapping first, then lanes.
package bridge
