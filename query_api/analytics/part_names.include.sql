-- Filter by dimensions, where a `part` is a group or a model group of a bucket.
  AND ({project_id:Nullable(String)} IS NULL OR part.project_id = {project_id:Nullable(String)})
  AND ({repo:Nullable(String)} IS NULL OR part.repo = {repo:Nullable(String)})
  AND ({agent_name:Nullable(String)} IS NULL OR part.agent_name = {agent_name:Nullable(String)})
  AND ({user_id:Nullable(String)} IS NULL OR part.user_id = {user_id:Nullable(String)})
