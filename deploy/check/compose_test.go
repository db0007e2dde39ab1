package check

import (
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

const root = "../.."

// operators makes these files; the head of docker-compose.yml says how.
var operators = []string{
	"syncd.yaml", "secrets/postgres_password", "secrets/database_url", "secrets/http_token", "secrets/wecom_secret",
	"secrets/grafana_password",
}

// project is docker-compose.yml as compose understands it, with nothing in the
// environment.
func project(t *testing.T) *types.Project {
	t.Helper()
	options, err := cli.NewProjectOptions([]string{filepath.Join(root, "docker-compose.yml")},
		cli.WithWorkingDirectory(root), cli.WithName("syncd"), cli.WithEnv(nil), cli.WithConsistency(true), cli.WithResolvedPaths(true))
	require.NoError(t, err)
	p, err := cli.ProjectFromOptions(t.Context(), options)
	require.NoError(t, err)
	require.NoError(t, p.CheckContainerNameUnicity())
	return p
}

func service(t *testing.T, p *types.Project, name string) types.ServiceConfig {
	t.Helper()
	s, err := p.GetService(name)
	require.NoError(t, err)
	return s
}

func TestComposeHasItsServices(t *testing.T) {
	t.Parallel()
	p := project(t)
	require.ElementsMatch(t, []string{"postgres", "syncd", "prometheus", "grafana"}, p.ServiceNames())
	version := regexp.MustCompile(`^[a-z/]+:v?\d+\.\d+(\.\d+)?$`)
	for name, s := range p.Services {
		if s.Build == nil {
			require.Regexp(t, version, s.Image, "%s: an image is one version", name)
		}
		require.NotNil(t, s.HealthCheck, name)
		require.Equal(t, "unless-stopped", s.Restart, name)
		require.False(t, s.Privileged, name)
		require.NotEmpty(t, s.Networks, name)
		for _, port := range s.Ports {
			require.Equal(t, "127.0.0.1", port.HostIP, "%s: others must not reach it", name)
		}
	}
}

// What is mounted is in the repository, or somebody is told to make it.
func TestComposeMountsWhatThereIs(t *testing.T) {
	t.Parallel()
	p := project(t)
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	require.NoError(t, err)
	told, _, _ := strings.Cut(string(text), "\nservices:")
	ignored, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	require.NoError(t, err)

	absolute, err := filepath.Abs(root)
	require.NoError(t, err)
	used := map[string]bool{}
	check := func(source string) {
		path, err := filepath.Rel(absolute, source)
		require.NoError(t, err)
		used[path] = true
		for _, made := range operators {
			if made != path {
				continue
			}
			require.Contains(t, told, path, "nobody is told to make it")
			first, _, _ := strings.Cut(path, "/")
			require.Regexp(t, `(?m)^/`+regexp.QuoteMeta(first)+`/?$`, string(ignored), "it must not get into git")
			return
		}
		_, err = os.Stat(filepath.Join(root, path))
		require.NoError(t, err)
	}
	volumes := map[string]bool{}
	for name, s := range p.Services {
		for _, v := range s.Volumes {
			switch v.Type {
			case types.VolumeTypeBind:
				require.True(t, v.ReadOnly, "%s: %s", name, v.Source)
				check(v.Source)
			case types.VolumeTypeVolume:
				require.Contains(t, p.Volumes, v.Source)
				volumes[v.Source] = true
			}
		}
	}
	for _, secret := range p.Secrets {
		require.NotEmpty(t, secret.File, secret.Name)
		check(secret.File)
	}
	require.Len(t, volumes, len(p.Volumes), "a volume is there for nothing")
	for _, made := range operators {
		require.True(t, used[made], "%s is made for nothing", made)
	}
}

// Secrets are files. No environment, command or build argument holds one.
func TestComposeSecretsAreFiles(t *testing.T) {
	t.Parallel()
	p := project(t)
	suspicious := regexp.MustCompile(`(?i)password|secret|token|_key|database_url`)
	given := map[string]bool{}
	for name, s := range p.Services {
		for key, value := range s.Environment {
			if suspicious.MatchString(key) {
				require.True(t, strings.HasSuffix(key, "_FILE"), "%s: %s", name, key)
				require.NotNil(t, value)
				secret, ok := strings.CutPrefix(*value, "/run/secrets/")
				require.True(t, ok, "%s: %s", name, key)
				require.True(t, has(s, secret), "%s has no secret %s", name, secret)
			}
		}
		for _, secret := range s.Secrets {
			require.Contains(t, p.Secrets, secret.Source)
			given[secret.Source] = true
		}
		for _, word := range append(append([]string{}, s.Command...), s.Entrypoint...) {
			require.NotRegexp(t, suspicious, word, name)
		}
		if s.Build != nil {
			require.Empty(t, s.Build.Args)
		}
	}
	require.Len(t, given, len(p.Secrets))
}

func has(s types.ServiceConfig, secret string) bool {
	for _, x := range s.Secrets {
		if x.Source == secret {
			return true
		}
	}
	return false
}

// syncd may read its configuration, and write nothing but memory.
func TestComposeConfinesSyncd(t *testing.T) {
	t.Parallel()
	s := service(t, project(t), "syncd")
	require.True(t, s.ReadOnly)
	require.Equal(t, []string{"ALL"}, s.CapDrop)
	require.Empty(t, s.CapAdd)
	require.Contains(t, s.SecurityOpt, "no-new-privileges:true")
	require.Equal(t, types.HealthCheckTest{"CMD", "/syncd", "probe"}, s.HealthCheck.Test)
	require.Equal(t, types.ServiceConditionHealthy, s.DependsOn["postgres"].Condition)
	require.Greater(t, time.Duration(*s.StopGracePeriod), 10*time.Second, "a stop takes up to ten seconds")
	require.Empty(t, s.User, "the image has its user")
	_, err := os.Stat(filepath.Join(s.Build.Context, s.Build.Dockerfile))
	require.NoError(t, err)

	// The template of the configuration reads the files that it is given.
	text, err := os.ReadFile(filepath.Join(root, "deploy/syncd.yaml"))
	require.NoError(t, err)
	for _, found := range regexp.MustCompile(`/run/secrets/([a-z_]+)`).FindAllStringSubmatch(string(text), -1) {
		require.True(t, has(s, found[1]), "syncd is not given %s", found[1])
	}
}

// Who asks whom by name shares a network.
func TestComposeServicesReachEachOther(t *testing.T) {
	t.Parallel()
	p := project(t)
	reaches := func(from, to string) {
		t.Helper()
		a, b := service(t, p, from), service(t, p, to)
		for network := range a.Networks {
			if _, ok := b.Networks[network]; ok {
				return
			}
		}
		require.Fail(t, from+" does not reach "+to)
	}
	reaches("syncd", "postgres")

	var scrape struct {
		RuleFiles     []string `yaml:"rule_files"`
		ScrapeConfigs []struct {
			Authorization struct {
				Type            string `yaml:"type"`
				CredentialsFile string `yaml:"credentials_file"`
			} `yaml:"authorization"`
			StaticConfigs []struct {
				Targets []string `yaml:"targets"`
			} `yaml:"static_configs"`
		} `yaml:"scrape_configs"`
	}
	read(t, "deploy/prometheus/prometheus.yml", &scrape)
	prometheus := service(t, p, "prometheus")
	require.Len(t, scrape.ScrapeConfigs, 1)
	job := scrape.ScrapeConfigs[0]
	require.Equal(t, "Bearer", job.Authorization.Type)
	require.True(t, has(prometheus, strings.TrimPrefix(job.Authorization.CredentialsFile, "/run/secrets/")))
	host, port, err := net.SplitHostPort(job.StaticConfigs[0].Targets[0])
	require.NoError(t, err)
	reaches("prometheus", host)
	require.EqualValues(t, port, service(t, p, host).Ports[0].Published)
	mounted := map[string]bool{}
	for _, v := range prometheus.Volumes {
		mounted[v.Target] = true
	}
	for _, file := range scrape.RuleFiles {
		require.True(t, mounted[file], file)
	}

	var sources struct {
		Datasources []struct{ URL string }
	}
	read(t, "deploy/grafana/provisioning/datasources/prometheus.yml", &sources)
	at, err := url.Parse(sources.Datasources[0].URL)
	require.NoError(t, err)
	reaches("grafana", at.Hostname())

	var dashboards struct {
		Providers []struct {
			Options struct{ Path string }
		}
	}
	read(t, "deploy/grafana/provisioning/dashboards/syncd.yml", &dashboards)
	grafana := service(t, p, "grafana")
	found := false
	for _, v := range grafana.Volumes {
		found = found || v.Target == dashboards.Providers[0].Options.Path
	}
	require.True(t, found, "the dashboards are not where Grafana looks")
}

// read reads a YAML file strictly.
func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into))
}
