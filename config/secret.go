package config

import (
	"crypto/subtle"
	"fmt"
	"io"
	"log/slog"
)

const (
	secretSet  = "***"
	secretNone = "(none)"
)

// Secret is a text that must never be printed: a token, a key, a password.
//
// Whatever prints it shows "***", or "(none)" where it is empty: every verb of
// fmt, JSON, YAML, slog, zerolog. Printers that go around methods by reflection
// (fmt on an unexported field, spew, go-cmp) find a func and show its address.
// The zero value is the empty secret. [Secret.Reveal] is the only way out. Two
// secrets are compared by [Secret.Equal], which go-cmp finds by itself.
type Secret struct {
	reveal func() string
}

// NewSecret hides text.
func NewSecret(text string) Secret {
	if text == "" {
		return Secret{}
	}
	return Secret{reveal: func() string { return text }}
}

// Reveal returns the text itself. Call it where the secret is used and keep the
// result in no struct.
func (s Secret) Reveal() string {
	if s.reveal == nil {
		return ""
	}
	return s.reveal()
}

// Empty reports whether there is no secret.
func (s Secret) Empty() bool { return s.reveal == nil }

// Equal reports whether both are the same text, in constant time for texts of
// one length.
func (s Secret) Equal(other Secret) bool {
	return subtle.ConstantTimeCompare([]byte(s.Reveal()), []byte(other.Reveal())) == 1
}

// String returns "***" or "(none)".
func (s Secret) String() string {
	if s.Empty() {
		return secretNone
	}
	return secretSet
}

// GoString is [Secret.String], for printers that know no [fmt.Formatter].
func (s Secret) GoString() string { return s.String() }

// Format prints [Secret.String] whatever the verb and its flags.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.String()) }

// MarshalText returns [Secret.String]: XML, flags and map keys come here.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalJSON returns [Secret.String] in quotes.
func (s Secret) MarshalJSON() ([]byte, error) { return []byte(`"` + s.String() + `"`), nil }

// MarshalYAML returns [Secret.String].
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }

// LogValue returns [Secret.String].
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }
