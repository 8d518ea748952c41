package app

import (
	"errors"

	"github.com/liaison-skill/liaison/handoff"
	"github.com/liaison-skill/liaison/teamsapp"
)

// TeamsApp returns the manifest of our own bot's app in Teams as configured. A
// version is three numbers.
func TeamsApp(c Config, version string) (teamsapp.Manifest, error) {
	if c.ownBot() == "" {
		return teamsapp.Manifest{}, errors.New("LIAISON_SKILL_APP_ID is empty: there is no bot")
	}
	parameter := func(name, title, description string) teamsapp.Parameter {
		return teamsapp.Parameter{Name: name, Title: title, Description: description, InputType: "text"}
	}
	commands := []teamsapp.Command{{
		ID: commandPerson, Type: "query", Title: "Talk to a person", InitialRun: true,
		Description: "Offers to talk to a person, when the user wants that or an answer is not enough",
		Parameters: []teamsapp.Parameter{
			parameter(handoff.ParameterReason, "Reason", "What the user needs a person for, in one sentence"),
			parameter(handoff.ParameterQueue, "Queue", "The team to ask, if the user named one"),
		},
	}}
	if c.Handoff.Catalogue != "" {
		commands = append(commands, teamsapp.Command{
			ID: commandSearch, Type: "query", Title: "Search", Description: "Searches the catalogue", InitialRun: true,
			Parameters: []teamsapp.Parameter{parameter(handoff.ParameterQuery, "Query", "Words to look for")},
		})
	}
	return teamsapp.New(c.PublicURL, c.ownBot(), version, commands...)
}
