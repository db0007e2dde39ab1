package config

import (
	"errors"
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// FuzzParse holds what is promised of any file: a configuration that keeps its
// own rules, or problems that each have a place and a message; and never a word
// of the environment in them.
func FuzzParse(f *testing.F) {
	for _, path := range []string{exampleFile, "testdata/contract.yaml"} {
		data, err := os.ReadFile(path)
		require.NoError(f, err)
		f.Add(data)
		f.Add([]byte(uncommented(string(data))))
	}
	for _, seed := range []string{
		"", "\x00", "a", "- a", "a: &a [*a]", "a: b: c", "? x\n: y", "{a: ${B}", "<<: *x", "--- \n---\n", "%YAML 1.2\n---\n", "\"a", "a: |\n", "a: >-\n b",
		minimal, source, top, "sources: [{vendor: wecom}, {vendor: [x]}, null, x]", "http: {token: ${T}, listen: :1}", "data_dir: ${DATA_DIR}\nworkers: ${T}",
		source + "    streams: {chats: {schedule: ${T}}}", source + "    streams: {chats: {schedule: \"@every 1s\"}}", source + "    timezone: ${T}", source + "    base_url: ${T}",
		source + "    owner_ids: [${T}, ${T}]", "sources: [{name: a, vendor: scrm, credentials: {app_id: ${T}, app_key_file: ${T}}}]",
	} {
		f.Add([]byte(seed))
	}
	const token = "t0k3n: {from: the-environment}"
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 16<<10 {
			return
		}
		d := newDecoder(environment(map[string]string{"T": token}), func(string) (string, error) {
			return "", errors.New("no files here")
		})
		c := d.config(data)
		for _, p := range d.problems {
			require.Positive(t, p.Line)
			require.Positive(t, p.Column)
			require.NotEmpty(t, p.Message)
			require.NotContains(t, p.Key+p.Message, token)
		}
		if len(d.problems) > 0 {
			return
		}
		require.NotEmpty(t, c.Sources)
		names := map[string]bool{}
		for _, s := range c.Sources {
			require.Regexp(t, namePattern, s.Name)
			require.False(t, names[s.Name])
			names[s.Name] = true
			require.Contains(t, vendors, s.Vendor)
			require.NotEmpty(t, s.BaseURL)
			require.NotNil(t, s.Timezone)
			require.Len(t, s.Streams, len(vendors[s.Vendor].streams))
			for _, st := range s.Streams {
				require.NotEmpty(t, st.Schedule.String())
			}
		}
		require.Positive(t, c.Workers)
	})
}
