-- +goose Up
-- Nothing is wanted any more of an owner who has been gone for so long that every
-- day on which they were there has left the vendor's window.

alter table sync.coverage add column retired_on date;
comment on column sync.coverage.retired_on is 'Vendor''s day from which on nothing is wanted of the subject, as all its owners had been gone for 180 days; NULL while something is.';
comment on column sync.coverage.first_seen_on is 'Vendor''s day on which the subject was first seen, or was seen again after it had retired.';
comment on column sync.coverage.reread is 'Days that were read on reread_on, or are held and were refused on it.';
comment on column sync.coverage_state.first_seen_on is 'Vendor''s day on which the subject was first seen, or was seen again after it had retired.';

create or replace view sync.coverage_state as
select c.source, c.stream, c.subject, b.today, b.oldest, b.newest, c.first_seen_on, c.refused_code, c.retry_at,
       c.covered, l.lost, o.open * c.refused as refused,
       (o.open - c.refused) * datemultirange(daterange(b.oldest, b.oldest + 2)) as at_risk,
       o.open - c.refused - datemultirange(daterange(b.oldest, b.oldest + 2)) as pending
  from sync.coverage c
  join sync.source s on s.source = c.source
  join sync.stat_window w on w.source = c.source and w.stream = c.stream
 cross join lateral (select bi.clock() at time zone s.timezone as local) t
 cross join lateral (select t.local::date as today, t.local::date - w.days as oldest,
                            t.local::date - case when extract(hour from t.local) < w.ready_hour then 2 else 1 end
                                as newest) b
 cross join lateral (select c.lost + case when c.retired_on is null
                                           then datemultirange(daterange(c.first_seen_on - w.days,
                                                                         greatest(b.oldest, c.first_seen_on - w.days)))
                                           else '{}' end
                            - c.covered as lost) l
 cross join lateral (select case when c.retired_on is null
                                  then datemultirange(daterange(b.oldest, greatest(b.newest + 1, b.oldest)))
                                  else '{}' end - c.covered - l.lost as open) o;

-- +goose Down
create or replace view sync.coverage_state as
select c.source, c.stream, c.subject, b.today, b.oldest, b.newest, c.first_seen_on, c.refused_code, c.retry_at,
       c.covered, l.lost, o.open * c.refused as refused,
       (o.open - c.refused) * datemultirange(daterange(b.oldest, b.oldest + 2)) as at_risk,
       o.open - c.refused - datemultirange(daterange(b.oldest, b.oldest + 2)) as pending
  from sync.coverage c
  join sync.source s on s.source = c.source
  join sync.stat_window w on w.source = c.source and w.stream = c.stream
 cross join lateral (select bi.clock() at time zone s.timezone as local) t
 cross join lateral (select t.local::date as today, t.local::date - w.days as oldest,
                            t.local::date - case when extract(hour from t.local) < w.ready_hour then 2 else 1 end
                                as newest) b
 cross join lateral (select (c.lost + datemultirange(daterange(c.first_seen_on - w.days,
                                                               greatest(b.oldest, c.first_seen_on - w.days))))
                            - c.covered as lost) l
 cross join lateral (select datemultirange(daterange(b.oldest, greatest(b.newest + 1, b.oldest)))
                            - c.covered - l.lost as open) o;

comment on column sync.coverage_state.first_seen_on is 'Vendor''s day on which the subject was first seen.';
comment on column sync.coverage.reread is 'Days that were read on reread_on.';
comment on column sync.coverage.first_seen_on is 'Vendor''s day on which the subject was first seen.';
alter table sync.coverage drop column retired_on;
