package vendorsim

import (
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strconv"
	"time"
)

// tokens are the access tokens of the one app. Within its life the same token is
// answered again with the same expires_in, and its life is not extended: so said
// vendor doc 91039 until 2020, and a client must not rely on the opposite.
type tokens struct {
	issued  uint64
	current string
	ends    time.Time
	// dead holds what a token that is no longer current is answered with.
	dead map[string]int
}

// issue returns the current token, a new one when there is none.
func (k *tokens) issue(t *tenant, now time.Time, ttl time.Duration) string {
	if k.current != "" && !now.Before(k.ends) {
		k.retire(codeTokenExpired)
	}
	if k.current == "" {
		k.issued++
		k.current, k.ends = t.token(k.issued), now.Add(ttl)
	}
	return k.current
}

// retire ends the current token; from now on it is answered with code.
func (k *tokens) retire(code int) {
	if k.current != "" {
		k.dead[k.current] = code
		k.current = ""
	}
}

// check returns the code for a call that carries this token.
func (k *tokens) check(token string, now time.Time) int {
	switch {
	case token == "":
		return codeNoToken
	case token != k.current:
		if code, known := k.dead[token]; known {
			return code
		}
		return codeBadToken
	case !now.Before(k.ends):
		return codeTokenExpired
	}
	return codeOK
}

// token is the n-th token: long, and with the characters real ones have.
func (t *tenant) token(n uint64) string {
	var raw []byte
	for i := range uint64(20) {
		raw = binary.BigEndian.AppendUint64(raw, t.bits(drawToken, n, i))
	}
	return base64.RawURLEncoding.EncodeToString(raw)
}

// getToken answers vendor doc 91039. An address that sent too many wrong secrets
// is refused even with the right one.
func (s *Sim) getToken(c *call, query url.Values) ([]byte, refusal) {
	corpID, secret := query.Get("corpid"), query.Get("corpsecret")
	s.mu.Lock()
	defer s.mu.Unlock()
	wrong := s.wrongSecrets[c.address]
	if wrong == nil {
		wrong = &window{length: time.Hour, max: s.opt.Limits.WrongSecrets}
		s.wrongSecrets[c.address] = wrong
	}
	switch {
	case wrong.blocked(c.service):
		return nil, refusal{code: codeTooOften}
	case corpID == "":
		return nil, refusal{code: codeNoCorpID}
	case secret == "":
		return nil, refusal{code: codeNoSecret}
	case corpID != s.opt.CorpID:
		return nil, refusal{code: codeBadCorpID}
	case secret != s.opt.Secret && !wrong.take(c.service):
		return nil, refusal{code: codeTooOften}
	case secret != s.opt.Secret:
		return nil, refusal{code: codeWrongSecret}
	}
	body := []byte(`{"errcode":0,"errmsg":"ok","access_token":`)
	body = appendString(body, s.tokens.issue(s.tenant, c.service, s.opt.TokenTTL))
	body = append(body, `,"expires_in":`...)
	body = strconv.AppendInt(body, int64(s.opt.TokenTTL/time.Second), 10)
	return append(body, '}'), refusal{}
}

// ExpireTokens ends the outstanding token. Calls with it are answered 42001, or
// 40014 when it is to be invalid.
func (s *Sim) ExpireTokens(invalid bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if invalid {
		s.tokens.retire(codeBadToken)
		return
	}
	s.tokens.retire(codeTokenExpired)
}
