package main

import "github.com/liaison-skill/liaison/texts"

type textsCmd struct {
	File     string   `env:"LIAISON_TEXTS" placeholder:"FILE" help:"Texts in place of the built-in ones, checked as at a start."`
	Language []string `placeholder:"TAG" help:"Print these languages only; all by default."`
}

// Run implements the command.
func (t textsCmd) Run(c console) error {
	catalogue, err := texts.Load(t.File, "")
	if err != nil {
		return err
	}
	return catalogue.Write(c.out, t.Language...)
}
