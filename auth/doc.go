// Package auth decides who calls us and proves to others who we are.
//
// Inbound, a [Verifier] checks the bearer token of an activity. The issuer a
// token names picks one path, and only that path's keys verify it: Entra ID for
// skill hosts, which must be on the list of allowed callers, and the Bot
// Connector for channels such as Teams.
//
// Outbound, [Credentials] fetches tokens and a [Transport] attaches them. A
// bearer token is as good as a password to whoever gets it, and the URL to answer
// to comes from the caller, so [Hosts] is asked first: no token is fetched for,
// or sent to, a host that is not trusted.
//
// Neither errors nor logs hold a token or a secret. The package knows activities
// but not what they are about, and neither conversations nor hubs.
//
// Sources: Bot Framework authentication
// (https://learn.microsoft.com/azure/bot-service/rest-api/bot-framework-rest-connector-authentication),
// and the validation classes of microsoft/botbuilder-dotnet and
// microsoft/Agents-for-net.
package auth
