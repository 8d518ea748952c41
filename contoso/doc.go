// Package contoso is Contoso Live Chat, the reference hub: an HTTP API that
// opens, feeds and ends conversations, a webhook that carries the agents' words
// out, the desk, a page on which agents answer, and a page on which users talk with
// a copilot first and an agent after. It is a product of its own and knows nothing
// of who calls it.
//
// What it keeps is in the Postgres schema contoso. These invariants hold there:
//
//   - A line's position is taken under its conversation's row lock, so positions
//     are the conversation's order.
//   - Whatever is said, changed or happens is a line. A change is a line of its own
//     beside the message that it changes, so that who was away can read back all.
//   - A line and the promise to tell the webhook's receiver are written in one
//     transaction. Promises of one conversation are kept one at a time, in order,
//     at least once; the receiver tells repetitions by the line's id.
//   - Every writing transaction ends with [record], which numbers what changed.
//     The numbers have no gap and are in commit order, so a reader that has seen
//     n can ask for what came after n and miss nothing.
//   - A row of the audit is there before what it tells of is done.
//   - A conversation on the page for users is with the copilot or with people, by
//     its state, which changes under the row lock: never with both. While people
//     have it the copilot's side is told nothing.
//   - A file is received outside any transaction, in pieces, and can be read once
//     a line has it.
//
// Agents sign in by OpenID Connect, and then it is decided who supervises; users of
// the page do not sign in: a cookie opens their own conversations. Where no issuer
// is configured the desk, and without a key the API, answer this machine alone.
// Pages of other origins cannot change anything.
package contoso
