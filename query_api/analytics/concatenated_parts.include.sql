-- Dimensions, tokens and cost of the parts of a bucket, at the end of an ARRAY JOIN. The flat views concatenate groups
-- and model groups the same way, but planning them takes 2 to 4 ms.
    arrayConcat(groups.project_id, model_groups.project_id) AS part_project,
    arrayConcat(groups.repo, model_groups.repo) AS part_repo,
    arrayConcat(groups.agent_name, model_groups.agent_name) AS part_agent,
    arrayConcat(groups.user_id, model_groups.user_id) AS part_user,
    arrayResize(model_groups.input_tokens, -parts) AS part_input_tokens,
    arrayResize(model_groups.output_tokens, -parts) AS part_output_tokens,
    arrayResize(model_groups.cache_read_tokens, -parts) AS part_cache_read_tokens,
    arrayResize(model_groups.cache_creation_tokens, -parts) AS part_cache_creation_tokens,
    arrayResize(model_groups.cost_nano, -parts) AS part_cost_nano
