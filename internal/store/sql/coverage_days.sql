-- Lists the days of a stream that are held, wanted or lost.
-- $1 source  $2 stream
-- Returns a row per day, in order: day, number of subjects by state, the worst
-- state, when it leaves the window. Scans the coverage and the figures of the
-- stream.
select day, covered, empty, pending, at_risk, refused, lost, state, leaves_at
  from bi.coverage_day
 where source = $1 and stream = $2
 order by day
