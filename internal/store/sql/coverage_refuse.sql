-- Notes days as refused. Days that are held stay so.
-- $1 source  $2 stream  $3 subject  $4 from  $5 to (inclusive)  $6 code
-- $7 when to ask again
-- Changes one row. Uses coverage_pkey.
update sync.coverage
   set refused = refused + (datemultirange(daterange($4::date, $5::date, '[]')) - covered),
       refused_code = $6, retry_at = greatest(retry_at, $7)
 where source = $1 and stream = $2 and subject = $3
