package rawjson_test

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/rawjson"
)

func FuzzAppendString(f *testing.F) {
	for _, s := range []string{"", "群\n\"\\", "\x00\x1f\u2028", "\xed\xa0\xbd", "\xff\xfe", "a\xed\xb8\x80b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := rawjson.AppendString([]byte("x"), s)
		require.Equal(t, byte('x'), text[0])
		var got string
		require.NoError(t, json.Unmarshal(text[1:], &got), "%q", text)
		if utf8.ValidString(s) {
			require.Equal(t, s, got)
		}
		o, ok := rawjson.Parse(append(append([]byte(`{"k":`), text[1:]...), '}'))
		require.True(t, ok)
		require.Equal(t, string(text[1:]), string(o["k"]), "kept byte for byte")
	})
}

func TestSurrogatesAreEscaped(t *testing.T) {
	t.Parallel()
	require.Equal(t, `"a\ud83d\ude00b"`, string(rawjson.AppendString(nil, "a\xed\xa0\xbd\xed\xb8\x80b")))
	require.Equal(t, "\"\xff\xed\"", string(rawjson.AppendString(nil, "\xff\xed")))
}

func TestObject(t *testing.T) {
	t.Parallel()
	o, ok := rawjson.Parse([]byte("{\"b\": [1, {\"x\":\"\xff\"}],\"a\":null}"))
	require.True(t, ok)
	rows, ok := o.List("b")
	require.True(t, ok)
	require.Len(t, rows, 2)
	o.SetList("b", append(rows, jsontext.Value("3")))
	require.Equal(t, "{\"a\":null,\"b\":[1,{\"x\":\"\xff\"},3]}", string(o.Text()))
	for _, name := range []string{"a", "c"} {
		_, ok = o.List(name)
		require.False(t, ok, name)
	}
	for _, text := range []string{"", "[]", "null", `{"a":`, "<html>"} {
		_, ok := rawjson.Parse([]byte(text))
		require.False(t, ok, text)
	}
}

func TestBending(t *testing.T) {
	t.Parallel()
	require.Equal(t, `{"a":"1","b":"2 \" 3","c":["-4",{}]}`, string(rawjson.QuoteNumbers([]byte(`{"a":1,"b":"2 \" 3","c":[-4,{}]}`))))
	got := rawjson.AddFields([]byte(`{"a":"{\"x\":1}","c":[{}]}`))
	require.True(t, json.Valid(got), string(got))
	var o struct {
		A     string
		Muted *bool
		C     []map[string]any
	}
	require.NoError(t, json.Unmarshal(got, &o))
	require.Equal(t, `{"x":1}`, o.A)
	require.NotNil(t, o.Muted)
	require.Contains(t, o.C[0], "limits")
}
