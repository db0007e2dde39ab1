-- Lets the candidates of an approved pass through to confirmation.
-- $1 source  $2 stream  $3 pass_id
-- Returns their ids and the stream that confirms each. Uses candidate_pkey.
update sync.candidate
   set held = false
 where source = $1 and stream = $2 and pass_id = $3 and held
returning subject, confirmed_by
