package vendorsim

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
	mux.HandleFunc("GET /_sim/join_ways", func(w http.ResponseWriter, _ *http.Request) { s.replyJoinWays(w) })
	mux.HandleFunc("POST /_sim/tokens/expire", s.expireTokens)
	s.hiding(mux)
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

// replyMessages tells who was asked to send what, and who has.
func (s *Sim) replyMessages(w http.ResponseWriter) {
	type task struct {
		Sender string    `json:"userid"`
		Status int       `json:"status"`
		SentAt time.Time `json:"sent_at,omitzero"`
	}
	type message struct {
		ID          string    `json:"msgid"`
		ChatType    string    `json:"chat_type"`
		CreatedAt   time.Time `json:"created_at"`
		TasksAt     time.Time `json:"tasks_at"`
		CancelledAt time.Time `json:"cancelled_at,omitzero"`
		Tasks       []task    `json:"tasks"`
	}
	now := s.Now()
	messages := []message{}
	for m := range s.Messages(now) {
		if m.CreatedAt.Before(now.AddDate(0, 0, -30)) {
			continue
		}
		told := message{m.ID, m.ChatType, m.CreatedAt, m.TasksAt, m.CancelledAt, []task{}}
		for _, one := range s.Tasks(m.ID, now) {
			told.Tasks = append(told.Tasks, task{one.Sender, one.Status, one.SentAt})
		}
		messages = append(messages, told)
	}
	serve.Reply(w, messages)
}

// replyJoinWays tells the config_ids, which no vendor call does.
func (s *Sim) replyJoinWays(w http.ResponseWriter) {
	type way struct {
		ID        string    `json:"config_id"`
		State     string    `json:"state,omitempty"`
		ChatIDs   []string  `json:"chat_id_list"`
		DeletedAt time.Time `json:"deleted_at,omitzero"`
	}
	ways := []way{}
	for one := range s.JoinWays(s.Now()) {
		ways = append(ways, way{one.ID, one.State, one.ChatIDs, one.DeletedAt})
	}
	serve.Reply(w, ways)
}

func (s *Sim) expireTokens(w http.ResponseWriter, r *http.Request) {
	var want struct {
		As string `json:"as"`
	}
	if !serve.ReadControl(w, r, &want) {
		return
	}
	if want.As != "" && want.As != "expired" && want.As != "invalid" {
		http.Error(w, `"as" is "expired" or "invalid"`, http.StatusBadRequest)
		return
	}
	s.ExpireTokens(want.As == "invalid")
	w.WriteHeader(http.StatusNoContent)
}
