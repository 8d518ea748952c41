// Package wwwroot holds the pages, served as they are: plain HTML, CSS and ES
// modules, without a build step and without a foreign asset.
package wwwroot

import (
	"embed"
	"io/fs"
)

//go:embed desk chat teams copilot entra survey legal
var files embed.FS

// Desk returns the live agents' desk of Contoso Live Chat.
func Desk() fs.FS { return sub("desk") }

// Chat returns the users' page of Contoso Live Chat, for below /chat/. It needs
// [Shared] beside it.
func Chat() fs.FS { return sub("chat") }

//go:embed desk/dom.js desk/time.js desk/words.js desk/links.js desk/files.js desk/base.css teams/markdown.js
var shared embed.FS

// Shared returns what pages take from each other, by its path here.
func Shared() fs.FS { return shared }

// Teams returns the sandbox's page that looks like a chat in Teams.
func Teams() fs.FS { return sub("teams") }

// Copilot returns the sandbox's page that looks like Microsoft 365 Copilot. It takes
// what is below it, at "..", from [Teams].
func Copilot() fs.FS { return sub("copilot") }

// Entra returns the sandbox's sign-in page, a template, and its style.
func Entra() fs.FS { return sub("entra") }

// Survey returns the page of a survey, a template, and its style.
func Survey() fs.FS { return sub("survey") }

// Legal returns the pages about privacy and terms of use, templates, and their style.
func Legal() fs.FS { return sub("legal") }

// sub returns a folder that the compiler has seen to exist.
func sub(folder string) fs.FS {
	dir, err := fs.Sub(files, folder)
	if err != nil { // only an invalid name, which a constant is not
		return files
	}
	return dir
}
