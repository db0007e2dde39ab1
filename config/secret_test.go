package config

import (
	"bytes"
	"encoding/gob"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html/template"
	"log/slog"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// outer holds secrets the way careless structs do.
type outer struct {
	Open    Secret
	closed  Secret
	Pointer *Secret
	List    []Secret
	Map     map[string]Secret
	Any     any
}

func newOuter(text string) outer {
	s := NewSecret(text)
	return outer{Open: s, closed: s, Pointer: &s, List: []Secret{s}, Map: map[string]Secret{"k": s}, Any: s}
}

// leaks are the forms in which a printer could give the text away.
func leaks(text string) []string {
	return []string{text, fmt.Sprintf("%x", text), fmt.Sprintf("%X", text), fmt.Sprintf("% x", text), fmt.Sprintf("%d", []byte(text))}
}

func requireNoLeak(t require.TestingT, printed, text, how string) {
	for _, leak := range leaks(text) {
		require.NotContains(t, printed, leak, how)
	}
}

func TestSecretInEveryVerb(t *testing.T) {
	t.Parallel()
	const text = "sEcReT-0xdeadbeef"
	s := NewSecret(text)
	for _, flags := range []string{"", "+", "#", " ", "0", "-", "20", ".3", "+#10.2"} {
		for verb := rune('!'); verb < 0x7f; verb++ {
			if verb == '%' || verb == '*' || verb == '[' || strings.ContainsRune("+-# 0123456789.", verb) {
				continue
			}
			format := "%" + flags + string(verb)
			direct := fmt.Sprintf(format, s)
			requireNoLeak(t, direct, text, format)
			if !strings.ContainsRune("Tpw", verb) { // a type, an address, an error
				require.Equal(t, "***", direct, format)
			}
			for _, v := range []any{&s, newOuter(text), new(newOuter(text)), []any{s, newOuter(text)}, map[level]outer{1: newOuter(text)}} {
				requireNoLeak(t, fmt.Sprintf(format, v), text, format)
			}
		}
	}
}

// level is any key type of a map.
type level int

func TestSecretInEncodings(t *testing.T) {
	t.Parallel()
	const text = "sEcReT"
	s, o := NewSecret(text), newOuter(text)

	asJSON, err := json.Marshal(any(o))
	require.NoError(t, err)
	require.JSONEq(t, `{"Open":"***","Pointer":"***","List":["***"],"Map":{"k":"***"},"Any":"***"}`, string(asJSON))

	asYAML, err := yaml.Marshal(map[string]any{"a": s, "b": &s, "c": struct{ S Secret }{s}})
	require.NoError(t, err)
	require.YAMLEq(t, "a: \"***\"\nb: \"***\"\nc: {s: \"***\"}\n", string(asYAML))

	asText, err := s.MarshalText()
	require.NoError(t, err)
	require.Equal(t, "***", string(asText))

	asXML, err := xml.Marshal(struct {
		XMLName struct{} `xml:"x"`
		A       Secret   `xml:"a,attr"`
		B       Secret   `xml:"B"`
	}{A: s, B: s})
	require.NoError(t, err)
	require.Equal(t, `<x a="***"><B>***</B></x>`, string(asXML))

	var asGob bytes.Buffer
	_ = gob.NewEncoder(&asGob).Encode(struct{ S Secret }{s})
	requireNoLeak(t, asGob.String(), text, "gob")

	var page bytes.Buffer
	require.NoError(t, template.Must(template.New("").Parse(`{{.}} {{printf "%q" .}}`)).Execute(&page, s))
	require.Equal(t, "*** ***", page.String())
}

func TestSecretInLogs(t *testing.T) {
	t.Parallel()
	const text = "sEcReT"
	s, o := NewSecret(text), newOuter(text)

	var out bytes.Buffer
	log := zerolog.New(&out)
	log.Info().Interface("a", s).Stringer("b", s).Any("c", &s).Interface("d", o).
		Fields(map[string]any{"e": s}).Str("f", fmt.Sprint(o)).Err(fmt.Errorf("call: %v", s)).Msgf("%s", s)
	require.Contains(t, out.String(), `"a":"***","b":"***","c":"***"`)
	require.Contains(t, out.String(), `"message":"***"`)
	requireNoLeak(t, out.String(), text, "zerolog")

	for _, handler := range []slog.Handler{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)} {
		out.Reset()
		slog.New(handler).With("w", s).Info("m", "a", s, "b", &s, "c", o, slog.Group("g", "d", s))
		require.Contains(t, out.String(), "***")
		requireNoLeak(t, out.String(), text, "slog")
	}
}

// failures collects what a failed assertion prints.
type failures struct{ bytes.Buffer }

func (f *failures) Errorf(format string, args ...any) { fmt.Fprintf(f, format, args...) }

// A failing test prints its values by reflection; so do differs.
func TestSecretInTestOutput(t *testing.T) {
	t.Parallel()
	const text = "sEcReT"
	var printed failures
	assert.Equal(&printed, outer{}, newOuter(text))
	require.Contains(t, printed.String(), "Not equal")
	requireNoLeak(t, printed.String(), text, "testify")

	requireNoLeak(t, cmp.Diff(Credentials{}, Credentials{Secret: NewSecret(text)}), text, "go-cmp")
}

func TestSecretNeverPrinted(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[a-zA-Z0-9+/=é世]{6,40}`).Draw(t, "secret")
		verb := rapid.SampledFrom(strings.Split("v +v #v s q x X d t e U c b o O", " ")).Draw(t, "verb")
		requireNoLeak(t, fmt.Sprintf("%"+verb, newOuter(text)), text, verb)
		require.Equal(t, text, NewSecret(text).Reveal())
	})
}

func TestEmptySecret(t *testing.T) {
	t.Parallel()
	for _, s := range []Secret{{}, NewSecret("")} {
		require.True(t, s.Empty())
		require.Empty(t, s.Reveal())
		require.Equal(t, "(none) (none) (none)", fmt.Sprintf("%v %#v %x", s, s, s))
		require.True(t, s.Equal(Secret{}))
	}
	require.False(t, NewSecret("x").Empty())
}

func TestSecretEqual(t *testing.T) {
	t.Parallel()
	require.True(t, NewSecret("a").Equal(NewSecret("a")))
	require.False(t, NewSecret("a").Equal(NewSecret("b")))
	require.False(t, NewSecret("a").Equal(Secret{}))
}

// No print of a whole configuration, and no error about one, holds a secret.
func TestConfigNeverPrintsASecret(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{
		"SYNCD_DATABASE_URL": "postgres://u:PASS-1@h/d", "SYNCD_HTTP_TOKEN": "TOKEN-2",
		"WECOM_SECRET": "SECRET-3", "DINGTALK_SECRET": "SECRET-4", "SCRM_APP_KEY": "SECRET-5",
	}
	c, err := Load("testdata/contract.yaml", environment(secrets))
	require.NoError(t, err)
	require.Equal(t, "SECRET-5", c.Sources[2].Credentials.SignKey.Reveal())

	asJSON, err := json.Marshal(any(c))
	require.NoError(t, err)
	asYAML, err := yaml.Marshal(any(c))
	require.NoError(t, err)
	printed := string(asJSON) + string(asYAML)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		printed += fmt.Sprintf(verb, c)
		for _, s := range c.Sources {
			printed += fmt.Sprintf(verb, s)
		}
	}
	for _, text := range secrets {
		requireNoLeak(t, printed, text, "config")
	}
}
