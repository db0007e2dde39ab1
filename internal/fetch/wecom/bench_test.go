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

const benchFigures = `{"new_chat_cnt":1,"chat_total":12,"chat_has_msg":9,"new_member_cnt":34,"member_total":1480,"member_has_msg":77,"msg_total":642}`

// BenchmarkReadByOwner reads one day of 100 owners.
func BenchmarkReadByOwner(b *testing.B) {
	q := oneDay
	q.Owners = nil
	var body strings.Builder
	body.WriteString(`{"errcode":0,"errmsg":"ok","total":100,"next_offset":100,"items":[`)
	for i := range 100 {
		if i > 0 {
			body.WriteByte(',')
		}
		q.Owners = append(q.Owners, fmt.Sprintf("staff.%04d", i))
		fmt.Fprintf(&body, `{"owner":%q,"data":%s}`, q.Owners[i], benchFigures)
	}
	body.WriteString("]}")
	benchStats(b, body.String(), q, 100)
}

// BenchmarkReadByDay reads 30 days of one owner.
func BenchmarkReadByDay(b *testing.B) {
	c := testClient(b, "http://vendor.invalid")
	var body strings.Builder
	body.WriteString(`{"errcode":0,"errmsg":"ok","items":[`)
	for i := range 30 {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"stat_time":%d,"data":%s}`, oneMonth.From.Add(i).In(c.zone).Unix(), benchFigures)
	}
	body.WriteString("]}")
	benchStats(b, body.String(), oneMonth, 30)
}

func benchStats(b *testing.B, body string, q statQuestion, rows int) {
	b.Helper()
	c, text := testClient(b, "http://vendor.invalid"), []byte(body)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		_, page, err := c.readStats(text, q)
		if err != nil || len(page.OwnerStats) != rows {
			b.Fatal(len(page.OwnerStats), err)
		}
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

// BenchmarkReadResults reads a page of 1000 receivers.
func BenchmarkReadResults(b *testing.B) {
	var body strings.Builder
	body.WriteString(`{"errcode":0,"errmsg":"ok","send_list":[`)
	for i := range deliveryRowsMax {
		if i > 0 {
			body.WriteByte(',')
		}
		fmt.Fprintf(&body, `{"external_userid":"wmOgQhDgAAMYQiS5ol9G7gK9JV%06d","userid":"li.lei","status":1,"send_time":17179010%02d}`, i, i%100)
	}
	body.WriteString(`],"next_cursor":"tJzlB9tdqfh-g7i_J-ehOz_TWcd7dSKa39_AqCIeMFw"}`)
	text := []byte(body.String())
	c := testClient(b, "http://vendor.invalid")
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		_, page, err := c.readResults(text, liLeis)
		if err != nil || len(page.MessageResults) != deliveryRowsMax {
			b.Fatal(err)
		}
	}
	b.ReportMetric(deliveryRowsMax*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
