-- Wants nothing any more of subjects all of whose owners have been gone for long;
-- what was not read up to the day on which the last one went is lost. Those of which
-- somebody is back are wanted again, as if they were new.
-- $1 source  $2 stream  $3 vendor's day of today  $4 owners gone before this are
-- left out  $5 whether subjects are owners; otherwise batches of them
-- $6 days the window reaches back from today
-- Changes a row per subject that retires or is back. Scans the owners and the
-- coverage of the stream.
with known as (
    select case when $5 then o.owner_id else o.batch_no::text end as name,
           bool_and(o.gone_at is not null and o.gone_at <= $4) as gone,
           (max(o.gone_at) at time zone min(s.timezone))::date as gone_on
      from groupchat.owner o
      join sync.source s on s.source = o.source
     where o.source = $1
     group by 1
)
update sync.coverage c
   set retired_on = case when k.gone then $3::date end,
       first_seen_on = case when k.gone then c.first_seen_on else $3::date end,
       lost = c.lost + case when k.gone
                            then datemultirange(daterange(c.first_seen_on - $6::int,
                                                          greatest(k.gone_on + 1, c.first_seen_on - $6::int)))
                            else '{}' end - c.covered
  from known k
 where c.source = $1 and c.stream = $2 and k.gone = (c.retired_on is null)
   and k.name = case when $5 then c.subject else split_part(c.subject, '/', 1) end
