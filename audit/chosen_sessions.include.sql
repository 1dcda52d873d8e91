-- The sessions of one part of some days, or only some of these sessions.
WITH chosen AS
(
    SELECT
        org_id,
        session_id
    FROM sessions
    WHERE ({org_id:Nullable(String)} IS NULL OR org_id = {org_id:Nullable(String)})
      AND started_hour >= {since:DateTime('UTC')}
      AND started_hour < {until:DateTime('UTC')}
      AND sipHash64(session_id) % {parts:UInt32} = {part:UInt32}
      AND (empty({session_ids:Array(UUID)}) OR session_id IN {session_ids:Array(UUID)})
)
