// Package handoff carries a conversation from Microsoft 365 Copilot into our own
// bot's chat: the message extension's answer offers it as a card, whose button is
// a deep link with a continuation token; Teams gives the token back when the user
// followed the link.
//
// What holds:
//
//   - A token is 256 random bits and is kept nowhere: the database has its SHA-256,
//     so neither a copy of the database nor the time of a look-up tells one.
//   - What was said stays on the server; a link has the same length whatever the
//     conversation was about.
//   - A token is good once, until it expires, for the tenant and the bot it was made
//     for, and for the user if it was made for one. Everybody else's is unknown.
//   - A context is deleted with the redemption, or soon after it expired.
//
// The package knows neither hubs nor the ties between conversations. The protocol:
// "Copilot handoff", Microsoft Teams platform documentation
// (https://learn.microsoft.com/microsoftteams/platform/bots/how-to/conversations/bot-copilot-handoff).
package handoff
