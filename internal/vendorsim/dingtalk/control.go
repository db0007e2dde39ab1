package dingtalk

import (
	"net/http"
	"time"

	"syncd/internal/vendorsim/serve"
)

// controls are the endpoints under /_sim/, see the package comment.
func (s *Sim) controls() *http.ServeMux {
	mux := http.NewServeMux()
	s.clock.Controls(mux)
	s.front.Controls(mux)
	s.faults.Controls(mux)
	mux.HandleFunc("GET /_sim/tenant", func(w http.ResponseWriter, _ *http.Request) { s.replyTenant(w) })
	mux.HandleFunc("GET /_sim/messages", func(w http.ResponseWriter, _ *http.Request) { s.replyMessages(w) })
	mux.HandleFunc("POST /_sim/month", s.spendMonth)
	mux.HandleFunc("POST /_sim/tokens/expire", func(w http.ResponseWriter, _ *http.Request) {
		s.ExpireTokens()
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func (s *Sim) replyTenant(w http.ResponseWriter) {
	now := s.Now()
	serve.Reply(w, struct {
		Now  time.Time `json:"now"`
		Seed uint64    `json:"seed"`
		Totals
	}{now, s.opt.Seed, s.Totals(now)})
}

// replyMessages tells what the sender of the messages would hand on.
func (s *Sim) replyMessages(w http.ResponseWriter) {
	type row struct {
		Key    string    `json:"process_query_key"`
		ChatID string    `json:"open_conversation_id"`
		Robot  string    `json:"robot_code"`
		SentAt time.Time `json:"sent_at"`
	}
	rows := []row{}
	for _, m := range s.Messages(s.Now()) {
		rows = append(rows, row{m.Key, m.ChatID, m.RobotCode, m.SentAt})
	}
	serve.Reply(w, rows)
}

func (s *Sim) spendMonth(w http.ResponseWriter, r *http.Request) {
	var want struct {
		Spend int `json:"spend"`
	}
	if !serve.ReadControl(w, r, &want) {
		return
	}
	if want.Spend < 0 {
		http.Error(w, "calls are not given back", http.StatusBadRequest)
		return
	}
	s.SpendMonth(want.Spend)
	serve.Reply(w, struct {
		Calls int `json:"calls"`
	}{s.MonthlyCalls()})
}
