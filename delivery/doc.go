// Package delivery is the outbox: it promises that a message enqueued in a
// committed transaction is sent to its destination in order within its
// conversation, at least once, or becomes a dead letter an operator can see.
//
// It knows nothing of chat. A [Destination] ties a name to a message type and a
// function that sends one; what is enqueued is what is sent.
//
// # Invariants
//
//   - [Tx.Enqueue] runs in the caller's transaction. No commit, no delivery.
//   - A lane is one conversation's queue to one destination. Its sequence is
//     taken under the lane's row lock: gapless, in commit order.
//   - A lane has one owner at a time, by a lease. Becoming the owner raises the
//     lane's epoch, and everything an owner writes names its epoch, so an owner
//     that lost its lease can record nothing. It begins no send past its own
//     monotonic deadline either.
//   - Committing to an idle lane makes the committing replica its owner; it
//     sends straight from memory. The poll finds what is left: lanes of crashed
//     owners, retries, and lanes that were released or found no free slot.
//   - Acknowledging moves the lane's cursor. A crash between send and
//     acknowledgement repeats at most the sends that were in flight.
//   - A delivery with a final outcome, good or bad, never blocks those behind.
//   - Locks are taken in one order: the caller's rows, accepted keys, lanes.
//     A statement takes lanes by (destination, conversation). What the outbox
//     itself writes for many lanes leaves out the locked ones and waits for each
//     of them alone. Deadlocks are retried all the same.
//   - An owner that went away may have sent what it did not acknowledge; that
//     doubt stays with the lane until the delivery has its final outcome.
//   - A letter is decided once, under its lane's lock, and on record: [Redrive]
//     and [Drop] leave alone what was decided before.
//   - What is over is pruned by age ([Prune]) and counts all the same ([Counts]). A
//     lane that nothing is left of is deleted; the next delivery begins it anew.
//   - There is no NOTIFY: it takes a database-wide lock through the commit.
package delivery
