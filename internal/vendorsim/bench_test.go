package vendorsim

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// discard is a ResponseWriter that keeps nothing.
type discard struct{ header http.Header }

func (d discard) Header() http.Header         { return d.header }
func (d discard) Write(b []byte) (int, error) { return len(b), nil }
func (d discard) WriteHeader(int)             {}

func benchmarkCall(b *testing.B, c *client, endpoint, body string, rows int) {
	b.Helper()
	request := httptest.NewRequest(http.MethodPost, c.path(endpoint), nil)
	b.ReportAllocs()
	for b.Loop() {
		request.Body = io.NopCloser(strings.NewReader(body))
		c.sim.ServeHTTP(discard{http.Header{}}, request)
	}
	b.ReportMetric(float64(rows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}

var unlimited = Limits{PerMinute: -1, PerHour: -1, Concurrency: -1}

func BenchmarkListPage1000(b *testing.B) {
	c := newClient(b, Options{Chats: 100_000, Limits: unlimited})
	benchmarkCall(b, c, EndpointChatList, `{"limit":1000}`, 1000)
}

func BenchmarkListPageOneOwner(b *testing.B) {
	c := newClient(b, Options{Chats: 100_000, Limits: unlimited})
	benchmarkCall(b, c, EndpointChatList, `{"limit":1000,"owner_filter":{"userid_list":["`+c.sim.tenant.staffID(800)+`"]}}`, 1)
}

func BenchmarkDetail100(b *testing.B) {
	c := newClient(b, Options{Chats: 100_000, Limits: unlimited})
	for chat := range c.sim.Chats(c.sim.Now()) {
		if len(chat.Members) == 100 {
			benchmarkCall(b, c, EndpointChatGet, `{"need_name":1,"chat_id":"`+chat.ID+`"}`, 100)
			return
		}
	}
	b.Fatal("no chat of 100 members")
}

func BenchmarkIndex100000(b *testing.B) {
	c := newClient(b, Options{Chats: 100_000})
	at := c.sim.Now().Add(90 * 24 * time.Hour).Unix()
	for b.Loop() {
		c.sim.tenant.index(at)
	}
}

func BenchmarkMessagesOfAMonth(b *testing.B) {
	c := newClient(b, Options{Chats: 100_000, Limits: unlimited, GroupMessages: 20})
	body := fmt.Sprintf(`{"chat_type":"group","limit":100,"start_time":%d,"end_time":%d}`, c.ago(28).Unix(), c.ago(0).Unix())
	benchmarkCall(b, c, EndpointMessages, body, 100)
}

func BenchmarkResults(b *testing.B) {
	c := newClient(b, Options{Chats: 100_000, Limits: unlimited})
	now := c.sim.Now()
	m := c.message(func(m Message) bool { return m.ChatType == "group" })
	sender := c.sim.Tasks(m.ID, now)[0].Sender
	benchmarkCall(b, c, EndpointResults, `{"limit":1000,"msgid":"`+m.ID+`","userid":"`+sender+`"}`, len(c.sim.Results(m.ID, sender, now)))
}

func BenchmarkSpan100000(b *testing.B) {
	c := newClient(b, Options{Chats: 100_000})
	number := dayOf(c.sim.Now().Unix()) / spanDays
	for b.Loop() {
		c.sim.tenant.span(number)
	}
}
