-- The metric that was asked for, summed over parts: groups, and model groups for tokens and money.
    sum(multiIf(
        {metric:String} = 'sessions', part_sessions,
        {metric:String} = 'cost', part_cost_nano,
        {metric:String} = 'tokens', part_input_tokens + part_output_tokens
            + part_cache_read_tokens + part_cache_creation_tokens,
        {metric:String} = 'tool_calls', part_tool_calls,
        0))
