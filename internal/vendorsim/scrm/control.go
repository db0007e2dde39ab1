package scrm

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
	mux.HandleFunc("POST /_sim/groups", s.insertOne)
	mux.HandleFunc("DELETE /_sim/groups", s.deleteOne)
	return mux
}

func (s *Sim) replyTenant(w http.ResponseWriter) {
	m := s.Moment()
	serve.Reply(w, struct {
		Now     time.Time `json:"now"`
		Changes int       `json:"changes"`
		Seed    uint64    `json:"seed"`
		Totals
	}{m.At, m.Changes, s.opt.Seed, s.Totals(m)})
}

// groupNamed is how control calls speak of one group.
type groupNamed struct {
	ChatID string `json:"chat_id"`
}

func (s *Sim) insertOne(w http.ResponseWriter, r *http.Request) {
	var in struct {
		groupNamed
		Name      string    `json:"name"`
		SalesID   int64     `json:"sales_id"`
		CreatedAt time.Time `json:"created_at"`
	}
	if !serve.ReadControl(w, r, &in) {
		return
	}
	id, err := s.Insert(Insertion{ChatID: in.ChatID, Name: in.Name, SalesID: in.SalesID, CreatedAt: in.CreatedAt})
	if err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	serve.Reply(w, groupNamed{id})
}

func (s *Sim) deleteOne(w http.ResponseWriter, r *http.Request) {
	var which groupNamed
	if !serve.ReadControl(w, r, &which) {
		return
	}
	if err := s.Delete(which.ChatID); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	serve.Reply(w, which)
}
