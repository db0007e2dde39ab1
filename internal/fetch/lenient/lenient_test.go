package lenient

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"
)

type person struct {
	ID    Text           `json:"userid"`
	Age   Int            `json:"age"`
	Extra jsontext.Value `json:",embed"`
}

type crowd struct {
	People Elements[person] `json:"people"`
	Names  Elements[Text]   `json:"names"`
	Head   Object[person]   `json:"head"`
	Extra  jsontext.Value   `json:",embed"`
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Text{
		`"a"`:                  {Value: "a", Set: true},
		`""`:                   {Set: true},
		`null`:                 {},
		`12`:                   {Value: "12", Set: true},
		`90071992547409930`:    {Value: "90071992547409930", Set: true},
		`true`:                 {Bad: jsontext.Value("true")},
		`{"a":1}`:              {Bad: jsontext.Value(`{"a":1}`)},
		`"a\u0000b"`:           {Value: "a\uFFFDb", Set: true},
		`"\ud800"`:             {Value: "\uFFFD", Set: true},
		`"\udc00\ud800"`:       {Value: "\uFFFD\uFFFD", Set: true},
		`"\ud83d\ude00"`:       {Value: "😀", Set: true},
		"\"\xff\"":             {Value: "\uFFFD", Set: true},
		"\"a\tb\nc\x00d\"":     {Value: "a\tb\nc\uFFFDd", Set: true},
		`"\\u0000 stays text"`: {Value: `\u0000 stays text`, Set: true},
	} {
		got, _, err := Decode[crowd]([]byte(`{"head":{"userid":` + in + `}}`))
		require.NoError(t, err, in)
		require.Equal(t, want, got.Head.Value.ID, in)
	}
}

func TestInt(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Int{
		`12`:                   {Value: 12, Set: true},
		`-1`:                   {Value: -1, Set: true},
		`12.0`:                 {Value: 12, Set: true},
		`1.2e1`:                {Value: 12, Set: true},
		`"12"`:                 {Value: 12, Set: true},
		`" 12 "`:               {Value: 12, Set: true},
		`"1\u0032"`:            {Value: 12, Set: true},
		`""`:                   {},
		`null`:                 {},
		`9223372036854775807`:  {Value: math.MaxInt64, Set: true},
		`9223372036854775808`:  {Bad: jsontext.Value("9223372036854775808")},
		`1e300`:                {Bad: jsontext.Value("1e300")},
		`12.5`:                 {Bad: jsontext.Value("12.5")},
		`"twelve"`:             {Bad: jsontext.Value(`"twelve"`)},
		`false`:                {Bad: jsontext.Value("false")},
		`[12]`:                 {Bad: jsontext.Value("[12]")},
		`"9007199254740993.0"`: {Bad: jsontext.Value(`"9007199254740993.0"`)},
		`"9007199254740991.0"`: {Value: 9007199254740991, Set: true},
	} {
		got, _, err := Decode[crowd]([]byte(`{"head":{"age":` + in + `}}`))
		require.NoError(t, err, in)
		require.Equal(t, want, got.Head.Value.Age, in)
	}
}

func TestElements(t *testing.T) {
	t.Parallel()
	body := "\xEF\xBB\xBF" + `{"people" : [ {"userid":"a","x":1} , 5,null,{"userid":[1]}], "names":["a",7,null,{}], "head":[]}`
	got, text, err := Decode[crowd]([]byte(body))
	require.NoError(t, err)
	require.Len(t, got.People.Items, 4)
	var raws []string
	var bad []bool
	for i := range got.People.Items {
		raws = append(raws, string(got.People.Items[i].Raw(text)))
		bad = append(bad, got.People.Items[i].Bad)
	}
	require.Equal(t, []string{`{"userid":"a","x":1}`, `5`, `null`, `{"userid":[1]}`}, raws)
	require.Equal(t, []bool{false, true, true, false}, bad)
	require.Equal(t, `{"x":1}`, string(got.People.Items[0].Value.Extra))
	require.Equal(t, `[1]`, string(got.People.Items[3].Value.ID.Bad))
	require.Equal(t, "7", got.Names.Items[1].Value.Value)
	require.False(t, got.Names.Items[2].Value.Set)
	require.Equal(t, `{}`, string(got.Names.Items[3].Raw(text)))
	require.Equal(t, `[]`, string(got.Head.Bad))
}

func TestElementsAbsentNullAndWrong(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]Elements[person]{
		`{}`:              {},
		`{"people":null}`: {Set: true},
		`{"people":[]}`:   {Set: true},
		`{"people":"x"}`:  {Bad: jsontext.Value(`"x"`)},
	} {
		got, _, err := Decode[crowd]([]byte(in))
		require.NoError(t, err)
		require.Equal(t, want, got.People, in)
	}
}

func TestDecodeTakesOneObjectOnly(t *testing.T) {
	t.Parallel()
	for _, in := range []string{``, `null`, `[]`, `"x"`, `{`, `{}{}`, `<html>`, `{"people":[{}`, `{"a":1,}`, "{\"a\":\"\x01"} {
		_, _, err := Decode[crowd]([]byte(in))
		require.ErrorIs(t, err, ErrNotJSON, "%q", in)
	}
	got, _, err := Decode[crowd]([]byte(`{"HEAD":{"userId":"a"},"head":{"user_id":"b","userid":"c"}}`))
	require.NoError(t, err)
	require.Equal(t, "c", got.Head.Value.ID.Value, "the last of a name counts, in any case")
}

