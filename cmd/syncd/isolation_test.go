package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/store/storetest"
)

// waitsOfJobs notes when jobs of River are inserted and when they begin, and when
// a slice of a source begins.
const waitsOfJobs = `
	create schema evidence;
	create table evidence.job (id bigint, source text, what text, at timestamptz default clock_timestamp());
	create function evidence.note() returns trigger language plpgsql as $$
	begin
	    if tg_op = 'INSERT' then
	        insert into evidence.job values (new.id, new.args ->> 'source', 'due');
	    elsif new.state = 'running' and old.state <> 'running' then
	        insert into evidence.job values (new.id, new.args ->> 'source', 'began');
	    elsif old.state = 'running' and new.state <> 'running' then
	        insert into evidence.job values (new.id, new.args ->> 'source', 'ended');
	    end if;
	    return null;
	end $$;
	create trigger note after insert or update on river.river_job for each row execute function evidence.note();
	create function evidence.note_turn() returns trigger language plpgsql as $$
	begin
	    insert into evidence.job values (null, new.source, 'slice');
	    return null;
	end $$;
	create trigger note after insert or update of served_at on sync.source_health
	    for each row when (new.served_at is not null) execute function evidence.note_turn()`

// turnsInWaits counts, for the first wait of each job of the others, the slices of
// the bad source that began in it, and those of the job's own.
const turnsInWaits = `
	with waits as (
	    select d.id, d.source, d.at as due, min(b.at) as began
	      from evidence.job d
	      join evidence.job b on b.id = d.id and b.what = 'began'
	     where d.what = 'due' and d.source <> $1
	     group by d.id, d.source, d.at)
	select extract(epoch from w.began - w.due)::float8 as seconds,
	       (select count(*) from evidence.job x where x.what = 'slice' and x.source = $1 and x.at > w.due and x.at < w.began) as bad,
	       (select count(*) from evidence.job x where x.what = 'slice' and x.source = w.source and x.at > w.due and x.at < w.began) as own
	  from waits w`

var everySeconds = regexp.MustCompile(`@every \d+s`)

// One tenant's vendor answers nothing, or nothing but errors. The other eleven are
// read again and again meanwhile, and however slow the machine, whoever waits for a
// worker lets the bad one go first about once for each slice of its own.
func TestOneTenantsTroubleIsItsOwn(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		fault string
		// ended is how many jobs of the bad tenant have to be over in the end.
		ended int
	}{
		"hangs":  {"stall", 0},
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
				text.WriteString(everySeconds.ReplaceAllString(tenant.source, "@every 4s"))
			}
			bad := tenants[0]
			require.NoError(t, bad.vendor.Arm(c.fault))
			s := &site{t: t, dsn: dsn, pool: pool, config: filepath.Join(dir, "syncd.yaml"), env: map[string]string{"DSN": dsn, "SOAK_SECRET": testSecret}}
			require.NoError(t, os.WriteFile(s.config, []byte(text.String()), 0o600))

			daemon := s.start("run")
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
			defer cancel()
			tick := time.NewTicker(100 * time.Millisecond)
			defer tick.Stop()
			for met := false; !met; <-tick.C {
				require.NoError(t, pool.QueryRow(ctx, `
					select (select count(*) from evidence.job where source = $1 and what = 'slice') > 0
					   and (select count(*) from evidence.job where source = $1 and what = 'ended') >= $2
					   and (select count(distinct source) from (
					          select source from sync.pass where source <> $1 and outcome = 'complete'
					           group by source, stream having count(*) >= 3) read) = 11`, bad.name, c.ended).Scan(&met))
			}
			require.NoError(t, daemon.cmd.Process.Signal(syscall.SIGTERM))
			require.Equal(t, exitOK, daemon.wait().code)

			// Three times what turns come to: it may hold two workers, and begin a slice for
			// each of theirs.
			waits := rowsOf[struct {
				Seconds  float64
				Bad, Own int
			}](s, turnsInWaits, bad.name)
			require.NotEmpty(t, waits)
			worst := waits[0]
			for _, wait := range waits {
				worst.Seconds, worst.Bad, worst.Own = max(worst.Seconds, wait.Seconds), max(worst.Bad, wait.Bad), max(worst.Own, wait.Own)
				require.LessOrEqual(t, wait.Bad, 3*(wait.Own+2), "slices of the bad one while a job waited, which had %d of its own source go first", wait.Own)
			}
			t.Logf("%d jobs of the others have waited, at most %.2f s, %d slices of the bad one and %d of their own source",
				len(waits), worst.Seconds, worst.Bad, worst.Own)
			require.Zero(t, scalar[int](s, "select count(*) from sync.pass where source = $1 and outcome = 'complete'", bad.name))
		})
	}
}
