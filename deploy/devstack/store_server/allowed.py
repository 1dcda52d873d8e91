"""What a statement may name: formats, table functions, engines, settings. Everything else is refused.

To allow one more, add its name here. Before you do, make sure that it opens no file, no address and no program, and
takes no SQL as text. The tests of canaries (tests/integration/test_store_server_files.py) try every name of the engine.
"""

# Formats, of results and of data, in small letters: the engine minds none. Clients read Native (clickhouse-connect),
# RowBinaryWithNamesAndTypes (JDBC), JSON and CSV; the rest is for people. Not here: formats with a template or a schema
# in a file (Template, Protobuf, CapnProto, Avro, Regexp), and those that no client of the store uses.
FORMATS = frozenset(
    """
    Native RowBinary RowBinaryWithNames RowBinaryWithNamesAndTypes RowBinaryWithDefaults Arrow ArrowStream Parquet
    TabSeparated TabSeparatedRaw TabSeparatedWithNames TabSeparatedWithNamesAndTypes TabSeparatedRawWithNames
    TabSeparatedRawWithNamesAndTypes TSV TSVRaw TSVWithNames TSVWithNamesAndTypes TSVRawWithNames
    TSVRawWithNamesAndTypes TSKV CSV CSVWithNames CSVWithNamesAndTypes JSON JSONStrings JSONColumns
    JSONColumnsWithMetadata JSONCompact JSONCompactStrings JSONCompactColumns JSONEachRow JSONStringsEachRow
    JSONLines JSONL NDJSON JSONEachRowWithProgress JSONStringsEachRowWithProgress JSONCompactEachRow
    JSONCompactEachRowWithNames JSONCompactEachRowWithNamesAndTypes JSONCompactStringsEachRow
    JSONCompactStringsEachRowWithNames JSONCompactStringsEachRowWithNamesAndTypes JSONCompactEachRowWithProgress
    JSONCompactStringsEachRowWithProgress JSONObjectEachRow JSONAsString JSONAsObject PrettyJSONEachRow
    PrettyJSONLines PrettyNDJSON LineAsString RawBLOB Values SQLInsert XML Markdown MD Vertical Null Pretty
    PrettyNoEscapes PrettyMonoBlock PrettyNoEscapesMonoBlock PrettyCompact PrettyCompactNoEscapes
    PrettyCompactMonoBlock PrettyCompactNoEscapesMonoBlock PrettySpace PrettySpaceNoEscapes PrettySpaceMonoBlock
    PrettySpaceNoEscapesMonoBlock
    """.lower().split()
)

# Table functions that make rows out of nothing, or out of the statement itself; in small letters.
TABLE_FUNCTIONS = frozenset("numbers numbers_mt zeros zeros_mt generateseries generate_series values view".split())

# Functions of expressions that read files, call out, or take the name of a format as a value. They may be named in no
# way. (`format` is one of expressions and a table function as well; see `mentions`.)
FUNCTIONS_REFUSED = frozenset(
    """
    file formatrow formatrownonewline fuzzquery getclienthttpheader showcertificate aiclassify aiembed aiextract
    aifilter aigenerate airedact aisimilarity aitranslate
    """.split()
)

# Engines of tables and databases. Views name none.
ENGINES = frozenset(
    """
    MergeTree ReplacingMergeTree SummingMergeTree AggregatingMergeTree CollapsingMergeTree
    VersionedCollapsingMergeTree CoalescingMergeTree Memory Null Atomic
    """.split()
)

# Settings of tables: what the schema sets, and what is often tuned beside it. None says where data lies.
TABLE_SETTINGS = frozenset(
    """
    fsync_after_insert fsync_part_directory min_bytes_for_wide_part min_rows_for_wide_part old_parts_lifetime
    index_granularity index_granularity_bytes allow_nullable_key ttl_only_drop_parts merge_with_ttl_timeout
    max_compress_block_size min_compress_block_size parts_to_delay_insert parts_to_throw_insert
    non_replicated_deduplication_window merge_max_block_size
    """.split()
)

# Bounds of a query, and what to do beyond them.
_BOUNDS = """
    readonly max_execution_time timeout_before_checking_execution_speed timeout_overflow_mode
    max_estimated_execution_time max_memory_usage max_threads max_final_threads max_insert_threads max_block_size
    max_insert_block_size min_insert_block_size_rows min_insert_block_size_bytes preferred_block_size_bytes
    max_query_size max_ast_depth max_ast_elements max_expanded_ast_elements max_parser_depth max_parser_backtracks
    max_subquery_depth max_result_rows max_result_bytes result_overflow_mode max_rows_to_read max_bytes_to_read
    read_overflow_mode max_rows_to_group_by group_by_overflow_mode max_rows_to_sort max_bytes_to_sort
    sort_overflow_mode max_rows_in_set max_bytes_in_set set_overflow_mode max_rows_in_join max_bytes_in_join
    join_overflow_mode max_rows_in_distinct max_bytes_in_distinct distinct_overflow_mode max_columns_to_read
    max_temporary_columns max_bytes_before_external_group_by max_bytes_before_external_sort
    max_bytes_ratio_before_external_group_by max_bytes_ratio_before_external_sort limit offset priority
"""

