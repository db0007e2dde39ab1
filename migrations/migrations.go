// Package migrations holds the history of the schema as goose SQL files, in the
// binary. A file once released is never edited; what runs them is in
// internal/store.
package migrations

import "embed"

// FS holds the files NNNNN_name.sql at its root.
//
//go:embed *.sql
var FS embed.FS
