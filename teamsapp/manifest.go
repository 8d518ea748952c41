// Package teamsapp makes the package with which our own bot and its message
// extension are installed in Microsoft Teams: a ZIP of manifest.json and two icons,
// and says what is wrong with any such package.
//
// The form is "Microsoft Teams app manifest" 1.19:
// https://learn.microsoft.com/microsoft-365/extensibility/schema/
package teamsapp

import (
	"fmt"
	"net/url"
	"strings"
)

// A Manifest describes the app to Teams.
type Manifest struct {
	Schema            string      `json:"$schema"`
	ManifestVersion   string      `json:"manifestVersion"`
	Version           string      `json:"version"`
	ID                string      `json:"id"`
	Developer         Developer   `json:"developer"`
	Name              Text        `json:"name"`
	Description       Text        `json:"description"`
	Icons             Icons       `json:"icons"`
	AccentColor       string      `json:"accentColor"`
	Bots              []Bot       `json:"bots"`
	ComposeExtensions []Extension `json:"composeExtensions"`
	Permissions       []string    `json:"permissions"`
	ValidDomains      []string    `json:"validDomains"`
}

// A Developer is who publishes the app.
type Developer struct {
	Name          string `json:"name"`
	WebsiteURL    string `json:"websiteUrl"`
	PrivacyURL    string `json:"privacyUrl"`
	TermsOfUseURL string `json:"termsOfUseUrl"`
}

// A Text is a name or a description in two lengths.
type Text struct {
	Short string `json:"short"`
	Full  string `json:"full"`
}

// Icons are names of files in the package.
type Icons struct {
	Color   string `json:"color"`
	Outline string `json:"outline"`
}

// A Bot is where users talk to us.
type Bot struct {
	BotID              string   `json:"botId"`
	Scopes             []string `json:"scopes"`
	SupportsFiles      bool     `json:"supportsFiles"`
	IsNotificationOnly bool     `json:"isNotificationOnly"`
}

// An Extension is what Copilot asks. Its bot is the one users come to.
type Extension struct {
	BotID    string    `json:"botId"`
	Commands []Command `json:"commands"`
}

// A Command is one kind of query. Copilot reads the descriptions to choose.
type Command struct {
	ID          string      `json:"id"`
	Type        string      `json:"type"`
	Title       string      `json:"title"`
	Description string      `json:"description"`
	InitialRun  bool        `json:"initialRun"`
	Parameters  []Parameter `json:"parameters"`
}

// A Parameter is what a query says.
type Parameter struct {
	Name        string `json:"name"`
	Title       string `json:"title"`
	Description string `json:"description"`
	InputType   string `json:"inputType"`
}

// New returns the manifest of the bot behind publicURL.
func New(publicURL, botID, version string, commands ...Command) (Manifest, error) {
	u, err := url.Parse(publicURL)
	if err != nil || u.Hostname() == "" {
		return Manifest{}, fmt.Errorf("%q is not an absolute URL", publicURL)
	}
	site := strings.TrimSuffix(publicURL, "/")
	return Manifest{
		Schema:          "https://developer.microsoft.com/json-schemas/teams/v1.19/MicrosoftTeams.schema.json",
		ManifestVersion: "1.19",
		Version:         version,
		ID:              botID,
		Developer:       Developer{Name: "Liaison", WebsiteURL: site, PrivacyURL: site + "/privacy", TermsOfUseURL: site + "/terms"},
		Name:            Text{Short: "Talk to a person", Full: "Liaison: talk to a person"},
		Description: Text{
			Short: "Connects you to a person when Copilot cannot help.",
			Full:  "Connects you to a person when Microsoft 365 Copilot cannot help, and tells them what you were asking. The conversation goes on in a chat of your own.",
		},
		Icons:       Icons{Color: colorFile, Outline: outlineFile},
		AccentColor: accent,
		Bots:        []Bot{{BotID: botID, Scopes: []string{"personal"}, SupportsFiles: true}},
		ComposeExtensions: []Extension{{
			BotID: botID, Commands: commands,
		}},
		Permissions:  []string{"identity", "messageTeamMembers"},
		ValidDomains: []string{u.Hostname()},
	}, nil
}
