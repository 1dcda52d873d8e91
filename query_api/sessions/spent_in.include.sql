  AND ({spent_after:Nullable(DateTime('UTC'))} IS NULL OR session_id IN (
      SELECT session_id
      FROM amounts FINAL
      WHERE org_id = {org_id:String}
        AND bucket >= {spent_after:Nullable(DateTime('UTC'))}
        AND bucket < {spent_before:Nullable(DateTime('UTC'))}
        AND ({model:Nullable(String)} IS NULL OR has(models.model, {model:Nullable(String)}))
        AND (notEmpty(models) OR notEmpty(tools) OR prompts != 0 OR api_requests != 0 OR api_errors != 0
             OR lines_added != 0 OR lines_removed != 0 OR commits != 0 OR pull_requests != 0 OR active_ms != 0)))
