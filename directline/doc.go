// Package directline speaks to a copilot over Direct Line 3.0, as a channel of its
// own: what a user says goes in, what the copilot says comes out.
//
// A [Client] opens conversations and resumes them. A [Conversation] posts, and
// listens: through a stream while it can be had, by polling between. It keeps what
// is needed to resume in a [State], which is all that a conversation costs while
// nobody talks.
//
// Three things hold whatever the network does:
//
//   - Nothing is lost: listening begins at the watermark of the last state that the
//     caller has kept.
//   - Nothing is doubled: activities are told by their ids, and a post that is made
//     again is looked for first.
//   - Order is Direct Line's.
//
// It knows nothing of hubs and keeps nothing itself. Tokens go only where
// [Client.Trusted] lets them, and neither they nor any URL is in an error or a log.
//
// The protocol:
// https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-direct-line-3-0-concepts.
package directline
