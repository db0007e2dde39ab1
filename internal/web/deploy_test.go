package web

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/stretchr/testify/require"
)

// metricNames finds the figures of ours in an expression.
var metricNames = regexp.MustCompile(`\bsyncd_[a-z_]+\b`)

// namedIn checks that what a file asks for exists, and returns how much it does.
func namedIn(t *testing.T, text string) int {
	t.Helper()
	known := figures(t)
	names := metricNames.FindAllString(text, -1)
	for _, name := range names {
		_, ok := known[name]
		for _, part := range []string{"_bucket", "_sum", "_count"} {
			if whole, is := strings.CutSuffix(name, part); is && !ok {
				ok = known[whole].Type == "histogram"
			}
		}
		require.True(t, ok, "there is no figure %s", name)
	}
	return len(names)
}

// dashboard is what we read of one of Grafana's.
type dashboard struct {
	UID        string `json:"uid"`
	Title      string `json:"title"`
	Templating struct {
		List []struct {
			Name  string `json:"name"`
			Query any    `json:"query"`
		} `json:"list"`
	} `json:"templating"`
	Panels []struct {
		ID         int        `json:"id"`
		Title      string     `json:"title"`
		Type       string     `json:"type"`
		GridPos    gridPos    `json:"gridPos"`
		Datasource datasource `json:"datasource"`
		Targets    []struct {
			Expr       string     `json:"expr"`
			Datasource datasource `json:"datasource"`
		} `json:"targets"`
	} `json:"panels"`
}

type gridPos struct{ X, Y, W, H int }

type datasource struct {
	Type, UID string
}

// Every panel shows figures that exist, from the data source that is provisioned,
// and covers no other panel.
func TestDashboard(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../deploy/grafana/dashboards/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	source := provisionedSource(t)
	for _, file := range files {
		text, err := os.ReadFile(file)
		require.NoError(t, err)
		var d dashboard
		require.NoError(t, json.Unmarshal(text, &d))
		require.NotEmpty(t, d.UID)
		require.NotEmpty(t, d.Panels)
		ids, covered := map[int]bool{}, map[[2]int]string{}
		for _, p := range d.Panels {
			require.False(t, ids[p.ID], "two panels have the id %d", p.ID)
			ids[p.ID] = true
			for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
				require.Less(t, x, 24, p.Title)
				for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
					require.Empty(t, covered[[2]int{x, y}], "%s covers another panel", p.Title)
					covered[[2]int{x, y}] = p.Title
				}
			}
			if p.Type == "row" {
				continue
			}
			require.Equal(t, source, p.Datasource, p.Title)
			require.NotEmpty(t, p.Targets, p.Title)
			for _, target := range p.Targets {
				require.NotZero(t, namedIn(t, target.Expr), "%s: %s", p.Title, target.Expr)
			}
		}
		for _, v := range d.Templating.List {
			query, err := json.Marshal(v.Query)
			require.NoError(t, err)
			require.NotZero(t, namedIn(t, string(query)), v.Name)
		}
	}
}

// provisionedSource is the data source that Grafana is given.
func provisionedSource(t *testing.T) datasource {
	t.Helper()
	var config struct {
		Datasources []datasource
	}
	readYAML(t, "grafana/provisioning/datasources/prometheus.yml", &config)
	require.Len(t, config.Datasources, 1)
	return config.Datasources[0]
}

// Alerts are about figures that exist, and say what to do.
func TestAlerts(t *testing.T) {
	t.Parallel()
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	readYAML(t, "prometheus/alerts.yml", &rules)
	require.NotEmpty(t, rules.Groups)
	seen := map[string]bool{}
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			require.False(t, seen[rule.Alert], rule.Alert)
			seen[rule.Alert] = true
			if !strings.Contains(rule.Expr, "up{") {
				require.NotZero(t, namedIn(t, rule.Expr), rule.Alert)
			}
			require.NotEmpty(t, rule.Annotations["summary"], rule.Alert)
			require.NotEmpty(t, rule.Annotations["remedy"], rule.Alert)
			require.Contains(t, []string{"critical", "warning"}, rule.Labels["severity"], rule.Alert)
		}
	}
	require.Greater(t, len(seen), 5)
}

func readYAML(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("../../deploy", name))
	require.NoError(t, err)
	require.NoError(t, yaml.Unmarshal(text, into))
}
