-- What the items of a stream lack, and which are too many. It goes on from a common
-- table wanted (subject, params, born_at, again): the records that the stream reads;
-- again says that one that is not due by itself is due now.
-- $1 source  $2 stream  $3 subjects that are wanted besides  $4 whether items of what
-- is not wanted are dropped
-- Defines lacking, with the columns of wanted, and surplus (subject). Reads the items
-- of the stream up to three times (item_pkey) and never an item for each record:
-- where the planner has no statistics yet it would be free to scan for each of them.
named as (
    select subject, params, born_at, again from wanted
    union
    select n.subject, null, null, false from unnest($3::text[]) as n (subject)
), lacking as (
    select subject, params, born_at, again from named
    except
    (select i.subject, i.params, i.born_at, false
       from sync.item i
      where i.source = $1 and i.stream = $2
     union all
     select i.subject, i.params, i.born_at, true
       from sync.item i
      where i.source = $1 and i.stream = $2 and i.due_at < 'infinity')
), surplus as (
    select i.subject from sync.item i where i.source = $1 and i.stream = $2 and $4::bool
    except
    select subject from named
)
