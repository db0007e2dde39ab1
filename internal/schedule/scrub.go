package schedule

import (
	"regexp"
	"strings"
)

// secretParam is a secret as it travels in a URL or a form.
var secretParam = regexp.MustCompile(
	`(?i)\b([a-z_]*(?:token|secret|ticket|app_?key|signature|sign|password))=[^&\s"'<>]+`)

// secretMember is a secret as it travels in JSON.
var secretMember = regexp.MustCompile(
	`(?i)("[a-z_-]*(?:token|secret|ticket|app_?key|signature|sign|password)"\s*:\s*)"[^"]*"`)

// bearer is a secret as it travels in a header.
var bearer = regexp.MustCompile(`(?i)\b(bearer|basic)\s+[a-z0-9._~+/=-]{8,}`)

// urlUser is a password in a URL.
var urlUser = regexp.MustCompile(`(\w://[^\s/@:]+):[^\s/@]+@`)

// textMax bounds an error in the database, in bytes.
const textMax = 2000

// scrubbed is an error text fit for a table: with what looks like a secret masked,
// after known has masked those that it knows. Errors come scrubbed from where
// they are born; this is the second wall, for those that nobody foresaw.
func scrubbed(text string, known func(string) string) string {
	if known != nil {
		text = known(text)
	}
	text = secretParam.ReplaceAllString(text, "$1=***")
	text = secretMember.ReplaceAllString(text, `$1"***"`)
	text = bearer.ReplaceAllString(text, "$1 ***")
	text = urlUser.ReplaceAllString(text, "$1:***@")
	if len(text) > textMax {
		text = text[:textMax] + " …"
	}
	// PostgreSQL takes no NUL and no invalid UTF-8.
	return strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), "\uFFFD")
}
