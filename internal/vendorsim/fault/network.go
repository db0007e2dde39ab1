package fault

import (
	"bytes"
	"compress/gzip"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"syncd/internal/vendorsim/serve"
)

// Network are the faults of what lies between a client and any vendor: gateway,
// drop, cut, stall, slow and huge. They strike at the endpoints on, huge at hugeOn,
// unless told otherwise. head begins a good answer, up to and with the comma after
// which huge puts a field.
func Network[C any](on, hugeOn []string, head string) []Kind[C] {
	return []Kind[C]{
		{Name: "gateway", Does: "something before the vendor answers in its place", On: on, Make: makeGateway[C]},
		{
			Name: "drop", Does: "the connection ends before the answer's header", On: on,
			Make: func(*Params) func() Strike[C] {
				return Always(func(_ C, v *serve.Verdict) { v.Drop = true })
			},
		},
		{Name: "cut", Does: "the body ends early", On: on, Make: makeCut[C]},
		{
			Name: "stall", Does: "the body stops halfway, and the connection stays open", On: on,
			Make: func(p *Params) func() Strike[C] {
				after := p.Count("after", 20, 0, math.MaxInt32, "bytes that come")
				return Always(func(_ C, v *serve.Verdict) { v.Cut, v.CutAfter, v.Stall = true, after, true })
			},
		},
		{
			Name: "slow", Does: "the answer comes late", On: on,
			Make: func(p *Params) func() Strike[C] {
				delay := p.Duration("delay", time.Hour, "how late, in real time")
				return Always(func(_ C, v *serve.Verdict) { v.Delay += delay })
			},
		},
		{
			Name: "huge", Does: "the body is longer than anyone should read", On: hugeOn,
			Make: func(p *Params) func() Strike[C] { return makeHuge[C](p, head) },
		},
	}
}

// Always is a strike without state.
func Always[C any](s Strike[C]) func() Strike[C] { return func() Strike[C] { return s } }

// EditBody is a strike that changes the body, whatever it is.
func EditBody[C any](change func([]byte) []byte) func() Strike[C] {
	return Always(func(_ C, v *serve.Verdict) {
		v.AddEdit(func(a *serve.Answer) { a.Body = change(a.Body) })
	})
}

const gatewayPage = "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n" +
	"<body><center><h1>502 Bad Gateway</h1></center><hr><center>nginx</center></body>\r\n</html>\r\n"

func makeGateway[C any](p *Params) func() Strike[C] {
	answer := serve.Answer{Header: http.Header{}}
	answer.Status = p.Count("status", http.StatusBadGateway, 200, 599, "the HTTP status")
	switch p.Choice("body", "what it sends", "html", "json", "nothing") {
	case "html":
		answer.Body = []byte(gatewayPage)
		answer.Header.Set("Content-Type", "text/html")
	case "json":
		answer.Body = []byte(`{"message":"no healthy upstream"}`)
	}
	if after := p.Count("retry-after", 0, 0, 1<<20, "seconds in a Retry-After header; 0 is no such header"); after > 0 {
		answer.Header.Set("Retry-After", strconv.Itoa(after))
	}
	return Always(func(_ C, v *serve.Verdict) { v.Give(answer) })
}

func makeCut[C any](p *Params) func() Strike[C] {
	after := p.Count("after", 20, 0, math.MaxInt32, "bytes that come")
	if p.Choice("as", "broken off under the length of the whole, or sent as if it were whole", "broken", "whole") == "broken" {
		return Always(func(_ C, v *serve.Verdict) { v.Cut, v.CutAfter = true, after })
	}
	return EditBody[C](func(body []byte) []byte { return body[:min(after, len(body))] })
}

// makeHuge fills a good answer up with a field of that size. It is made once.
func makeHuge[C any](p *Params, head string) func() Strike[C] {
	size := p.Count("bytes", 64<<20, 1, math.MaxInt32, "how long, once it is unpacked")
	packed := p.Choice("as", "how it is sent", "plain", "gzip") == "gzip"
	return func() Strike[C] {
		var answer *serve.Answer
		return func(_ C, v *serve.Verdict) {
			if answer == nil {
				answer = hugeAnswer(head+`"padding":"`, size, packed)
			}
			v.Give(*answer)
		}
	}
}

func hugeAnswer(head string, size int, packed bool) *serve.Answer {
	tail := `"}`
	if !packed {
		body := make([]byte, 0, len(head)+size+len(tail))
		body = append(body, head...)
		body = append(body, bytes.Repeat([]byte{'0'}, size)...)
		return &serve.Answer{Body: append(body, tail...)}
	}
	var body bytes.Buffer
	w, _ := gzip.NewWriterLevel(&body, gzip.BestSpeed) // the level is one of its own
	block := []byte(strings.Repeat("0", 1<<16))
	_, _ = w.Write([]byte(head)) // to memory
	for left := size; left > 0; left -= len(block) {
		_, _ = w.Write(block[:min(left, len(block))])
	}
	_, _ = w.Write([]byte(tail))
	_ = w.Close()
	return &serve.Answer{Header: http.Header{"Content-Encoding": {"gzip"}}, Body: body.Bytes()}
}

// badTexts are put before texts, as they stand in JSON.
var badTexts = map[string]string{
	"nul":       `\u0000`,
	"bare-nul":  "\x00", // no JSON either
	"surrogate": `\ud83d`,
	"utf8":      "\xff\xfe\xf0\x9f\x98",
}

// BadText reads which text PostgreSQL does not take and returns it as it stands in
// JSON.
func BadText(p *Params) string {
	return badTexts[p.Choice("text", "what they begin with", "nul", "bare-nul", "surrogate", "utf8")]
}

// BeginWith puts a text before the values of these members, wherever they stand.
func BeginWith(body []byte, text string, members ...string) []byte {
	for _, name := range members {
		begin := `"` + name + `":"`
		body = bytes.ReplaceAll(body, []byte(begin), []byte(begin+text))
	}
	return body
}
