package wecom

import (
	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
)

// envelope is in every answer.
type envelope struct {
	Errcode lenient.Int  `json:"errcode"`
	Errmsg  lenient.Text `json:"errmsg"`
}

// outcome reads the verdict of the vendor. JSON without one is not the vendor's:
// a gateway in between has answered, which passes.
func (e envelope) outcome() (outcome, error) {
	if !e.Errcode.Set {
		return outcome{}, &fetch.Error{
			Class: fetch.ClassTransient, Code: "no errcode", Message: "answer is JSON, but has no errcode",
		}
	}
	return outcome{code: e.Errcode.Value, message: e.Errmsg.Value}, nil
}
