package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/config"
)

// The configurations that are deployed are ones, once the files of their secrets
// are there.
func TestDeployedConfigurations(t *testing.T) {
	t.Parallel()
	for name, secrets := range map[string]string{
		"syncd.yaml": "/run/secrets", "systemd/syncd.yaml": "${CREDENTIALS_DIRECTORY}",
	} {
		text, err := os.ReadFile(filepath.Join("../../deploy", name))
		require.NoError(t, err)
		dir := t.TempDir()
		for _, found := range regexp.MustCompile(regexp.QuoteMeta(secrets)+`/([a-z_]+)`).FindAllStringSubmatch(string(text), -1) {
			content := "a-secret\n"
			if strings.HasSuffix(found[1], "database_url") {
				content = "postgres://syncd:x@postgres:5432/syncd\n"
			}
			require.NoError(t, os.WriteFile(filepath.Join(dir, found[1]), []byte(content), 0o600))
		}
		path := filepath.Join(t.TempDir(), "syncd.yaml")
		require.NoError(t, os.WriteFile(path, []byte(strings.ReplaceAll(string(text), "/run/secrets", dir)), 0o600))
		cfg, err := config.Load(path, func(name string) (string, bool) { return dir, name == "CREDENTIALS_DIRECTORY" })
		require.NoError(t, err, name)
		require.Equal(t, "postgres://syncd:x@postgres:5432/syncd", cfg.DatabaseURL.Reveal())
		require.Equal(t, "a-secret", cfg.Sources[0].Credentials.Secret.Reveal())
		require.Equal(t, "/var/lib/syncd", cfg.DataDir)
		_, err = shownAddr(cfg.HTTP.Listen)
		require.NoError(t, err, "syncd probe finds the daemon")
		require.NotRegexp(t, `(?m)^\s*(secret|token|app_key|app_secret|database_url):`, string(text), "secrets are files")
	}
}

// A probe asks this machine, whatever the daemon listens on.
func TestProbeAddress(t *testing.T) {
	t.Parallel()
	for listen, want := range map[string]string{
		"0.0.0.0:1": "127.0.0.1:1", ":1": "127.0.0.1:1", "[::]:1": "127.0.0.1:1", "127.0.0.1:1": "127.0.0.1:1",
		"[::1]:1": "[::1]:1", "10.0.0.1:1": "10.0.0.1:1", "syncd.example.org:1": "syncd.example.org:1",
	} {
		got, err := shownAddr(listen)
		require.NoError(t, err)
		require.Equal(t, want, got, listen)
	}
	for _, listen := range []string{"127.0.0.1:0", "127.0.0.1"} {
		_, err := shownAddr(listen)
		require.Error(t, err, listen)
	}
}
