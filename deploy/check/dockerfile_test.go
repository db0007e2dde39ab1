package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/stretchr/testify/require"
)

// The Dockerfile is one that BuildKit takes; what it copies is there and not
// ignored, and what it makes is small, static and nobody's root.
func TestDockerfile(t *testing.T) {
	t.Parallel()
	file, err := os.Open(filepath.Join(root, "deploy/Dockerfile"))
	require.NoError(t, err)
	defer file.Close()
	parsed, err := parser.Parse(file)
	require.NoError(t, err)
	require.Empty(t, parsed.Warnings)
	stages, _, err := instructions.Parse(parsed.AST, nil)
	require.NoError(t, err)
	require.Len(t, stages, 2)
	build, image := stages[0], stages[1]
	require.Regexp(t, `^golang:\d+\.\d+\.\d+$`, build.BaseName)
	require.Equal(t, "scratch", image.BaseName)

	ignored := dockerignore(t)
	made := map[string]bool{"/etc/ssl/certs/ca-certificates.crt": true} // of the base image
	for _, command := range build.Commands {
		switch c := command.(type) {
		case *instructions.CopyCommand:
			require.Empty(t, c.From)
			for _, source := range c.SourcePaths {
				_, err := os.Stat(filepath.Join(root, source))
				require.NoError(t, err)
				skip, err := ignored.MatchesOrParentMatches(strings.TrimPrefix(source, "./"))
				require.NoError(t, err)
				require.False(t, skip, "%s is ignored", source)
			}
		case *instructions.RunCommand:
			for _, word := range strings.Fields(strings.Join(c.CmdLine, " ")) {
				made[word] = true
			}
		}
	}
	copied := map[string]bool{}
	var user, entry, probe string
	for _, command := range image.Commands {
		switch c := command.(type) {
		case *instructions.CopyCommand:
			require.Equal(t, build.Name, c.From)
			for _, source := range c.SourcePaths {
				require.True(t, made[source], "nothing makes %s", source)
			}
			copied[c.DestPath] = true
		case *instructions.UserCommand:
			user = c.User
		case *instructions.EntrypointCommand:
			require.False(t, c.PrependShell, "there is no shell")
			entry = c.CmdLine[0]
		case *instructions.HealthCheckCommand:
			require.Equal(t, "CMD", c.Health.Test[0], "there is no shell")
			probe = strings.Join(c.Health.Test[1:], " ")
		case *instructions.RunCommand:
			require.Fail(t, "nothing runs in an image without a shell")
		}
	}
	require.True(t, copied[entry])
	require.True(t, copied["/etc/ssl/certs/ca-certificates.crt"], "vendors are called by TLS")
	require.Equal(t, entry+" probe", probe)
	require.Regexp(t, `^[1-9]\d*:[1-9]\d*$`, user, "a number, so that anybody can see it is not root")
}

// What is secret, or large, is not sent to the builder.
func TestDockerignore(t *testing.T) {
	t.Parallel()
	ignored := dockerignore(t)
	for path, want := range map[string]bool{
		"secrets/wecom_secret": true, "syncd.yaml": true, ".git/config": true, "data/postgres/base": true, "bin/syncd": true,
		"internal/store/store_test.go": true, "cmd/syncd/main_test.go": true,
		"go.mod": false, "cmd/syncd/main.go": false, "internal/store/sql/chat_ask.sql": false, "migrations/00001_core.sql": false,
		"internal/web/page.html": false, "config/config.go": false,
	} {
		skip, err := ignored.MatchesOrParentMatches(path)
		require.NoError(t, err)
		require.Equal(t, want, skip, path)
	}
}

func dockerignore(t *testing.T) *patternmatcher.PatternMatcher {
	t.Helper()
	file, err := os.Open(filepath.Join(root, ".dockerignore"))
	require.NoError(t, err)
	defer file.Close()
	patterns, err := ignorefile.ReadAll(file)
	require.NoError(t, err)
	matcher, err := patternmatcher.New(patterns)
	require.NoError(t, err)
	return matcher
}
