-- Raises the watermark of a lane to what a chain has read to its end; under other
-- filters it begins anew.
-- $1 source  $2 stream  $3 lane  $4 scope  $5 watermark
-- Changes one row. Uses watermark_pkey.
insert into sync.watermark as w (source, stream, lane, scope, watermark)
values ($1, $2, $3, $4, $5)
on conflict (source, stream, lane) do update
   set scope = excluded.scope,
       watermark = case when w.scope = excluded.scope and isfinite(w.watermark)
                        then greatest(w.watermark, excluded.watermark) else excluded.watermark end
