package dingtalk

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// TestSampleQuery: the typed parts make the vendor's own example, to the byte.
func TestSampleQuery(t *testing.T) {
	t.Parallel()
	text := sample(t, "query_dsl.json")
	want := Query{Conditions: []Condition{
		{FilterSearch, FieldName, []string{"测试客户群"}}, {FilterBelow, FieldCreated, []string{"2640002249001"}},
	}, Order: OldestFirst}
	q, err := ParseQuery(text)
	require.NoError(t, err)
	require.Equal(t, want, q)
	var compact bytes.Buffer
	require.NoError(t, json.Compact(&compact, []byte(text)))
	got, err := want.Encode()
	require.NoError(t, err)
	require.Equal(t, compact.String(), got)
}

func TestBoundsOfAQuery(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1640239655539).Add(700 * time.Microsecond)
	for want, c := range map[string]Condition{
		"1640239655538": CreatedSince(at),
		"1640239655540": CreatedUntil(at),
	} {
		require.Equal(t, []string{want}, c.Values, "%s is strict, so the millisecond itself is in", c.Filter)
	}
	text, err := Query{Conditions: []Condition{
		ownedBy("li.lei"), {FilterBetween, FieldCreated, []string{"1640239655539", "1640239655539"}},
	}, Order: NewestFirst}.Encode()
	require.NoError(t, err)
	require.JSONEq(t, `{"queryGroupList":[{"logicType":"AND","queryObjectList":[
		{"filterType":"EQ","value":"li.lei","fieldId":"ownerUserId"},
		{"filterType":"BETWEEN","value":["1640239655539","1640239655539"],"fieldId":"gmtCreate"}]}],
		"orderByFields":[{"orderByFieldId":"gmtCreate","orderByDirection":"DESC"}]}`, text)
	text, err = Query{}.Encode()
	require.NoError(t, err)
	require.Empty(t, text)
}

func TestQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	group := func(conditions string) string {
		return `{"queryGroupList":[{"logicType":"AND","queryObjectList":[` + conditions + `]}]}`
	}
	for name, tc := range map[string]struct {
		text string
		want []string
	}{
		"no JSON":          {`name = a`, []string{"read as JSON"}},
		"unknown member":   {`{"querygrouplist":[]}`, []string{"read as JSON", "querygrouplist"}},
		"two of a name":    {`{"orderByFields":[],"orderByFields":[]}`, []string{"read as JSON"}},
		"a tail":           {`{} {}`, []string{"read as JSON"}},
		"two groups":       {`{"queryGroupList":[{"logicType":"AND","queryObjectList":[]},{"logicType":"AND","queryObjectList":[]}]}`, []string{"2 groups"}},
		"another logic":    {`{"queryGroupList":[{"logicType":"OR","queryObjectList":[]}]}`, []string{`logicType "OR" is not AND`}},
		"no logic":         {`{"queryGroupList":[{"queryObjectList":[]}]}`, []string{`logicType "" is not AND`}},
		"unknown filter":   {group(`{"filterType":"GTE","value":"1","fieldId":"gmtCreate"}`), []string{`condition 1: filterType "GTE" is none of SEARCH, EQ, LT, GT, BETWEEN`}},
		"unknown field":    {group(`{"filterType":"EQ","value":"1","fieldId":"memberCount"}`), []string{`fieldId "memberCount" is none of name, ownerUserId, gmtCreate`}},
		"no field":         {group(`{"filterType":"EQ","value":"1"}`), []string{`fieldId "" is none of`}},
		"no value":         {group(`{"filterType":"EQ","fieldId":"name"}`), []string{"condition 1: a value is text or a number"}},
		"an empty value":   {group(`{"filterType":"EQ","value":"","fieldId":"name"}`), []string{"value is empty"}},
		"a list for EQ":    {group(`{"filterType":"EQ","value":["a"],"fieldId":"name"}`), []string{"a value is text or a number"}},
		"one for BETWEEN":  {group(`{"filterType":"BETWEEN","value":["1"],"fieldId":"gmtCreate"}`), []string{"BETWEEN takes 2 value(s), not 1"}},
		"text for BETWEEN": {group(`{"filterType":"BETWEEN","value":"1","fieldId":"gmtCreate"}`), []string{"the value of BETWEEN is an array of two"}},
		"null for BETWEEN": {group(`{"filterType":"BETWEEN","value":null,"fieldId":"gmtCreate"}`), []string{"the value of BETWEEN is an array of two"}},
		"objects":          {group(`{"filterType":"BETWEEN","value":[{},{}],"fieldId":"gmtCreate"}`), []string{"a value is text or a number"}},
		"the wrong order":  {group(`{"filterType":"BETWEEN","value":["20","10"],"fieldId":"gmtCreate"}`), []string{"values 20 and 10 are in the wrong order"}},
		"a date":           {group(`{"filterType":"GT","value":"2026-01-01","fieldId":"gmtCreate"}`), []string{`value "2026-01-01" is no time in Unix milliseconds`}},
		"a fraction":       {group(`{"filterType":"GT","value":1.5,"fieldId":"gmtCreate"}`), []string{`value "1.5" is no time`}},
		"before 1970":      {group(`{"filterType":"GT","value":"-1","fieldId":"gmtCreate"}`), []string{`value "-1" is no time`}},
		"a search of time": {group(`{"filterType":"SEARCH","value":"1","fieldId":"gmtCreate"}`), []string{"SEARCH is for text, not for gmtCreate"}},
		"all at once": {
			`{"queryGroupList":[{"logicType":"AND","queryObjectList":[{"filterType":"IN","value":"a","fieldId":"x"},{"filterType":"LT","value":"b","fieldId":"gmtCreate"}]}]}`,
			[]string{`condition 1: filterType "IN"`, `fieldId "x"`, `condition 2: value "b"`},
		},
		"order by name":     {`{"orderByFields":[{"orderByFieldId":"name","orderByDirection":"ASC"}]}`, []string{`orderByFieldId "name" is none of gmtCreate`}},
		"no direction":      {`{"orderByFields":[{"orderByFieldId":"gmtCreate"}]}`, []string{`orderByDirection "" is none of ASC, DESC`}},
		"another direction": {`{"orderByFields":[{"orderByFieldId":"gmtCreate","orderByDirection":"asc"}]}`, []string{`orderByDirection "asc" is none of ASC, DESC`}},
		"two orders": {
			`{"orderByFields":[{"orderByFieldId":"gmtCreate","orderByDirection":"ASC"},{"orderByFieldId":"gmtCreate","orderByDirection":"ASC"}]}`,
			[]string{"orderByFields has 2 fields"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q, err := ParseQuery(tc.text)
			for _, want := range tc.want {
				require.ErrorContains(t, err, want)
			}
			require.Empty(t, q)
		})
	}
	t.Run("an order in a filter", func(t *testing.T) {
		t.Parallel()
		_, err := ParseFilter(sample(t, "query_dsl.json"))
		require.ErrorContains(t, err, "orderByFields cannot be set")
		for _, text := range []string{"", " \n", "{}"} {
			q, err := ParseFilter(text)
			require.NoError(t, err)
			require.Empty(t, q)
		}
	})
	t.Run("numbers are taken as text", func(t *testing.T) {
		t.Parallel()
		q, err := ParseQuery(group(`{"filterType":"BETWEEN","value":[1640239655539,"1640239655540"],"fieldId":"gmtCreate"}`))
		require.NoError(t, err)
		require.Equal(t, []string{"1640239655539", "1640239655540"}, q.Conditions[0].Values)
	})
	t.Run("typed parts are checked, too", func(t *testing.T) {
		t.Parallel()
		_, err := Query{Conditions: []Condition{{Filter: "IN"}}, Order: "UP"}.Encode()
		require.ErrorContains(t, err, `filterType "IN"`)
		require.ErrorContains(t, err, `orderByDirection "UP"`)
		require.ErrorContains(t, err, "takes 1 value(s), not 0")
	})
}

