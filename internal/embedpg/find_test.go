package embedpg

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// installation makes a directory whose postgres says that it is version.
func installation(t *testing.T, dir, version string) string {
	t.Helper()
	require.NoError(t, os.MkdirAll(dir, 0o755)) //nolint:gosec // another user runs them
	// A child that is just being started would have them open, and nobody could run them.
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s (Debian %[1]s-1)'\n", version)
	for _, program := range []string{"postgres", "initdb"} {
		require.NoError(t, os.WriteFile(filepath.Join(dir, program), []byte(script), 0o755)) //nolint:gosec // the same
	}
	return dir
}

func TestFindOrder(t *testing.T) {
	t.Parallel()
	root := filepath.Dir(dataDir(t))
	at := func(name string) string { return filepath.Join(root, name) }
	installation(t, at("path15"), "15.18")
	installation(t, at("lib/15/bin"), "15.2")
	installation(t, at("lib/17/bin"), "17.10")
	installation(t, at("lib/9/bin"), "9.6.24")
	installation(t, at("cache/18.4/bin"), "18.4")
	installation(t, at("old/14"), "14.9")
	installation(t, at("beta/19"), "19beta1")
	require.NoError(t, os.MkdirAll(at("empty"), 0o755))                                                               //nolint:gosec // another user looks
	require.NoError(t, os.WriteFile(at("pg_config"), fmt.Appendf(nil, "#!/bin/sh\necho %s\n", at("beta/19")), 0o755)) //nolint:gosec // the same
	require.NoError(t, os.Symlink(at("lib/17/bin"), at("link")))

	libs, cache := []string{at("lib/*/bin")}, []string{at("cache/*/bin")}
	cases := map[string]struct {
		places places
		hint   Hint
		want   Binaries
	}{
		"PATH comes first":            {places{path: []string{at("empty"), at("path15")}, pgConfig: at("pg_config"), globs: libs}, Hint{}, Binaries{at("path15"), "15.18", 15}},
		"pg_config is next":           {places{path: []string{at("empty")}, pgConfig: at("pg_config"), globs: libs}, Hint{}, Binaries{at("beta/19"), "19beta1", 19}},
		"a broken pg_config is none":  {places{pgConfig: at("empty/pg_config"), globs: libs}, Hint{}, Binaries{at("lib/17/bin"), "17.10", 17}},
		"the newest of distributions": {places{globs: libs, bundles: cache}, Hint{}, Binaries{at("lib/17/bin"), "17.10", 17}},
		"a bundle comes last":         {places{globs: []string{at("old/*")}, bundles: cache}, Hint{}, Binaries{at("cache/18.4/bin"), "18.4", 18}},
		"too old on PATH is passed":   {places{path: []string{at("old/14")}, globs: libs}, Hint{}, Binaries{at("lib/17/bin"), "17.10", 17}},
		"only this major":             {places{path: []string{at("link")}, globs: libs}, Hint{Major: 15}, Binaries{at("lib/15/bin"), "15.2", 15}},
		"a hint is the only place":    {places{path: []string{at("path15")}}, Hint{BinDir: at("cache/18.4/bin")}, Binaries{at("cache/18.4/bin"), "18.4", 18}},
		"links are resolved":          {places{path: []string{at("link")}}, Hint{}, Binaries{at("lib/17/bin"), "17.10", 17}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			acct, err := chooseAccount("", "")
			require.NoError(t, err)
			got, err := c.places.find(t.Context(), c.hint, acct)
			require.NoError(t, err)
			require.Equal(t, c.want, got)
		})
	}
}

func TestFindNothing(t *testing.T) {
	t.Parallel()
	root := filepath.Dir(dataDir(t))
	old := installation(t, filepath.Join(root, "14"), "14.9")
	require.NoError(t, os.MkdirAll(filepath.Join(root, "broken"), 0o755)) //nolint:gosec // another user looks
	broken := installation(t, filepath.Join(root, "broken"), "'; exit 3; '")
	acct, err := chooseAccount("", "")
	require.NoError(t, err)
	cases := map[string]struct {
		places places
		hint   Hint
		want   string
	}{
		"nothing":              {places{}, Hint{}, "database_url"},
		"too old":              {places{path: []string{old}}, Hint{}, "is PostgreSQL 14.9, older than 15"},
		"another major":        {places{path: []string{old}}, Hint{Major: 16}, "only PostgreSQL 16 will do"},
		"a hint that is empty": {places{path: []string{old}}, Hint{BinDir: root}, "embedded.bin_dir: " + root + ": no postgres and initdb here"},
		"a hint of no use":     {places{}, Hint{BinDir: old}, "older than 15"},
		"does not run":         {places{path: []string{broken}}, Hint{}, "exit status 3"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.places.find(t.Context(), c.hint, acct)
			require.ErrorIs(t, err, ErrNoBinaries)
			require.ErrorContains(t, err, c.want)
			for _, way := range []string{"apt-get install", "embedded.bin_dir", "database_url"} {
				require.ErrorContains(t, err, way)
			}
		})
	}
}

// As root, binaries that the server's user cannot reach are of no use.
func TestFindPassesOverWhatTheUserCannotRun(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as another user")
	}
	root := filepath.Dir(dataDir(t))
	hidden := installation(t, filepath.Join(root, "hidden", "bin"), "18.4")
	require.NoError(t, os.Chmod(filepath.Dir(hidden), 0o700)) //nolint:gosec // ours alone
	seen := installation(t, filepath.Join(root, "seen"), "15.1")
	acct, err := chooseAccount("", "")
	require.NoError(t, err)
	got, err := places{path: []string{hidden, seen}}.find(t.Context(), Hint{}, acct)
	require.NoError(t, err)
	require.Equal(t, seen, got.Dir)
}

func TestFindOnThisMachine(t *testing.T) {
	t.Parallel()
	bin, err := Find(t.Context(), Hint{})
	require.NoError(t, err)
	require.GreaterOrEqual(t, bin.Major, majorMin)
	require.FileExists(t, bin.path("initdb"))
}
