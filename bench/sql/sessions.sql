-- Made-up sessions of one org: spread evenly over {days} days, skewed over users, each of whom works in a few projects
-- with a few agents. Session `n` is the same in every run, except that session 0 has the id {session_zero}. With {older}
-- one in ten gets an earlier state, which no reader may show: versions of one session are then in several parts, as
-- behind a projector. {settled} sessions have version 0, and of equal versions the one inserted last counts. The three
-- sessions of a thread start within three hours.
INSERT INTO sessions
(
    org_id, started_hour, session_id, version, log_partition, created, thread_id, run_id, parent_id, relation,
    external_id, trigger, sensitive, user_id, project_id, repository_id, repo, remote_url, component, branch,
    agent_name, model, title, summary, started_at, last_event_at, ended_at, outcome, duration_ms,
    input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, cache_creation_1h_tokens, cost_nano, models,
    events, prompts, tool_calls, tool_errors, tasks, subagents, compactions, unknown_events, tools, redactions,
    first_prompts, search_text
)
WITH
    number AS n,
    (of, what) -> lower(hex(sipHash128(of, what))) AS digits,
    hex -> toUUID(concat(substring(hex, 1, 8), '-', substring(hex, 9, 4), '-4', substring(hex, 14, 3), '-8',
        substring(hex, 18, 3), '-', substring(hex, 21, 12))) AS id_of,
    toUInt32(pow((sipHash64(n, 1) % 1000000) / 1000000, 2) * {users:UInt32}) AS user,
    user * 7 + sipHash64(n, 2) % 2 AS project,
    user * 5 + sipHash64(n, 3) % 2 AS agent,
    sipHash64(n, 4) % 100 AS ending,
    sipHash64(n, 5) % 100 AS usage,
    arrayMap(i -> {words:Array(String)}[1 + toUInt32(pow((sipHash64(n, 6, i) % 1000000) / 1000000, 3)
        * length({words:Array(String)}))], range(4 + 14 * {prompts:UInt8})) AS spoken,
    ['claude-sonnet-4-5', 'claude-opus-4-5', 'claude-haiku-4-5', 'claude-sonnet-5'] AS names,
    if(usage < 95, names[1 + agent % 4], names[1 + usage % 4]) AS first_model,
    if(usage % 5 = 0, [first_model, 'claude-haiku-3-5'], [first_model]) AS used,
    if({older:Bool}, 1, 4) AS grown,
    arrayMap(name -> (name, 1000 + sipHash64(n, name, 1) % 60000 * grown, sipHash64(n, name, 2) % 9000 * grown,
        sipHash64(n, name, 3) % 400000 * grown, sipHash64(n, name, 4) % 50000 * grown, 0,
        toInt64(sipHash64(n, name, 5) % 900000000 * grown), 'reported'), used) AS totals,
    arrayMap(tool -> (tool, 1 + sipHash64(n, tool) % 40 * grown, toUInt64(sipHash64(n, tool) % 3), 1000 * grown),
        arraySlice(['Bash', 'Edit', 'Read', 'Grep', 'Write', 'Task'], 1, 1 + usage % 6)) AS tooled,
    fromUnixTimestamp64Milli(
        toUnixTimestamp64Milli({since:DateTime64(3, 'UTC')}) + toInt64(sipHash64(n - n % 3, 7) % ({days:UInt64} * 86400000 - 10800000)) + n % 3 * 3600000, 'UTC')
        AS began,
    toInt64(10000 + sipHash64(n, 8) % 3600000) AS lasted
SELECT
    {org_id:String},
    toStartOfHour(began),
    if(n = 0, {session_zero:UUID}, id_of(digits(n, 9))),
    if({settled:Bool}, 0, (n + 1) * 4 + grown),
    n % 4,
    true,
    id_of(digits(n - n % 3, 10)),
    id_of(digits(n, 11)),
    NULL,
    NULL,
    if(n % 10 = 0, concat('ext-', toString(n)), NULL),
    ['interactive', 'headless', 'scheduled'][1 + usage % 3],
    false,
    concat('user-', toString(user)),
    if(project % 13 = 12, NULL, concat('project-', toString(project % 40))),
    concat('repo_', toString(project % 40)),
    concat('acme/service-', toString(project % 40)),
    concat('git@github.com:acme/service-', toString(project % 40)),
    ['api', 'ui', 'jobs', 'reports'][1 + project % 4],
    if(usage < 40, 'main', concat('fix/', toString(sipHash64(n, 15) % 9000))),
    if(agent % 11 = 10, NULL, concat('agent-', toString(agent % 12))),
    first_model,
    arrayStringConcat(arraySlice(spoken, 1, 4), ' '),
    if({prompts:UInt8} > 0 AND ending < 92, arrayStringConcat(arraySlice(spoken, 5, 12), ' '), NULL),
    began,
    began + toIntervalMillisecond(lasted),
    if(ending < 92 AND NOT {older:Bool}, began + toIntervalMillisecond(lasted), NULL),
    if({older:Bool}, NULL, multiIf(ending < 70, 'success', ending < 80, 'failure', ending < 83, 'timeout',
        ending < 86, 'cancelled', NULL)),
    lasted,
    arraySum(totals.2),
    arraySum(totals.3),
    arraySum(totals.4),
    arraySum(totals.5),
    arraySum(totals.6),
    arraySum(totals.7),
    totals,
    20 + sipHash64(n, 16) % 400 * grown,
    1 + usage % 9,
    arraySum(tooled.2),
    arraySum(tooled.3),
    usage % 4,
    usage % 3,
    usage % 20 = 0,
    0,
    tooled,
    if(usage = 0, map('aws_access_key', 1), map()),
    arrayMap(i -> arrayStringConcat(arraySlice(spoken, 5 + 14 * i, 14), ' '), range({prompts:UInt8})),
    concat(' ', arrayStringConcat(spoken, ' '), ' ', ' acme service ', toString(project % 40), ' ')
FROM numbers({first:UInt64}, {count:UInt64})
WHERE NOT {older:Bool} OR sipHash64(n, 17) % 10 = 0
