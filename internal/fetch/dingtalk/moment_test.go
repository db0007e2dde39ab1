package dingtalk

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch/lenient"
)

// Times come in milliseconds or as text with a zone; what cannot be meant is kept as
// it came.
func TestMoments(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		`1640248800000`:               "2021-12-23T08:40:00Z",
		`"1640248800123"`:             "2021-12-23T08:40:00.123Z",
		`"2021-12-23T16:20Z"`:         "2021-12-23T16:20:00Z",
		`"2021-12-23T16:20+08:00"`:    "2021-12-23T08:20:00Z",
		`"2021-12-23T16:20:01.5Z"`:    "2021-12-23T16:20:01.5Z",
		`0`:                           "none",
		`""`:                          "none",
		`null`:                        "none",
		`"0"`:                         "none",
		`-1`:                          "kept",
		`253402300800000`:             "kept", // the year 10000
		`99999999999999999999`:        "kept",
		`1.5`:                         "kept",
		`true`:                        "kept",
		`{}`:                          "kept",
		`"2021-12-23 16:20"`:          "kept", // of which zone?
		`"0001-01-01T00:00Z"`:         "kept",
		`"1969-12-31T23:59Z"`:         "kept",
		`"0000-00-00T00:00Z"`:         "kept",
		`"9999-12-31T23:59-14:00"`:    "kept",
		`"2021-02-30T00:00Z"`:         "kept",
		`"2021-12-23T16:20:00+08:00"`: "2021-12-23T08:20:00Z",
	} {
		got, _, err := lenient.Decode[struct {
			At moment `json:"at"`
		}]([]byte(`{"at":` + raw + `}`))
		require.NoError(t, err, raw)
		switch {
		case got.At.Set:
			require.Equal(t, want, got.At.Value.Format(time.RFC3339Nano), raw)
		case len(got.At.Bad) > 0:
			require.Equal(t, want, "kept", raw)
			require.Equal(t, raw, string(got.At.Bad))
		default:
			require.Equal(t, want, "none", raw)
		}
	}
}
