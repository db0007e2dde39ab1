package dingtalk

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
)

const (
	chatsPageMax = 100
	setsPageMax  = 10
)

// listRequest is what both lists take.
type listRequest struct {
	personal bool
	limit    int
	token    string
	query    query
	params   uint64
}

// listParams reads the query of a list. A parameter that the vendor does not know
// is refused, which it is not known to do: it is how a misspelt one shows.
func (s *Sim) listParams(c *call, pageMax int, sizeRequired bool) (listRequest, refusal) {
	values, bad := s.params(c, "relationType", "maxResults", "nextToken", "queryDsl")
	if bad.code != "" {
		return listRequest{}, bad
	}
	r := listRequest{limit: pageMax, token: values.Get("nextToken")}
	switch values.Get("relationType") {
	case RelationCustomer:
	case RelationPersonal:
		r.personal = true
	default:
		return r, invalid("relationType is not valid")
	}
	if size := values.Get("maxResults"); size != "" || sizeRequired {
		n, err := strconv.Atoi(size)
		if err != nil || n < 1 || n > pageMax {
			return r, invalid("maxResults is not valid")
		}
		r.limit = n
	}
	r.query, bad = s.parseDSL(values.Get("queryDsl"))
	r.params = fingerprint(c.request.Endpoint, values.Get("relationType"), values.Get("maxResults"), values.Get("queryDsl"))
	return r, bad
}

// params are those of the URL, each of them known and there once.
func (s *Sim) params(c *call, known ...string) (url.Values, refusal) {
	values, err := url.ParseQuery(c.request.URL.RawQuery)
	if err != nil {
		return nil, invalid("the query is not valid")
	}
	for name, list := range values {
		if !slices.Contains(known, name) || len(list) != 1 {
			return nil, invalid(name + " is not valid")
		}
	}
	return values, refusal{}
}

// listChats answers "查询客户群列表".
func (s *Sim) listChats(c *call) ([]byte, refusal) {
	r, bad := s.listParams(c, chatsPageMax, true)
	if bad.code != "" {
		return nil, bad
	}
	p, bad := s.cut(c, s.chatListing(c, &r), codeParameter)
	if bad.code != "" {
		return nil, bad
	}
	rows, _ := s.tenant.ledger.at(c.at.Unix())
	bodies := make([][]byte, len(p.rows))
	for i, n := range p.rows {
		chat := s.tenant.chat(uint64(n), rows[n], c.at.Unix())
		bodies[i] = s.tenant.chatFields(&chat, false)
	}
	return s.listBody(c, &p, bodies), refusal{}
}

// chatListing finds the groups that a list holds, in its order.
func (s *Sim) chatListing(c *call, r *listRequest) listing {
	t, at := s.tenant, c.at.Unix()
	rows, byTime := t.ledger.at(at)
	lag := s.opt.ListLag.Milliseconds()
	var found []uint32
	for k := range byTime {
		n := byTime[k]
		switch r.query.order {
		case orderDesc:
			n = byTime[len(byTime)-1-k]
		case orderNone:
			n = uint32(k)
		}
		row := &rows[n]
		if c.list.unlisted != nil && c.list.unlisted(uint64(n)) {
			continue
		}
		if row.personal != r.personal || !row.born(at*milli, lag) || row.gone(at*milli) && s.opt.Dissolved != DissolvedListed {
			continue
		}
		if len(r.query.conditions) == 0 || r.query.holds(t.subject(uint64(n), row, at)) {
			found = append(found, n)
		}
	}
	l := listing{params: r.params, token: r.token, limit: r.limit, rows: found}
	if s.opt.Offsets {
		return l
	}
	l.compare = cmp.Compare[uint32]
	switch r.query.order {
	case orderAsc:
		l.compare = byCreated(rows)
	case orderDesc:
		l.compare = reversed(byCreated(rows))
	}
	return l
}

func (t *tenant) subject(n uint64, row *ledgerRow, at int64) *subject {
	at = min(at, row.dissolvedMillis/milli-1)
	return &subject{
		createdMillis: row.createdMillis,
		owner:         func() string { return t.userID(t.owner(n, at)) },
		name:          func() string { return t.chatName(n, at) },
	}
}

// listBody writes a page. An odd tenant leaves an empty list out.
func (s *Sim) listBody(c *call, p *page, rows [][]byte) []byte {
	o := newObject(noQuirks)
	if len(rows) > 0 || !s.opt.Odd {
		o.raw("resultList", array(rows))
	}
	s.pageFields(o, c, p)
	o.number("totalCount", int64(p.total))
	return o.end()
}

// listSets answers the list of group sets. A page holds at most 10; which size is
// the default is not documented, here it is that.
func (s *Sim) listSets(c *call) ([]byte, refusal) {
	r, bad := s.listParams(c, setsPageMax, false)
	if bad.code != "" {
		return nil, bad
	}
	t, at := s.tenant, c.at.Unix()
	var found []uint32
	created := func(a, b uint32) int {
		return cmp.Or(cmp.Compare(t.setCreated(uint64(a)), t.setCreated(uint64(b))), cmp.Compare(a, b))
	}
	for _, n := range t.setNumbers(at) {
		if setPersonal(uint64(n)) != r.personal {
			continue
		}
		set := t.describe(uint64(n), at)
		if r.query.holds(&subject{
			createdMillis: t.setCreated(uint64(n)) * milli,
			owner:         func() string { return set.Owner.ID },
			name:          func() string { return set.Name },
		}) {
			found = append(found, n)
		}
	}
	l := listing{params: r.params, token: r.token, limit: r.limit, rows: found, compare: cmp.Compare[uint32]}
	switch r.query.order {
	case orderAsc:
		l.compare = created
	case orderDesc:
		l.compare = reversed(created)
	}
	slices.SortFunc(l.rows, l.compare)
	if s.opt.Offsets {
		l.compare = nil
	}
	p, bad := s.cut(c, l, codeParameter)
	if bad.code != "" {
		return nil, bad
	}
	var bodies [][]byte
	for _, set := range t.describeAll(p.rows, at) {
		bodies = append(bodies, t.setFields(&set, false))
	}
	return s.listBody(c, &p, bodies), refusal{}
}
