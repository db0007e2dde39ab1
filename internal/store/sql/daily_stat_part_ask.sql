-- What is stored of batches' days before their figures are written.
-- $1 source  $2 batch numbers  $3 oldest day  $4 newest day
-- Returns a row per known day and batch. Uses daily_stat_part_pkey.
select day, batch_no, hash
  from groupchat.daily_stat_part
 where source = $1 and day between $3 and $4 and batch_no = any ($2::int[])
