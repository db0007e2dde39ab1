package scrm

import (
	"os"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkReadGroups reads the vendor's sample: 10 groups with 29 tasks.
func BenchmarkReadGroups(b *testing.B) {
	body, err := os.ReadFile("testdata/groups/sample.json")
	require.NoError(b, err)
	c := testClient(b, "http://vendor.invalid")
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	rows := 0
	for b.Loop() {
		_, _, page, err := c.readGroups(body)
		if err != nil {
			b.Fatal(err)
		}
		rows += page.Rows()
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
}