# What a query means, and how it runs.
_QUERIES = """
    session_timezone extremes totals_mode join_use_nulls join_algorithm join_default_strictness
    any_join_distinct_right_table_keys joined_subquery_requires_alias group_by_use_nulls union_default_mode
    intersect_default_mode except_default_mode aggregate_functions_null_for_empty
    empty_result_for_aggregation_by_empty_set transform_null_in cast_keep_nullable data_type_default_nullable
    prefer_column_name_to_alias enable_positional_arguments enable_named_columns_in_function_tuple
    count_distinct_implementation short_circuit_function_evaluation final enable_analyzer
    allow_experimental_analyzer enable_shared_storage_snapshot_in_query optimize_aggregation_in_order
    optimize_read_in_order optimize_move_to_prewhere optimize_move_to_prewhere_if_final optimize_use_projections
    optimize_trivial_count_query optimize_functions_to_subcolumns query_plan_optimize_lazy_materialization
    query_plan_max_limit_for_lazy_materialization do_not_merge_across_partitions_select_final use_skip_indexes
    use_skip_indexes_if_final use_skip_indexes_if_final_exact_mode use_skip_indexes_on_data_read
    merge_tree_min_rows_for_concurrent_read merge_tree_min_bytes_for_concurrent_read merge_tree_min_read_task_size
    force_index_by_date force_primary_key use_query_cache query_cache_ttl log_queries select_sequential_consistency
    load_balancing apply_mutations_on_fly apply_deleted_mask
"""

# How rows are written.
_WRITES = """
    async_insert wait_for_async_insert insert_deduplicate insert_deduplication_token deduplicate_insert
    deduplicate_insert_select optimize_on_insert
    insert_null_as_default mutations_sync alter_sync lightweight_deletes_sync enable_lightweight_delete
    allow_nondeterministic_mutations allow_suspicious_low_cardinality_types flatten_nested
    max_partitions_per_insert_block throw_on_max_partitions_per_insert_block
"""

# How results are written and data are read, in the formats above.
_OF_FORMATS = """
    date_time_input_format date_time_output_format output_format_arrow_string_as_string
    output_format_arrow_fixed_string_as_fixed_byte_array output_format_arrow_low_cardinality_as_dictionary
    output_format_arrow_compression_method output_format_parquet_string_as_string
    output_format_parquet_compression_method output_format_parquet_row_group_size
    output_format_binary_write_json_as_string input_format_binary_read_json_as_string
    output_format_native_write_json_as_string output_format_native_encode_types_in_binary_format
    input_format_native_decode_types_in_binary_format
    output_format_native_use_flattened_dynamic_and_json_serialization output_format_json_quote_64bit_integers
    output_format_json_quote_64bit_floats output_format_json_quote_decimals output_format_json_quote_denormals
    output_format_json_escape_forward_slashes output_format_json_named_tuples_as_objects
    output_format_json_array_of_rows output_format_json_validate_utf8 output_format_json_pretty_print
    output_format_decimal_trailing_zeros output_format_write_statistics output_format_enable_streaming
    output_format_parallel_formatting output_format_csv_crlf_end_of_line output_format_tsv_crlf_end_of_line
    format_csv_delimiter format_csv_allow_single_quotes format_csv_allow_double_quotes
    format_csv_null_representation format_tsv_null_representation bool_true_representation bool_false_representation
    output_format_pretty_color output_format_pretty_max_rows output_format_pretty_max_column_pad_width
    output_format_pretty_max_value_width output_format_pretty_grid_charset output_format_pretty_row_numbers
    output_format_pretty_single_large_number_tip_threshold output_format_pretty_display_footer_column_names
    input_format_null_as_default input_format_skip_unknown_fields input_format_defaults_for_omitted_fields
    input_format_with_names_use_header input_format_with_types_use_header input_format_parallel_parsing
    input_format_csv_empty_as_default input_format_csv_skip_first_lines input_format_csv_trim_whitespaces
    input_format_tsv_empty_as_default input_format_tsv_skip_first_lines input_format_import_nested_json
    input_format_json_read_numbers_as_strings input_format_json_read_objects_as_strings
    input_format_values_interpret_expressions input_format_values_deduce_templates_of_expressions
    input_format_values_accurate_types_of_literals input_format_allow_errors_num input_format_allow_errors_ratio
    cast_string_to_dynamic_use_inference
"""

SETTINGS = TABLE_SETTINGS | frozenset((_BOUNDS + _QUERIES + _WRITES + _OF_FORMATS).split())
