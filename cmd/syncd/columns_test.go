package main

import (
	"bytes"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// Columns stand straight where a character is two cells wide, or none.
func TestColumns(t *testing.T) {
	t.Parallel()
	tab := columns{right: []bool{false, true}}
	tab.add("name", "members", "owner")
	tab.add("华东🔥VIP交流群①", "500", "li")
	tab.add("e\u0301te\u0301", "7", "")
	tab.add("", "12", "韩梅梅")
	var out bytes.Buffer
	require.NoError(t, tab.print(&out))
	require.Equal(t, ""+
		"name              members  owner\n"+
		"华东🔥VIP交流群①      500  li\n"+
		"e\u0301te\u0301                     7\n"+
		"                       12  韩梅梅\n", out.String())
}

func TestPrintQuery(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 3})
	var out bytes.Buffer
	require.NoError(t, printQuery(t.Context(), s.pool, &out, `
		select * from (values ('群 一', 5, null::text, interval '90 s'), (E'b\n\tc', 10, 'x', interval '1 day')) as t (name, n, gone, age)`))
	require.Equal(t, ""+
		"name    n  gone  age\n"+
		"群 一   5        00:01:30\n"+
		"b c    10  x     1 day\n", out.String())
	require.ErrorContains(t, printQuery(t.Context(), s.pool, &out, "select * from nothing"), "query: ")
	require.ErrorContains(t, printQuery(t.Context(), s.pool, &out, "select 1 / (i - 2) from generate_series(1, 3) as i"), "division by zero")
}
