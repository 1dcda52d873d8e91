"""Which contract tests run on both kinds of installation."""

# `up` and `stack` differ only in behaviour of the log, the store or the processes. Everything else runs on `up`: the
# application is the same, and `tests/integration/` sends its statements to a store server over HTTP.
ON_BOTH = {
    "test_read_your_write.py": "the positions of a log, and how a read waits for one",
    "test_api_conventions.py": "positions, waiting, and the freshness that each read states",
    "test_api_replies.py": "each reply, with the types that each store returns",
    "test_api_bodies.py": "the largest bodies fit into each log",
    "test_api_operations.py": "receipts, coverage, freshness and recounts",
    "test_api_jobs.py": "which process does a job",
    "test_api_health.py": "health and metrics of the processes",
    "test_api_privacy.py::test_no_secret_leaves_a_trace": "the bytes of each log",
    "test_api_privacy.py::test_a_corrected_record_is_kept_like_any_write": "a dead letter of each log",
    "test_api_erasures.py::test_an_erased_session_is_gone_and_what_comes_later_is_too": "the erasures of each log",
    "test_api_dashboard.py::test_the_printed_link_signs_in": "the output of each command",
    "test_api_dashboard.py::test_no_file_of_the_installation_has_the_tokens": "the files of each kind",
    "test_api_command_line.py::test_an_audit_finds_the_installation_by_its_folder_or_its_address": "each folder",
    "test_api_command_line.py::test_a_running_installation_shows_and_loads_prices": "each store",
    "test_api_command_line.py::test_the_log_of_a_running_installation_is_read_and_exported": "each log",
    "test_api_command_line.py::test_a_folder_is_served_once": "each command",
    "test_api_command_line.py::test_a_demo_plays_on_a_running_installation": "a proof over each log and store",
}


def runs_on(kind: str, file: str, test: str) -> bool:
    """Decide whether a test file's test runs on a kind of installation."""
    return kind == "up" or not ON_BOTH.keys().isdisjoint({file, f"{file}::{test}"})
