package web

import (
	"bytes"
	"context"
	_ "embed"
	"html/template"
	"math"
	"net/http"
	"strconv"
	"time"
)

// contentPolicy lets the page load its own style and nothing else.
const contentPolicy = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

//go:embed page.html
var pageText string

//go:embed style.css
var styleText []byte

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"ago": ago, "until": untilText, "percent": percentText,
}).Parse(pageText))

// view is what the page shows.
type view struct {
	Version string
	Facts   Facts
	// Known says that there are facts; Trouble says why there are none.
	Known   bool
	Trouble string
	Age     time.Duration
}

// page shows the facts of `syncd status`.
func (s *Server) page(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), scrapeMax)
	defer cancel()
	known := s.facts.get(ctx)
	v := view{Version: s.opts.Version, Facts: known.value, Known: known.err == nil && !known.at.IsZero()}
	switch {
	case known.err != nil:
		v.Trouble = s.opts.Scrub(known.err.Error())
	case !v.Known:
		v.Trouble = "the database takes its time"
	default:
		v.Age = time.Since(known.at)
	}
	var text bytes.Buffer
	if err := pageTemplate.Execute(&text, v); err != nil {
		http.Error(w, "the page cannot be made", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, _ = w.Write(text.Bytes())
}

func style(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	_, _ = w.Write(styleText)
}

// ago is a lag for people; negative for never.
func ago(d time.Duration) string {
	if d < 0 {
		return "never"
	}
	return d.Round(time.Second).String() + " ago"
}

// percentText never rounds up to what is not reached.
func percentText(p float64) string {
	return strconv.FormatFloat(math.Floor(p*10)/10, 'f', 1, 64) + " %"
}

// untilText is how far t is from now.
func untilText(now, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if d := t.Sub(now).Round(time.Second); d > 0 {
		return "in " + d.String()
	}
	return "due"
}
