package config

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestExpand(t *testing.T) {
	t.Parallel()
	d := newDecoder(environment(map[string]string{"A": "a", "EMPTY": "", "N": "7", "NESTED": "${A} $$ #"}), nil)
	for text, want := range map[string]string{
		"":                 "",
		"plain":            "plain",
		"${A}":             "a",
		"x${A}y${N}z":      "xay7z",
		"${EMPTY}":         "",
		"${EMPTY:-d}":      "d",
		"${NO:-}":          "",
		"${NO:-a b: #c}":   "a b: #c",
		"${A:-d}":          "a",
		"$$":               "$",
		"$${A}":            "${A}",
		"$$$${A}":          "$${A}",
		"$$${A}":           "$a",
		"$A $ 5$":          "$A $ 5$",
		"${NESTED}":        "${A} $$ #",
		"${NO:-$A}":        "$A",
		"${NO:-x}${A}${A}": "xaa",
	} {
		got, err := d.expand(text)
		require.Nil(t, err, text)
		require.Equal(t, want, got, text)
	}
}

// A variable is data: nothing in it becomes structure, wherever it stands.
func TestVariablesAreNotYAML(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.OneOf(
			rapid.SampledFrom([]string{"a: b", "x # y", "}", "]", ", c: d", "*a", "&a", "!t", "${A}", "$$", "'", `"`, "- x", "|", "null", "true", "1e3", "\ufeff", "\U000F0041", "世界 🎉", "{", "%", "@", "`"}),
			rapid.StringOf(rapid.RuneFrom([]rune("ab:#{}[],&*!|>'\"%@`$ -?\\世"))),
		).Draw(t, "value")
		spelling := rapid.SampledFrom([]string{
			"token: ${V}", "token: '${V}'", `token: "${V}"`, "{token: ${V}}", "{ token: ${V} , listen: \"127.0.0.1:1\"}", "{token: ${V:-x}}",
		}).Draw(t, "spelling")
		if !strings.HasPrefix(spelling, "{") {
			spelling = "\n  " + spelling
		}
		c, err := Parse("f", []byte("http: "+spelling+top), environment(map[string]string{"V": value}))
		require.NoError(t, err)
		if want := value; want != "" || !strings.Contains(spelling, ":-") {
			require.Equal(t, want, c.HTTP.Token.Reveal())
		}
	})
}

func TestVariablesOfEveryType(t *testing.T) {
	t.Parallel()
	c, err := Parse("f", []byte(`
workers: ${N} # ${IN_A_COMMENT}
lease_ttl: "${TTL:-45s}"
breaker: {min: ${N}, share: ${SHARE}}
database_url: ${DB}
data_dir: ${HOME:-/srv, [x]}/data
sources:
  - name: ${NAME}
    vendor: ${VENDOR}
    timezone: ${ZONE}
    credentials: {corp_id: ${ID}, secret: a$$b}
    owner_ids: [${ID}, ${OTHER:-li}, x]
    streams: {chats: {enabled: ${ON}, schedule: '${CRON}', page_size: ${N}}}
`), environment(map[string]string{
		"N": "7", "SHARE": "0.5", "NAME": "n", "VENDOR": "wecom", "ZONE": "UTC", "ID": "007", "ON": "false", "CRON": "@daily",
	}))
	require.NoError(t, err)
	require.Equal(t, 7, c.Workers)
	require.Equal(t, "45s", c.LeaseTTL.String())
	require.Equal(t, Breaker{Min: 7, Share: 0.5}, c.Breaker)
	require.True(t, c.DatabaseURL.Empty(), "an unset variable leaves database_url empty")
	require.Equal(t, "/srv, [x]/data", c.DataDir)
	s := c.Sources[0]
	require.Equal(t, "n", s.Name)
	require.Equal(t, "UTC", s.Timezone.String())
	require.Equal(t, "a$b", s.Credentials.Secret.Reveal())
	require.Equal(t, []string{"007", "li", "x"}, s.OwnerIDs)
	require.False(t, s.Streams["chats"].Enabled)
	require.Equal(t, "@daily", s.Streams["chats"].Schedule.String())
	require.Equal(t, 7, s.Streams["chats"].PageSize)
}