// TestAQueryIsReadAsItWasWritten: the grammar has no query that is lost on the
// way.
func TestAQueryIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		q := Query{
			Conditions: rapid.SliceOfN(rapid.Custom(anyCondition), 0, 5).Draw(t, "conditions"),
			Order:      rapid.SampledFrom([]Direction{"", OldestFirst, NewestFirst}).Draw(t, "order"),
		}
		text, err := q.Encode()
		require.NoError(t, err)
		again, err := ParseQuery(text)
		require.NoError(t, err)
		if len(q.Conditions) == 0 {
			q.Conditions = nil
		}
		require.Equal(t, q, again)
	})
}

func ownedBy(id string) Condition { return Condition{FilterEqual, FieldOwner, []string{id}} }

func anyCondition(t *rapid.T) Condition {
	words := rapid.StringN(1, 12, -1)
	at := rapid.Custom(func(t *rapid.T) time.Time {
		return time.UnixMilli(rapid.Int64Range(1, 1<<42).Draw(t, "ms"))
	})
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return Condition{FilterSearch, FieldName, []string{words.Draw(t, "name")}}
	case 1:
		return ownedBy(words.Draw(t, "owner"))
	case 2:
		return CreatedSince(at.Draw(t, "since"))
	case 3:
		return CreatedUntil(at.Draw(t, "until"))
	}
	from := at.Draw(t, "from").UnixMilli()
	return Condition{FilterBetween, FieldCreated, []string{millis(from), millis(from + rapid.Int64Range(0, 1<<30).Draw(t, "span"))}}
}

// FuzzParseQuery: what is accepted is in the grammar and comes out the same.
func FuzzParseQuery(f *testing.F) {
	f.Add(sample(f, "query_dsl.json"))
	f.Add(`{"queryGroupList":[{"logicType":"AND","queryObjectList":[{"filterType":"BETWEEN","value":[1,"2"],"fieldId":"gmtCreate"}]}]}`)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := ParseQuery(text)
		if err != nil {
			require.Empty(t, q)
			return
		}
		require.NoError(t, q.Validate())
		out, err := q.Encode()
		require.NoError(t, err)
		again, err := ParseQuery(out)
		require.NoError(t, err)
		require.Equal(t, q, again)
	})
}
