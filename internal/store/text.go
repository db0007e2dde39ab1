package store

import (
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5/pgtype"
)

// cleanText returns s as PostgreSQL can hold it: bytes that are not UTF-8, and
// NUL, become U+FFFD. Records come clean from internal/fetch; this is for the raw
// bytes of what could not be read, and for error texts.
func cleanText(s string) string {
	if utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "\uFFFD"), "\x00", "\uFFFD")
}

// extraText returns a JSON object as the parameter of a jsonb column, nil for
// none. Its text is clean already: what made it could read it.
func extraText(b []byte) *string {
	if len(b) == 0 {
		return nil
	}
	s := string(b)
	return &s
}

// joinedAt is the key column of a spell: an unknown time is -infinity.
func joinedAt(t time.Time) pgtype.Timestamptz {
	if t.IsZero() {
		return pgtype.Timestamptz{InfinityModifier: pgtype.NegativeInfinity, Valid: true}
	}
	return pgtype.Timestamptz{Time: t, Valid: true}
}
