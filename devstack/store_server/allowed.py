"""What a statement may name: formats, table functions, engines, settings. Everything else is refused.

The lists hold what the product, its tests and the usual clients need. To allow one more, add its name here. First make
sure that it opens no file, no address and no program, and takes no SQL as text.
tests/integration/test_store_server_files.py tries every name of the engine.
"""

# Formats of results and data, in small letters: the engine ignores case. Clients read Native (clickhouse-connect),
# RowBinaryWithNamesAndTypes (JDBC), JSON, CSV, Arrow and Parquet; people read the rest. Formats that take a template or
# a schema from a file (Template, Protobuf, CapnProto, Avro, Regexp) are not here.
FORMATS = frozenset(
    """
    Native RowBinary RowBinaryWithNames RowBinaryWithNamesAndTypes Arrow ArrowStream Parquet TabSeparated
    TabSeparatedRaw TabSeparatedWithNames TabSeparatedWithNamesAndTypes TSV TSVRaw TSVWithNames TSVWithNamesAndTypes
    CSV CSVWithNames CSVWithNamesAndTypes JSON JSONCompact JSONEachRow JSONStringsEachRow JSONCompactEachRow JSONLines
    NDJSON LineAsString Values Markdown Vertical Null Pretty PrettyCompact
    """.lower().split()
)

# Table functions that make rows from nothing or from the statement itself, in small letters.
TABLE_FUNCTIONS = frozenset("numbers numbers_mt zeros zeros_mt generateseries generate_series values view".split())

# Functions of expressions that read files, call out, or take a format's name as a value. No statement may name them.
# (`format` is both a function of expressions and a table function; see `mentions`.)
FUNCTIONS_REFUSED = frozenset(
    """
    file formatrow formatrownonewline fuzzquery getclienthttpheader showcertificate aiclassify aiembed aiextract
    aifilter aigenerate airedact aisimilarity aitranslate
    """.split()
)

# Engines of tables and databases; views name none.
ENGINES = frozenset(
    """
    MergeTree ReplacingMergeTree SummingMergeTree AggregatingMergeTree CollapsingMergeTree
    VersionedCollapsingMergeTree CoalescingMergeTree Memory Null Atomic
    """.split()
)

# Settings of tables: those of the schema. None says where data lies.
TABLE_SETTINGS = frozenset(
    """
    fsync_after_insert fsync_part_directory min_bytes_for_wide_part old_parts_lifetime index_granularity
    non_replicated_deduplication_window
    """.split()
)

# Settings of statements: the bounds of a query, what it means and how it runs, writes, and the formats above. Those of
# a quorum and of other replicas have no effect on tables that do not replicate, as in ClickHouse.
SETTINGS = TABLE_SETTINGS | frozenset(
    """
    readonly max_execution_time timeout_overflow_mode max_memory_usage max_threads max_insert_threads max_block_size
    max_insert_block_size max_query_size max_result_rows max_result_bytes result_overflow_mode max_rows_to_read
    max_bytes_to_read read_overflow_mode max_bytes_before_external_group_by max_bytes_before_external_sort limit offset
    priority

    session_timezone extremes join_use_nulls transform_null_in final enable_analyzer allow_experimental_analyzer
    enable_shared_storage_snapshot_in_query optimize_aggregation_in_order optimize_read_in_order use_skip_indexes
    use_skip_indexes_if_final use_skip_indexes_if_final_exact_mode merge_tree_min_rows_for_concurrent_read
    merge_tree_min_bytes_for_concurrent_read merge_tree_min_read_task_size use_query_cache log_queries

    async_insert wait_for_async_insert insert_deduplicate deduplicate_insert insert_deduplication_token mutations_sync
    alter_sync insert_quorum insert_quorum_parallel insert_quorum_timeout lightweight_deletes_sync
    distributed_ddl_output_mode

    date_time_input_format date_time_output_format output_format_arrow_string_as_string
    output_format_json_quote_64bit_integers input_format_null_as_default input_format_skip_unknown_fields
    cast_string_to_dynamic_use_inference
    """.split()
)
