package main

import (
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
)

// evidence is what triggers note of every transaction that commits: which lease it
// held, when it began, and by the server's own record when it was committed. What
// is rolled back leaves none.
type evidence struct{}

// install makes the triggers, on the passes and on every table of facts.
func (evidence) install(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	exec := func(sql string) {
		t.Helper()
		_, err := pool.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	exec(`
		create schema evidence;
		create table evidence.commit (
		    xid xid8, source text, stream text, lease text, began timestamptz, primary key (xid, source, stream));
		create function evidence.note_pass() returns trigger language plpgsql as $$
		begin
		    insert into evidence.commit
		    values (pg_current_xact_id(), new.source, new.stream, current_setting('application_name'), now())
		    on conflict do nothing;
		    return null;
		end $$;
		create function evidence.note_facts() returns trigger language plpgsql as $$
		declare its text := case when tg_op = 'DELETE' then old.source else new.source end;
		begin
		    insert into evidence.commit
		    values (pg_current_xact_id(), its, '', current_setting('application_name'), now())
		    on conflict do nothing;
		    return null;
		end $$;
		create trigger note after insert or update or delete on sync.pass for each row execute function evidence.note_pass()`)
	rows, err := pool.Query(t.Context(), "select tablename from pg_tables where schemaname = 'groupchat'")
	require.NoError(t, err)
	var tables []string
	for rows.Next() {
		var name string
		require.NoError(t, rows.Scan(&name))
		tables = append(tables, name)
	}
	require.NoError(t, rows.Err())
	require.NotEmpty(t, tables)
	for _, name := range tables {
		exec(fmt.Sprintf(`create trigger note after insert or update or delete on groupchat.%s
			for each row execute function evidence.note_facts()`, name))
	}
}

// fencedCommits are the transactions that committed to a stream, with the fence of
// the lease whose name they bore.
const fencedCommits = `
	with fenced as (
	    select xid, source, stream, began, pg_xact_commit_timestamp(xid::xid) as committed, lease,
	           nullif(substring(lease from '^syncd commit [0-9a-f]{16} ([0-9]+)$'), '')::bigint as fence
	      from evidence.commit
	     where stream <> '')`

// check proves from the notes that slices of one stream never committed beside each
// other, and that no fact was written without a lease of its source.
func (evidence) check(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	count := func(sql string) (n int) {
		t.Helper()
		require.NoError(t, pool.QueryRow(t.Context(), sql).Scan(&n), sql)
		return n
	}
	none := func(what, sql string) {
		t.Helper()
		require.Zero(t, count(sql), what)
	}
	none("commits without the lease of their stream", fencedCommits+`
		select count(*) from fenced where fence is null or lease <> sync.commit_name(source, stream, fence)`)
	none("facts without a lease of their source", `
		select count(*) from evidence.commit f
		 where stream = '' and not exists (
		       select from evidence.commit p where p.xid = f.xid and p.source = f.source and p.stream <> '' and p.lease = f.lease)`)
	none("commits whose time is not known", fencedCommits+`select count(*) from fenced where committed is null`)
	none("commits under an older lease after a newer one's, or beside it", fencedCommits+`,
		ordered as (
		    select *, max(fence) over w as newest_before, max(committed) over w as committed_before,
		           lag(fence) over (partition by source, stream order by committed, xid) as fence_before
		      from fenced
		    window w as (partition by source, stream order by committed, xid rows between unbounded preceding and 1 preceding))
		select count(*) from ordered
		 where fence < newest_before or fence > fence_before and began < committed_before`)
	commits := count(fencedCommits + `select count(*) from fenced`)
	leases := count(fencedCommits + `select count(distinct (source, stream, fence)) from fenced`)
	streams := count(fencedCommits + `select count(distinct (source, stream)) from fenced`)
	t.Logf("%d commits under %d leases of %d streams", commits, leases, streams)
	require.Greater(t, leases, streams, "no stream has changed hands")
}
