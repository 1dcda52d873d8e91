-- The amounts of an org in a range, with these names.
WHERE org_id = {org_id:String}
  AND bucket >= {since:DateTime('UTC')}
  AND bucket < {until:DateTime('UTC')}
  AND ({project_id:Nullable(String)} IS NULL OR project_id = {project_id:Nullable(String)})
  AND ({repo:Nullable(String)} IS NULL OR repo = {repo:Nullable(String)})
  AND ({agent_name:Nullable(String)} IS NULL OR agent_name = {agent_name:Nullable(String)})
  AND ({user_id:Nullable(String)} IS NULL OR user_id = {user_id:Nullable(String)})