// Hiding variables from YAML must not shift anything behind them.
func TestColumnsBehindVariables(t *testing.T) {
	t.Parallel()
	_, err := Parse("f", []byte("log: {level: ${A:-世界}, format: bad}"+top), nil)
	all, ok := errors.AsType[*Error](err)
	require.True(t, ok)
	problems := all.Problems
	require.Len(t, problems, 2)
	require.Equal(t, Problem{Line: 1, Column: 7, Key: "log.level", Message: "expected one of trace, debug, info, warn, error, got the value of ${A:-世界}"}, problems[0])
	require.Equal(t, 24, problems[1].Column)
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		require.NoError(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	c, err := Parse("f", fmt.Appendf(nil, `
database_url_file: %s
http: {token: ${UNSET}, token_file: %s}
sources:
  - {name: w, vendor: wecom, credentials: {corp_id: x, secret_file: %s}}
  - {name: d, vendor: dingtalk, credentials: {app_key: x, app_secret_file: "${DIR}/plain"}}
  - {name: e, vendor: dingtalk, credentials: {suite_key: x, suite_secret_file: %[2]s, suite_ticket_file: %[3]s, auth_corp_id: y}}
  - {name: s, vendor: scrm, credentials: {app_id: x, app_key_file: %[3]s}}
`, write("url", "postgres://u:p@h/d\r\n"), write("plain", "t0k en: ${HOME} $$ #"), write("newline", "s3cr3t\n")),
		environment(map[string]string{"DIR": dir}))
	require.NoError(t, err)
	require.Equal(t, "postgres://u:p@h/d", c.DatabaseURL.Reveal())
	require.Equal(t, "t0k en: ${HOME} $$ #", c.HTTP.Token.Reveal(), "what a file holds is not looked at")
	require.Equal(t, "s3cr3t", c.Sources[0].Credentials.Secret.Reveal())
	require.Equal(t, c.HTTP.Token.Reveal(), c.Sources[1].Credentials.AppSecret.Reveal())
	require.Equal(t, c.HTTP.Token.Reveal(), c.Sources[2].Credentials.SuiteSecret.Reveal())
	require.Equal(t, "s3cr3t", c.Sources[2].Credentials.SuiteTicket.Reveal())
	require.Equal(t, "s3cr3t", c.Sources[3].Credentials.SignKey.Reveal())
}

func TestSecretFileProblems(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "empty"), []byte("\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "two"), []byte("s3cr3t\n\n"), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "huge"), make([]byte, secretBytesMax+1), 0o600))
	for name, test := range map[string]struct{ line, want string }{
		"both":          {"{secret: x, secret_file: DIR/two}", `secret_file: give secret or secret_file, not both`},
		"missing":       {"{secret_file: DIR/no}", `secret_file: file "DIR/no": no such file or directory`},
		"a folder":      {"{secret_file: DIR}", `secret_file: file "DIR": is not a regular file`},
		"a device":      {"{secret_file: /dev/zero}", `secret_file: file "/dev/zero": is not a regular file`},
		"empty":         {"{secret_file: DIR/empty}", `secret_file: file "DIR/empty": is empty: put the secret in it`},
		"too large":     {"{secret_file: DIR/huge}", `secret_file: file "DIR/huge": is larger than 65536 bytes: is this a secret?`},
		"two lines":     {"{secret_file: DIR/two}", `secret_file: file "DIR/two": expected one line: it holds a line break or a control character`},
		"not the value": {"{secret_file: ${SECRET}}", `secret_file: file the value of ${SECRET}: no such file or directory`},
		"unset":         {"{secret_file: ${NO}}", `secret_file: ${NO} is not set: set this environment variable, or write ${NO:-default}`},
		"empty name":    {`{secret_file: ""}`, `secret: is required and empty: set secret or secret_file`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := "sources:\n  - name: a\n    vendor: wecom\n    credentials: {corp_id: x, " + strings.ReplaceAll(test.line, "DIR", dir)[1:]
			got := problemsOf(t, text, map[string]string{"SECRET": "s3cr3t"})
			require.Equal(t, []string{"f:4: sources[0].credentials." + strings.ReplaceAll(test.want, "DIR", dir)}, got)
			require.NotContains(t, got[0], "s3cr3t")
		})
	}
}
