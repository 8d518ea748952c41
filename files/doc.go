// Package files keeps what came as an attachment until the other side has it: it
// fetches the content while its URL is fresh, stores it in parts of 256 KiB in
// PostgreSQL, where every replica can deliver it from, and gives it out again as
// a stream, by a signed link or as a small image.
//
// [Store.Add] belongs into the transaction that accepts the message; [Store.Fetch]
// is a delivery of its own, of a destination that is Repeatable; whoever offers the
// file to the other side waits until [Get] says that it is ready or failed.
// What holds:
//
//   - A file becomes ready or failed once, and stays so. Its content is complete,
//     with its SHA-256, when it is ready, and not there at all before.
//   - Any number of fetches of one file may run; the first to come to its end wins.
//   - A credential goes to the hosts of its [Peer] alone, never along a redirect.
//   - A stream holds one part in memory, and neither a connection nor a
//     transaction between two reads.
//
// The package knows neither hubs nor copilots: owners and credentials are names to
// it. Neither its errors nor its logs hold a URL, a file's name or its content.
package files
