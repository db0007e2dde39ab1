package vendorsim

import "time"

// paging is what requests that go on by cursor carry. 0 is what clients send for no
// limit.
type paging struct {
	Limit  int64  `json:"limit"`
	Cursor string `json:"cursor"`
}

// pageSize is how large the pages of an endpoint are: usual without a limit and, as
// the documents have it, with one that is larger than most.
type pageSize struct{ usual, most int64 }

// page is the part of a list that one answer holds, as indexes, and the next_cursor
// that it ends with, as a member of the answer after others.
type page struct {
	from, to int
	tail     string
}

// page cuts a list of so many rows to which rows are only ever added at the end.
// params tells requests apart that differ in more than limit and cursor. A full
// page is followed by another even if that is empty; the last one has an empty
// cursor or none.
func (s *Sim) page(c *call, asked paging, size pageSize, params uint64, rows int) (page, refusal) {
	if asked.Limit < 0 {
		return page{}, refusal{code: codeBadRequest}
	}
	from := cursor{params: mix(params ^ uint64(asked.Limit))}
	if asked.Cursor != "" {
		var bad refusal
		if from, bad = s.resume(asked.Cursor, from.params, c.at); bad.code != codeOK {
			return page{}, bad
		}
	}
	if c.list.hollow != 0 {
		return page{tail: nextCursor(s.hollowCursor(from, c.list.hollow, c.at))}, refusal{}
	}
	limit := asked.Limit
	if limit == 0 || limit > size.most {
		limit = size.usual
	}
	limit = c.list.apply(&from, limit, asked.Cursor != "")
	drawn := s.tenant.bits(drawCursor, from.params, from.next)
	if s.opt.Odd && limit > 1 && drawn%4 == 0 {
		limit -= int64(among(drawn>>8, int(limit/2+1)))
	}
	p := page{from: int(min(from.next, uint64(rows)))}
	p.to = min(p.from+int(limit), rows)
	switch {
	case p.to-p.from == int(limit):
		p.tail = nextCursor(s.tenant.seal(cursor{from.params, uint64(p.to), c.at}))
	case drawn>>32%2 == 0:
		p.tail = nextCursor("")
	}
	return p, refusal{}
}

func nextCursor(text string) string { return `,"next_cursor":` + string(appendString(nil, text)) }

// hollowCursor leads to the same place as the one that the page was asked with, and
// differs from it and from those of other n.
func (s *Sim) hollowCursor(from cursor, n int, now time.Time) string {
	from.born = now.Add(-time.Duration(n) * time.Second)
	return s.tenant.seal(from)
}

// answerList is a good answer whose rows are appended one by one.
func answerList[T any](list string, rows []T, tail string, appendRow func(dst []byte, row *T) []byte) []byte {
	body := make([]byte, 0, 128+160*len(rows))
	body = append(body, `{"errcode":0,"errmsg":"ok","`+list+`":[`...)
	for i := range rows {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendRow(body, &rows[i])
	}
	body = append(body, ']')
	body = append(body, tail...)
	return append(body, '}')
}