func TestExtra(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		``:                           ``,
		`{}`:                         ``,
		`{"b":1,"a":[ 1 , {} ]}`:     `{"a":[1,{}],"b":1}`,
		`{"b":{"d":1,"c":2}}`:        `{"b":{"c":2,"d":1}}`,
		`{"a":1,"a":2}`:              `{"a":2}`,
		`{"a\u0000":"\u0000"}`:       `{"a` + "\uFFFD" + `":"` + "\uFFFD" + `"}`,
		`{"a":"\\u0000"}`:            `{"a":"\\u0000"}`,
		`{"a":"\ud800x","b":null}`:   `{"a":"` + "\uFFFD" + `x","b":null}`,
		`{"a":1e400,"b":1e999999}`:   `{"a":1e400,"b":"1e999999"}`,
		`{"a":12345678901234567890}`: `{"a":12345678901234567890}`,
	} {
		require.Equal(t, want, string(Extra(jsontext.Value(in))), in)
	}
	deep := `{"a":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`
	got := Extra(jsontext.Value(deep))
	require.Contains(t, string(got), `"[[[[`)
	more := Extra(jsontext.Value(`{"z":true}`), Member{"a", jsontext.Value(`{ "x": 1 }`)}, Member{"none", nil})
	want := `{"a":{"x":1},"z":true}`
	require.Equal(t, want, string(more))
}

func TestIsID(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]bool{
		"wr1": true, "": false, "a\uFFFD": false, strings.Repeat("x", 256): true, strings.Repeat("x", 257): false,
	} {
		require.Equal(t, want, IsID(id), id)
	}
}

// requireStorable checks what PostgreSQL asks of jsonb.
func requireStorable(t *testing.T, extra []byte) {
	t.Helper()
	require.True(t, utf8.Valid(extra))
	dec := jsontext.NewDecoder(bytes.NewReader(extra)) // strict: UTF-8, surrogates, names
	for {
		token, err := dec.ReadToken()
		if err != nil {
			break
		}
		if token.Kind() == jsontext.KindString {
			require.NotContains(t, token.String(), "\x00")
		}
		if token.Kind() == jsontext.KindNumber {
			require.True(t, storable(jsontext.Value(token.String())))
		}
		require.LessOrEqual(t, dec.StackDepth(), depthMax+2)
	}
	require.True(t, jsontext.Value(extra).IsValid())
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		`{"people":[{"userid":"a","age":"1","z":{"y":[1,2]}},5],"names":["a"],"head":{"userid":1}}`,
		`{"people":[{"userid":"\ud800","a":"\u0000","a":1e999999}]}`,
		"\xEF\xBB\xBF{\"x\":\"\x00\xff\",\"people\":null}",
		`{"x":"\\u0000\"\u0000","deep":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}`,
		"{\"x\":\"a\\\nb\"}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, text, err := Decode[crowd](body)
		if err != nil {
			require.ErrorIs(t, err, ErrNotJSON)
			return
		}
		for i := range got.People.Items {
			e := &got.People.Items[i]
			raw := jsontext.Value(e.Raw(text))
			require.True(t, raw.IsValid(decoding), "%q", raw)
			require.Equal(t, !e.Bad, raw.Kind() == jsontext.KindBeginObject)
			require.Equal(t, Clean(e.Value.ID.Value), e.Value.ID.Value)
			requireExtra(t, e.Value.Extra, Member{"userid", e.Value.ID.Bad}, Member{"age", e.Value.Age.Bad})
		}
		for i := range got.Names.Items {
			require.True(t, jsontext.Value(got.Names.Items[i].Raw(text)).IsValid(decoding))
		}
		requireExtra(t, got.Extra, Member{"head", got.Head.Bad})
	})
}

func requireExtra(t *testing.T, unknown jsontext.Value, more ...Member) {
	t.Helper()
	extra := Extra(unknown, more...)
	if extra == nil {
		return
	}
	requireStorable(t, extra)
	require.Equal(t, string(extra), string(Extra(extra)), "canonical text is its own canonical text")
}

// An id that is no key of its record is one, or none, or what came in its place.
func TestTextAsID(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]struct {
		id  *string
		bad string
	}{
		`"li.lei"`:    {id: new("li.lei")},
		`12`:          {id: new("12")},
		`""`:          {},
		`null`:        {},
		`[1]`:         {bad: `[1]`},
		`"a\u0000\n"`: {bad: "\"a\uFFFD\\n\""},
	} {
		got, _, err := Decode[crowd]([]byte(`{"head":{"userid":` + in + `}}`))
		require.NoError(t, err, in)
		id, bad := got.Head.Value.ID.ID()
		require.Equal(t, want.id, id, in)
		require.Equal(t, want.bad, string(bad), in)
	}
}

func TestCanonical(t *testing.T) {
	t.Parallel()
	for raw, want := range map[string]string{
		` { "b" : 1, "a" : [ null , "x\u0000" ] } `: `{"a":[null,"x` + replacement + `"],"b":1}`,
		`"\ud800"`: `"` + replacement + `"`,
		`1e9999`:   `"1e9999"`,
		`2.50`:     `2.50`,
		`[]`:       `[]`,
	} {
		require.Equal(t, want, string(Canonical(jsontext.Value(raw))))
	}
}
