package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/schedule"
	"syncd/internal/store/storetest"
)

// waitsOfJobs notes when jobs of River are inserted and when they begin.
const waitsOfJobs = `
	create schema evidence;
	create table evidence.job (id bigint, source text, stream text, what text, at timestamptz default clock_timestamp());
	create function evidence.note() returns trigger language plpgsql as $$
	begin
	    if tg_op = 'INSERT' then
	        insert into evidence.job values (new.id, new.args ->> 'source', new.args ->> 'stream', 'due');
	    elsif new.state = 'running' and old.state <> 'running' then
	        insert into evidence.job values (new.id, new.args ->> 'source', new.args ->> 'stream', 'began');
	    elsif old.state = 'running' and new.state <> 'running' then
	        insert into evidence.job values (new.id, new.args ->> 'source', new.args ->> 'stream', 'ended');
	    end if;
	    return null;
	end $$;
	create trigger note after insert or update on river.river_job for each row execute function evidence.note()`

// One tenant's vendor answers nothing, or nothing but errors. Every job of the
// other eleven gets a worker within one slice, and they are read again and again
// while the one hangs.
func TestOneTenantsTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault string
		// ended is how many slices of the bad tenant have to be over in the end.
		ended int
	}{
		"hangs":  {"stall", 1},
		"errors": {"gateway", 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dsn := storetest.DSN(t)
			pool, err := pgxpool.New(t.Context(), dsn)
			require.NoError(t, err)
			t.Cleanup(pool.Close)
			_, err = pool.Exec(t.Context(), waitsOfJobs)
			require.NoError(t, err)

			dir := t.TempDir()
			var text strings.Builder
			fmt.Fprintf(&text, "database_url: ${DSN}\ndata_dir: %s\nhttp: {listen: \"127.0.0.1:0\"}\nworkers: 4\nsources:\n", dir)
			var tenants []*soakTenant
			for i := range soakTenants {
				tenant := newSoakTenant(t, i, uint64(i))
				tenants = append(tenants, tenant)
				text.WriteString(tenant.source)
			}
			bad := tenants[0]
			require.NoError(t, bad.vendor.Arm(c.fault))
			s := &site{t: t, dsn: dsn, pool: pool, config: filepath.Join(dir, "syncd.yaml"), env: map[string]string{"DSN": dsn, "SOAK_SECRET": testSecret}}
			require.NoError(t, os.WriteFile(s.config, []byte(text.String()), 0o600))

			daemon := s.start("run")
			ctx, cancel := context.WithTimeout(t.Context(), 4*time.Minute)
			defer cancel()
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for met := false; !met; <-tick.C {
				require.NoError(t, pool.QueryRow(ctx, `
					select (select count(*) from evidence.job where source = $1 and what = 'ended') >= $2
					   and (select count(distinct source) from (
					          select source from sync.pass where source <> $1 and outcome = 'complete'
					           group by source, stream having count(*) >= 3) read) = 11`, bad.name, c.ended).Scan(&met))
			}
			require.NoError(t, daemon.cmd.Process.Signal(syscall.SIGTERM))
			require.Equal(t, exitOK, daemon.wait().code)

			wait := scalar[float64](s, `
				select extract(epoch from max(b.at - d.at))::float8
				  from evidence.job d
				  join lateral (select min(at) as at from evidence.job b where b.id = d.id and b.what = 'began') b on true
				 where d.what = 'due' and d.source <> $1`, bad.name)
			between := scalar[int](s, `
				select coalesce(max(n), 0)::int
				  from (select count(*) as n
				          from evidence.job d
				          join lateral (select min(at) as at from evidence.job b where b.id = d.id and b.what = 'began') b on true
				          join evidence.job x on x.source = $1 and x.what = 'began' and x.at > d.at and x.at < b.at
				         where d.what = 'due' and d.source <> $1
				         group by d.id) counted`, bad.name)
			slices := scalar[int](s, "select count(*) from evidence.job where source <> $1 and what = 'ended'", bad.name)
			t.Logf("the longest wait is %.2f s, in which %d slices of the bad one began; %d slices of the others", wait, between, slices)
			require.LessOrEqual(t, wait, 3*schedule.SliceMax.Seconds())
			require.LessOrEqual(t, between, 3*2, "a source that was served goes behind the others, and holds two workers of four")
			require.Zero(t, scalar[int](s, "select count(*) from sync.pass where source = $1 and outcome = 'complete'", bad.name))
		})
	}
}
