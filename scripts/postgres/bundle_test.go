package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"
)

// pack writes an npm package with these files and returns its name.
func pack(t *testing.T, files map[string]string) string {
	t.Helper()
	var b bytes.Buffer
	zipped := gzip.NewWriter(&b)
	archive := tar.NewWriter(zipped)
	for name, content := range files {
		require.NoError(t, archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Size: int64(len(content)), Mode: 0o600}))
		_, err := archive.Write([]byte(content))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	require.NoError(t, zipped.Close())
	file := filepath.Join(t.TempDir(), "package.tgz")
	require.NoError(t, os.WriteFile(file, b.Bytes(), 0o600))
	return file
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "native")
	require.NoError(t, unpack(pack(t, map[string]string{
		"package/package.json":                       "{}",
		"package/native/bin/postgres":                "program",
		"package/native/lib/libpq.so.5.15":           "library",
		"package/native/share/postgresql.conf":       "text",
		"package/native/pg-symlinks.json":            `[{"source":"native/lib/libpq.so.5.15","target":"native/lib/libpq.so.5"},{"source":"native/share/postgresql.conf","target":"native/lib/conf"}]`,
		"package/native/lib/pkgconfig/deep/libpq.pc": "text",
	}), dir))

	program, err := os.Stat(filepath.Join(dir, "bin", "postgres"))
	require.NoError(t, err)
	require.NotZero(t, program.Mode()&0o100, "not executable")
	require.NoFileExists(t, filepath.Join(dir, "package.json"))
	for link, want := range map[string]string{"lib/libpq.so.5": "library", "lib/conf": "text"} {
		text, err := os.ReadFile(filepath.Join(dir, link))
		require.NoError(t, err)
		require.Equal(t, want, string(text))
	}
}

func TestUnpackStaysInside(t *testing.T) {
	t.Parallel()
	cases := map[string]map[string]string{
		"file above":          {"package/native/../../evil": "x", "package/native/pg-symlinks.json": "[]"},
		"absolute file":       {"package/native//etc/evil-syncd-test/x/../../../../../../../../evil": "x"},
		"link above":          {"package/native/pg-symlinks.json": `[{"source":"native/a","target":"native/../../evil"}]`},
		"link to the outside": {"package/native/pg-symlinks.json": `[{"source":"native/../../etc/passwd","target":"native/a"}]`},
		"link elsewhere":      {"package/native/pg-symlinks.json": `[{"source":"native/a","target":"evil"}]`},
		"no list of links":    {"package/native/bin/postgres": "x"},
	}
	for name, files := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			home := t.TempDir()
			require.Error(t, unpack(pack(t, files), filepath.Join(home, "native")))
			entries, err := os.ReadDir(home)
			require.NoError(t, err)
			require.Len(t, entries, 1, "something was written beside the directory")
		})
	}
}

func TestCheckIntegrity(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "f")
	require.NoError(t, os.WriteFile(file, []byte("abc"), 0o600))
	// sha512 of "abc" as FIPS 180-2 gives it, in base64.
	const abc = "sha512-3a81oZNherrMQXNJriBBMRLm+k6JqX6iCp7u5ktV05ohkpkqJ0/BqDa6PCOj/uu9RU1EI2Q86A4qmslPpUyknw=="
	require.NoError(t, checkIntegrity(file, abc))
	require.NoError(t, os.WriteFile(file, []byte("abd"), 0o600))
	require.ErrorContains(t, checkIntegrity(file, abc), "is not the file we know")
}

// A mistyped hash would refuse the bundle on a machine that is not here.
func TestBundlesAreWellFormed(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for platform, b := range bundles {
		require.Len(t, b.integrity, len("sha512-")+88, platform)
		require.False(t, seen[b.integrity], "%s: the hash of another platform", platform)
		seen[b.integrity] = true
	}
}
