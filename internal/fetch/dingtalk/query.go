package dingtalk

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Filter is how a condition compares (vendor page 客户群查询DSL语法说明).
type Filter string

// The filters. LT and GT leave out the value itself; whether BETWEEN does is not
// said.
const (
	FilterSearch  Filter = "SEARCH"
	FilterEqual   Filter = "EQ"
	FilterBelow   Filter = "LT"
	FilterAbove   Filter = "GT"
	FilterBetween Filter = "BETWEEN"
)

// Field is what a condition compares.
type Field string

// The fields.
const (
	FieldName    Field = "name"
	FieldOwner   Field = "ownerUserId"
	FieldCreated Field = "gmtCreate"
)

// Direction is the order of creation in which a list comes.
type Direction string

// The directions.
const (
	OldestFirst Direction = "ASC"
	NewestFirst Direction = "DESC"
)

var (
	filters    = []Filter{FilterSearch, FilterEqual, FilterBelow, FilterAbove, FilterBetween}
	fields     = []Field{FieldName, FieldOwner, FieldCreated}
	directions = []Direction{OldestFirst, NewestFirst}
)

// Query is a queryDsl: conditions that all hold, and an order. The zero Query is
// everything in an order that the vendor does not tell.
type Query struct {
	Conditions []Condition `json:"conditions,omitempty"`
	// Order is "" for none.
	Order Direction `json:"order,omitempty"`
}

// Condition is one comparison.
type Condition struct {
	Filter Filter `json:"filter"`
	Field  Field  `json:"field"`
	// Values is one text, for FilterBetween two. Those of FieldCreated are Unix
	// milliseconds in decimal.
	Values []string `json:"values"`
}

// CreatedSince holds for chats created at t or later, to the millisecond.
func CreatedSince(t time.Time) Condition {
	return Condition{FilterAbove, FieldCreated, []string{millis(t.UnixMilli() - 1)}}
}

// CreatedUntil holds for chats created at t or earlier, to the millisecond.
func CreatedUntil(t time.Time) Condition {
	return Condition{FilterBelow, FieldCreated, []string{millis(t.UnixMilli() + 1)}}
}

func millis(n int64) string { return strconv.FormatInt(n, 10) }

// And returns a query with more conditions.
func (q Query) And(more ...Condition) Query {
	q.Conditions = slices.Concat(q.Conditions, more)
	return q
}

// wireQuery and below are the grammar as it travels, in the vendor's order.
type wireQuery struct {
	Groups []wireGroup `json:"queryGroupList,omitempty"`
	Orders []wireOrder `json:"orderByFields,omitempty"`
}

type wireGroup struct {
	Logic      string          `json:"logicType"`
	Conditions []wireCondition `json:"queryObjectList"`
}

type wireCondition struct {
	Filter Filter         `json:"filterType"`
	Value  jsontext.Value `json:"value"`
	Field  Field          `json:"fieldId"`
}

type wireOrder struct {
	Field     Field     `json:"orderByFieldId"`
	Direction Direction `json:"orderByDirection"`
}

// logicAnd is the only way in which conditions combine.
const logicAnd = "AND"

// Encode returns the text of the query for the parameter queryDsl, not yet
// escaped for a URL; "" for the zero Query.
func (q Query) Encode() (string, error) {
	if len(q.Conditions) == 0 && q.Order == "" {
		return "", nil
	}
	if err := q.Validate(); err != nil {
		return "", err
	}
	var wire wireQuery
	if len(q.Conditions) > 0 {
		wire.Groups = []wireGroup{{Logic: logicAnd}}
	}
	for _, c := range q.Conditions {
		var value any = c.Values
		if c.Filter != FilterBetween {
			value = c.Values[0]
		}
		text, err := json.Marshal(value)
		if err != nil {
			return "", fmt.Errorf("encode a value: %w", err)
		}
		wire.Groups[0].Conditions = append(wire.Groups[0].Conditions, wireCondition{c.Filter, text, c.Field})
	}
	if q.Order != "" {
		wire.Orders = []wireOrder{{FieldCreated, q.Order}}
	}
	text, err := json.Marshal(wire)
	return string(text), err
}

// Validate names everything in the query that the grammar does not have.
func (q Query) Validate() error {
	var wrong []error
	for i, c := range q.Conditions {
		if err := c.validate(); err != nil {
			wrong = append(wrong, fmt.Errorf("condition %d: %w", i+1, err))
		}
	}
	if q.Order != "" {
		wrong = append(wrong, oneOf("orderByDirection", q.Order, directions))
	}
	return errors.Join(wrong...)
}

