package dingtalk

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// query is a queryDsl that was understood.
type query struct {
	conditions []condition
	order      order
}

// order is how rows follow each other. The vendor's own is not documented; here
// it is that of the numbers, which follows neither time nor name.
type order int

const (
	orderNone order = iota
	orderAsc
	orderDesc
)

// condition holds for a row or does not.
type condition func(*subject) bool

// subject is a row as conditions see it. name is made when it is asked for.
type subject struct {
	createdMillis int64
	owner         func() string
	name          func() string
}

func (q *query) holds(row *subject) bool {
	for _, c := range q.conditions {
		if !c(row) {
			return false
		}
	}
	return true
}

type dslText struct {
	Groups []struct {
		Logic   *string `json:"logicType"`
		Objects []struct {
			Filter *string        `json:"filterType"`
			Field  *string        `json:"fieldId"`
			Value  jsontext.Value `json:"value"`
		} `json:"queryObjectList"`
	} `json:"queryGroupList"`
	Orders []struct {
		Field     *string `json:"orderByFieldId"`
		Direction *string `json:"orderByDirection"`
	} `json:"orderByFields"`
}

// The fields of fieldId.
const (
	fieldName    = "name"
	fieldOwner   = "ownerUserId"
	fieldCreated = "gmtCreate"
)

// filters says which filters a field takes: SEARCH is for texts, an order is for
// times. No document lists the pairs.
var filters = map[string]string{
	fieldName:    " SEARCH EQ ",
	fieldOwner:   " EQ ",
	fieldCreated: " EQ LT GT BETWEEN ",
}

// parseDSL reads a queryDsl to the letter of its grammar ("客户群查询DSL语法说明"): one
// group at most, as no document says what several mean, one order at most, values
// as texts. A filter that its field does not take is notSupportedFilterType, all
// else invalidParameter.
func (s *Sim) parseDSL(text string) (query, refusal) {
	var q query
	if text == "" {
		return q, refusal{}
	}
	var dsl dslText
	if err := json.Unmarshal([]byte(text), &dsl, json.RejectUnknownMembers(true)); err != nil {
		return q, invalid("queryDsl is not valid")
	}
	if len(dsl.Groups) > 1 || len(dsl.Orders) > 1 {
		return q, invalid("queryDsl holds too many groups")
	}
	for _, group := range dsl.Groups {
		if !is(group.Logic, "AND") || len(group.Objects) == 0 {
			return q, invalid("logicType is not valid")
		}
		for _, o := range group.Objects {
			if o.Filter == nil || o.Field == nil {
				return q, invalid("filterType and fieldId are required")
			}
			c, bad := s.condition(*o.Filter, *o.Field, o.Value)
			if bad.code != "" {
				return q, bad
			}
			q.conditions = append(q.conditions, c)
		}
	}
	for _, by := range dsl.Orders {
		switch {
		case is(by.Field, fieldCreated) && is(by.Direction, "ASC"):
			q.order = orderAsc
		case is(by.Field, fieldCreated) && is(by.Direction, "DESC"):
			q.order = orderDesc
		default:
			return q, invalid("orderByFields is not valid")
		}
	}
	return q, refusal{}
}

func is(text *string, want string) bool { return text != nil && *text == want }

func (s *Sim) condition(filter, field string, value jsontext.Value) (condition, refusal) {
	taken, known := filters[field]
	switch {
	case !known:
		return nil, invalid("fieldId is not valid")
	case !strings.Contains(taken, " "+filter+" "):
		return nil, refusal{code: codeFilter}
	case filter == "BETWEEN":
		return s.between(value)
	}
	var text string
	if json.Unmarshal(value, &text) != nil {
		return nil, invalid("value is not a string")
	}
	switch field {
	case fieldName:
		if filter == "SEARCH" {
			return func(row *subject) bool { return strings.Contains(row.name(), text) }, refusal{}
		}
		return func(row *subject) bool { return row.name() == text }, refusal{}
	case fieldOwner:
		if _, known := s.tenant.userNumber(text); !known {
			return nil, refusal{code: codeUser}
		}
		return func(row *subject) bool { return row.owner() == text }, refusal{}
	}
	at, ok := millis(text)
	if !ok {
		return nil, invalid("value is not valid")
	}
	switch filter {
	case "LT":
		return func(row *subject) bool { return row.createdMillis < at }, refusal{}
	case "GT":
		return func(row *subject) bool { return row.createdMillis > at }, refusal{}
	}
	return func(row *subject) bool { return row.createdMillis == at }, refusal{}
}

func (s *Sim) between(value jsontext.Value) (condition, refusal) {
	var texts []string
	if json.Unmarshal(value, &texts) != nil || len(texts) != 2 {
		return nil, invalid("value is not an array of two strings")
	}
	low, first := millis(texts[0])
	high, second := millis(texts[1])
	if !first || !second || low > high {
		return nil, invalid("value is not valid")
	}
	if s.opt.BetweenOpen {
		low, high = low+1, high-1
	}
	return func(row *subject) bool { return low <= row.createdMillis && row.createdMillis <= high }, refusal{}
}

// millis reads decimal milliseconds as the examples have them: digits alone.
func millis(text string) (int64, bool) {
	n, err := strconv.ParseUint(text, 10, 62)
	return int64(n), err == nil && text[0] != '+'
}
