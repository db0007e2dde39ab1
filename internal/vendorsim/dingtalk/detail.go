package dingtalk

// readChat answers the read of one group: a POST without body, its id in the
// query.
func (s *Sim) readChat(c *call) ([]byte, refusal) {
	values, bad := s.params(c, "openConversationId")
	switch {
	case bad.code != "":
		return nil, bad
	case len(c.request.Body) > 0:
		return nil, invalid("the body is not empty")
	case values.Get("openConversationId") == "":
		return nil, invalid("openConversationId is required")
	}
	chat, ok := s.readable(values.Get("openConversationId"), c.at.Unix())
	if !ok {
		return nil, refusal{code: codeChat}
	}
	return s.tenant.chatFields(&chat, true), refusal{}
}

// readable is a group as it can be read at an instant.
func (s *Sim) readable(id string, at int64) (Chat, bool) {
	n, ok := s.tenant.chatNumber(id)
	if !ok {
		return Chat{}, false
	}
	row, ok := s.tenant.ledger.row(n, at)
	if !ok || row.gone(at*milli) && s.opt.Dissolved == DissolvedUnknown {
		return Chat{}, false
	}
	return s.tenant.chat(n, row, at), true
}

// readBatch answers "批量查询客户群".
func (s *Sim) readBatch(c *call) ([]byte, refusal) {
	var r struct {
		IDs []string `json:"openConversationIds"`
	}
	if _, bad := s.params(c); bad.code != "" {
		return nil, bad
	}
	if bad := decode(c.request.Body, &r, codeParameter); bad.code != "" {
		return nil, bad
	}
	if len(r.IDs) == 0 || len(r.IDs) > s.opt.BatchMax {
		return nil, invalid("openConversationIds is not valid")
	}
	var rows [][]byte
	for _, id := range r.IDs {
		chat, ok := s.readable(id, c.at.Unix())
		switch {
		case ok:
			rows = append(rows, s.tenant.chatFields(&chat, true))
		case !s.opt.BatchSkips:
			return nil, refusal{code: codeChat}
		}
	}
	o := newObject(noQuirks)
	o.raw("result", array(rows))
	return o.end(), refusal{}
}

// readSet answers the read of one group set. The code for a wrong id is not
// documented.
func (s *Sim) readSet(c *call) ([]byte, refusal) {
	values, bad := s.params(c, "openGroupSetId")
	if bad.code != "" {
		return nil, bad
	}
	t, at := s.tenant, c.at.Unix()
	n, ok := t.setNumber(values.Get("openGroupSetId"))
	if !ok || n >= uint64(len(t.setNumbers(at))) {
		return nil, invalid("openGroupSetId is not valid")
	}
	set := t.describeAll([]uint32{uint32(n)}, at)[0]
	return t.setFields(&set, true), refusal{}
}
