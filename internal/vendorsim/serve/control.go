package serve

import (
	"fmt"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// requestBytesMax is far above any request that a vendor allows.
const requestBytesMax = 1 << 20

// ReadControl reads a control request, in which an empty body is {}; false when
// it has been refused.
func ReadControl(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestBytesMax))
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

// Reply answers a control request.
func Reply(w http.ResponseWriter, what any) {
	body, err := json.Marshal(what, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		http.Error(w, fmt.Sprintf("encode: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(append(body, '\n'))
}
