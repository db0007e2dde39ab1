package wecom

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// BenchmarkReadChats reads a list page of 1000 chats.
func BenchmarkReadChats(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"errcode":0,"errmsg":"ok","group_chat_list":[`)
	for i := range 1000 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"chat_id":"wrOgQhDgAAMYQiS5ol9G7gK9JV%06d","status":%d}`, i, i%4)
	}
	body.WriteString(`],"next_cursor":"tJzlB9tdqfh-g7i_J-ehOz_TWcd7dSKa39_AqCIeMFw"}`)
	text := []byte(body.String())
	c := testClient(b, "http://vendor.invalid")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		_, page, err := c.readChats(text)
		if err != nil || len(page.Chats) != 1000 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(1000*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkReadDetail reads a chat of 510 members.
func BenchmarkReadDetail(b *testing.B) {
	text, err := os.ReadFile("testdata/big.json")
	require.NoError(b, err)
	c := testClient(b, "http://vendor.invalid")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		_, page, err := c.readDetail(text, "wrTestChat0500")
		if err != nil || len(page.Details[0].Members) != 510 {
			b.Fatal(err)
		}
	}
	b.ReportMetric(510*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
