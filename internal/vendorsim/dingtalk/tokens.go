package dingtalk

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
)

// tokens are the access tokens that work. The internal app has one at a time: asked
// for again within its life it is the same, and lives on from then. A suite gets a
// new one each time.
type tokens struct {
	issued uint64
	app    string
	corp   string // the last one
	ends   map[string]time.Time
}

// issueApp returns the internal app's token.
func (k *tokens) issueApp(t *tenant, now time.Time, ttl time.Duration) string {
	if !k.good(k.app, now) {
		k.app = k.fresh(t, now)
	}
	k.ends[k.app] = now.Add(ttl)
	return k.app
}

func (k *tokens) issueCorp(t *tenant, now time.Time, ttl time.Duration, one bool) string {
	if one {
		delete(k.ends, k.corp)
	}
	k.corp = k.fresh(t, now)
	k.ends[k.corp] = now.Add(ttl)
	return k.corp
}

// fresh makes a token and forgets those that have ended.
func (k *tokens) fresh(t *tenant, now time.Time) string {
	maps.DeleteFunc(k.ends, func(_ string, ends time.Time) bool { return !now.Before(ends) })
	k.issued++
	var raw []byte
	for i := range uint64(2) {
		raw = binary.BigEndian.AppendUint64(raw, t.bits(drawToken, k.issued, i))
	}
	return hex.EncodeToString(raw)
}

func (k *tokens) good(token string, now time.Time) bool { return now.Before(k.ends[token]) }

// ExpireTokens ends every outstanding token.
func (s *Sim) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.tokens.ends)
}

// appToken answers "获取企业内部应用的accessToken".
func (s *Sim) appToken(c *call) ([]byte, refusal) {
	var r struct {
		AppKey    string `json:"appKey"`
		AppSecret string `json:"appSecret"`
	}
	switch bad := decode(c.request.Body, &r, codeParameter); {
	case bad.code != "":
		return nil, bad
	case r.AppKey == "" || r.AppSecret == "":
		return nil, invalid("appKey and appSecret are required")
	case r.AppKey != s.opt.AppKey || r.AppSecret != s.opt.AppSecret:
		return nil, refusal{code: codeWrongSecret}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokenFields(s.tokens.issueApp(s.tenant, c.service, s.opt.TokenTTL)), refusal{}
}

// corpToken answers "获取定制应用的accessToken". Which code a wrong suiteSecret, corp
// or ticket gets is not documented.
func (s *Sim) corpToken(c *call) ([]byte, refusal) {
	var r struct {
		SuiteKey    string `json:"suiteKey"`
		SuiteSecret string `json:"suiteSecret"`
		CorpID      string `json:"authCorpId"`
		Ticket      string `json:"suiteTicket"`
	}
	switch bad := decode(c.request.Body, &r, codeParameter); {
	case bad.code != "":
		return nil, bad
	case r.SuiteKey == "" || r.SuiteSecret == "" || r.CorpID == "" || r.Ticket == "":
		return nil, invalid("suiteKey, suiteSecret, authCorpId and suiteTicket are required")
	case r.SuiteKey != s.opt.SuiteKey || r.SuiteSecret != s.opt.SuiteSecret:
		return nil, refusal{code: codeWrongSuite}
	case r.CorpID != s.opt.CorpID:
		return nil, invalid("authCorpId is not valid")
	case s.opt.SuiteTicket != "" && r.Ticket != s.opt.SuiteTicket:
		return nil, invalid("suiteTicket is not valid")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tokenFields(s.tokens.issueCorp(s.tenant, c.service, s.opt.TokenTTL, s.opt.OneCorpToken)), refusal{}
}

func (s *Sim) tokenFields(token string) []byte {
	o := newObject(noQuirks)
	o.text("accessToken", token)
	o.number("expireIn", int64(s.opt.TokenTTL/time.Second))
	return o.end()
}

// checkToken looks at the header. No other place for a token works. The caller
// holds mu.
func (s *Sim) checkToken(h http.Header, now time.Time) refusal {
	token := h.Get("x-acs-dingtalk-access-token")
	switch {
	case token == "":
		return refusal{code: codeNoToken}
	case !s.tokens.good(token, now):
		return refusal{code: codeAuthentication}
	}
	return refusal{}
}

// decode reads a request body. Unknown fields are refused, which the vendor is not
// known to do: they are how a misspelt one shows.
func decode(body []byte, into any, bad string) refusal {
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil {
		return refusal{code: bad, message: "the body is not valid"}
	}
	return refusal{}
}