func (c Condition) validate() error {
	wrong := []error{oneOf("filterType", c.Filter, filters), oneOf("fieldId", c.Field, fields)}
	wanted := 1
	if c.Filter == FilterBetween {
		wanted = 2
	}
	if len(c.Values) != wanted {
		wrong = append(wrong, fmt.Errorf("%s takes %d value(s), not %d", c.Filter, wanted, len(c.Values)))
	}
	var last int64
	for i, v := range c.Values {
		if v == "" {
			wrong = append(wrong, errors.New("value is empty"))
		}
		if c.Field != FieldCreated {
			continue
		}
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil || n < 0 {
			wrong = append(wrong, fmt.Errorf("value %q is no time in Unix milliseconds", v))
		}
		if i > 0 && n < last {
			wrong = append(wrong, fmt.Errorf("values %s and %s are in the wrong order", c.Values[0], v))
		}
		last = n
	}
	if c.Field == FieldCreated && c.Filter == FilterSearch {
		wrong = append(wrong, fmt.Errorf("%s is for text, not for %s", c.Filter, c.Field))
	}
	return errors.Join(wrong...)
}

func oneOf[T ~string](what string, got T, known []T) error {
	if slices.Contains(known, got) {
		return nil
	}
	names := make([]string, len(known))
	for i, k := range known {
		names[i] = string(k)
	}
	return fmt.Errorf("%s %q is none of %s", what, got, strings.Join(names, ", "))
}

// ParseQuery reads a queryDsl as the vendor documents it and refuses what the
// grammar does not have, all of it at once. "" is the zero Query.
func ParseQuery(text string) (Query, error) {
	if strings.TrimSpace(text) == "" {
		return Query{}, nil
	}
	var wire wireQuery
	if err := json.Unmarshal([]byte(text), &wire, json.RejectUnknownMembers(true)); err != nil {
		return Query{}, fmt.Errorf("read as JSON: %w", err)
	}
	conditions, badGroups := readGroups(wire.Groups)
	order, badOrder := readOrder(wire.Orders)
	q := Query{Conditions: conditions, Order: order}
	if err := errors.Join(badGroups, badOrder); err != nil {
		return Query{}, err
	}
	if err := q.Validate(); err != nil {
		return Query{}, err
	}
	return q, nil
}

func readGroups(groups []wireGroup) ([]Condition, error) {
	if len(groups) > 1 {
		return nil, fmt.Errorf("queryGroupList has %d groups: how several combine is not documented, use one", len(groups))
	}
	var conditions []Condition
	var wrong []error
	for _, g := range groups {
		if g.Logic != logicAnd {
			wrong = append(wrong, fmt.Errorf("logicType %q is not %s", g.Logic, logicAnd))
		}
		for i, c := range g.Conditions {
			values, err := c.values()
			if err != nil {
				wrong = append(wrong, fmt.Errorf("condition %d: %w", i+1, err))
			}
			conditions = append(conditions, Condition{c.Filter, c.Field, values})
		}
	}
	return conditions, errors.Join(wrong...)
}

func readOrder(orders []wireOrder) (Direction, error) {
	switch len(orders) {
	case 0:
		return "", nil
	case 1:
		o := orders[0]
		return o.Direction, errors.Join(
			oneOf("orderByFieldId", o.Field, []Field{FieldCreated}), oneOf("orderByDirection", o.Direction, directions))
	}
	return "", fmt.Errorf("orderByFields has %d fields: %s is the only one to order by", len(orders), FieldCreated)
}

// values reads the value of a condition: text or a number, for BETWEEN an array
// of them.
func (c wireCondition) values() ([]string, error) {
	list := []jsontext.Value{c.Value}
	if c.Filter == FilterBetween {
		list = nil
		if err := json.Unmarshal(c.Value, &list); err != nil || c.Value.Kind() != jsontext.KindBeginArray {
			return nil, errors.New("the value of BETWEEN is an array of two")
		}
	}
	values := make([]string, 0, len(list))
	for _, v := range list {
		switch v.Kind() {
		case jsontext.KindString:
			unquoted, err := jsontext.AppendUnquote(nil, v)
			if err != nil {
				return nil, fmt.Errorf("read value: %w", err)
			}
			values = append(values, string(unquoted))
		case jsontext.KindNumber:
			values = append(values, string(v))
		default:
			return nil, errors.New("a value is text or a number")
		}
	}
	return values, nil
}

// ParseFilter reads a configured queryDsl that a list of ours is narrowed by: a
// [ParseQuery] without an order, for chats are listed oldest first.
func ParseFilter(text string) (Query, error) {
	q, err := ParseQuery(text)
	if err != nil {
		return Query{}, err
	}
	if q.Order != "" {
		return Query{}, errors.New("orderByFields cannot be set: chats are listed oldest first")
	}
	return q, nil
}
