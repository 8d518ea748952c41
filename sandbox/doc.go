// Package sandbox is Copilot Studio, Teams' connector and Entra ID on loopback:
// the only stand-in for Microsoft that the demo and the tests use.
//
// One handler serves all parts, under one base URL B:
//
//   - B/entra/{tenant}/…: Entra ID's discovery, keys, token endpoint and
//     the page on which live agents sign in
//   - B/channel/v1/…: the Bot Connector's own token issuer
//   - B/teams/v3/…: the Bot Connector of Teams
//   - B/sharepoint/…: where users' files are, and bots' are uploaded
//   - B/pvaruntime/…: the runtime of Copilot Studio, where skills answer
//   - B/powervirtualagents/…: Copilot Studio's tokens for Direct Line
//   - B/directline/…: Direct Line 3.0, see [Direct]
//   - B/: a page that looks like a chat in Teams
//   - B/copilot/: a page that looks like Microsoft 365 Copilot
//
// It is strict: every token is verified as the real peers verify theirs, and
// what a careful peer must not do is kept as a violation. It records what it was
// asked, and misbehaves on request, see [Fault]. It knows the wire and nothing of
// the service.
//
// With a bot of the service's own every user has a second chat, where Teams calls the
// service itself, see [User.Bot]; Microsoft 365 Copilot asks its message extension,
// see [User.AskCopilot].
//
// What a user does in Teams (write, attach, press, edit, react, remove the app) a
// test does with a [User], and the page with the same methods. What nobody has
// confirmed of Microsoft's side is a switch, see [Switches].
//
// The dialog of the copilot has the topics Greeting, Escalate and Goodbye of
// Microsoft's sample (microsoft/CopilotStudioSamples, contact-center/skill-handoff).
package sandbox
