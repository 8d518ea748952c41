// Package migrations holds the service's schema, one numbered file per change.
// A released file is never edited.
package migrations

import (
	"embed"

	"github.com/liaison-skill/liaison/internal/schema"
)

//go:embed *.sql
var files embed.FS

// Schema returns the service's migrations.
func Schema() schema.Set {
	return schema.Set{FS: files, Table: "liaison_migration"}
}
