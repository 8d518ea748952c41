// Package words turns one side's written words into the other's, so that they
// survive: what a user wrote in Teams for an agent to read, what an agent wrote
// at a hub for Teams to show, and both cut to what the other side takes.
//
// Markup is read by parsers and written anew from what was understood. Nothing
// of the source's markup is passed on: a tag, an attribute or an address that
// is not known here cannot arrive on the other side, but its words do.
//
// Whatever comes in, what goes out is valid UTF-8 without control characters
// other than line breaks and tabs, in time linear in its length. The package
// imports nothing of ours.
package words
