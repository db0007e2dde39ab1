package fetchtest

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
)

var update = flag.Bool("update", false, "write the golden files anew; read the diff as code")

// Golden compares a value, as indented JSON, with the file that holds what is
// expected. With -update it writes the file instead.
func Golden(t *testing.T, file string, value any) {
	t.Helper()
	var got strings.Builder
	enc := json.NewEncoder(&got)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	require.NoError(t, enc.Encode(value))
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got.String()), 0o600))
		return
	}
	want, err := os.ReadFile(file)
	require.NoError(t, err)
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

// Reject is a reject whose raw text can be read in a golden file.
type Reject struct{ Kind, ID, Parent, Reason, Raw string }

// Rejects are those of a page, for its golden file.
func Rejects(page model.Page) []Reject {
	rejects := make([]Reject, 0, len(page.Rejects))
	for _, r := range page.Rejects {
		rejects = append(rejects, Reject{r.Kind, r.ID, r.Parent, r.Reason, string(r.Raw)})
	}
	return rejects
}
