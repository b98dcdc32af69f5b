"""What other libraries of this kind were seen to get wrong, and which tests hold ours to the right.

A trap has a line and the tests that would fail if it came back; without a test it is no line of this table. A test is named by
its file in this folder, or by its path where it is one of Rust's. That they are all there is checked here; what they prove, they
say.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]

SHARING = {
    "a store that is handed on is built anew by every call, with connections of its own": [
        "test_extension::test_the_same_object_is_built_once",
        "test_store_sharing::test_it_is_built_once_for_as_long_as_it_exists",
    ],
    "its credentials are asked for anew by every call": [
        "test_store_sharing::test_a_provider_of_theirs_is_asked_by_ours_and_only_once",
        "test_store_providers::test_a_provider_is_asked_once_for_many_requests_and_never_on_a_worker",
    ],
    "a store is known by the name of its class alone": [
        "test_store_sharing::test_what_would_not_be_the_same_store_is_refused_with_the_reason"
    ],
    "every call warns": [
        "test_extension::test_a_warning_says_once_for_each_class_that_nothing_is_shared",
        "test_store_sharing::test_a_warning_comes_once_for_each_class",
    ],
    "a class that Python derived does not cross": [
        "test_extension::test_a_class_that_python_derived_is_built_anew_unless_it_changes_what_a_store_does"
    ],
    "memory does not cross, and nobody says why": [
        "test_extension::test_memory_cannot_cross_and_the_error_says_what_to_do"
    ],
    "settings are lost on the way here": [
        "test_store_sharing::test_everything_that_was_said_crosses",
        "test_store_sharing::test_others_are_known_by_their_classes_and_arguments",
    ],
    "settings are lost on the way there": [
        "test_methods_settings::test_what_was_said_of_our_store_is_said_of_the_one_that_obstore_makes_of_it",
        "test_methods_settings::test_a_setting_that_obstore_does_not_know_stops_the_crossing",
        "test_store_sharing::test_ours_is_rebuilt_by_obstore_with_everything_that_counts",
    ],
    "options of the client among the settings are taken, and break what shows them": [
        "test_store_classes::test_client_options_in_config_are_client_options"
    ],
    "a bucket in the environment breaks repr, equality and pickling": [
        "test_store_classes::test_what_the_environment_says_is_in_config_and_in_repr",
        "test_store_classes::test_what_the_environment_said_goes_with_a_pickled_store",
        "test_methods_settings::test_what_the_environment_said_is_shown_without_its_secrets_and_goes_along",
    ],
    "stores and bytes have no hash": [
        "test_store_classes::test_stores_with_the_same_settings_are_equal_and_hash_alike",
        "test_bytes::test_equal_keys_find_each_other",
    ],
    "a misspelt key is taken and means nothing": [
        "test_store_classes::test_an_unknown_key_anywhere_is_an_error_with_a_suggestion",
        "test_store_classes::test_what_must_be_a_dictionary_is_one",
        "test_methods_settings::test_a_misspelt_argument_of_a_plain_class_is_refused_too",
    ],
    "a number is refused where one is meant": [
        "test_store_classes::test_numbers_flags_and_lengths_of_time_are_taken_where_they_are_meant"
    ],
    "an endpoint is kept and not asked": [
        "test_compat::test_every_name_is_the_same_object_as_longshores",
        "test_store_classes::test_each_store_asks_the_endpoint_that_it_was_given",
    ],
    "what one server cannot do is held against the next": [
        "test_methods_reading::test_a_server_without_head_changes_nothing_for_the_next",
    ],
    "a star import fails on names that are types only": [
        "test_store_classes::test_everything_in_all_can_be_imported",
        "test_obs_methods::test_names_of_the_module_are_there",
    ],
}

BYTES = {
    "an empty part is looked for, and the process panics": ["test_bytes_methods::test_containing"],
    "repr prints all of it": ["test_bytes::test_repr_shows_a_short_value_and_bounds_a_long_one"],
    "methods of bytes are missing": [
        "test_bytes_methods::test_every_method_of_bytes_is_there",
        "test_bytes_methods::test_any_arguments_have_the_same_result_or_the_same_error",
        "test_bytes_methods::test_decoding",
        "test_bytes_methods::test_comparing",
    ],
    "pickling copies": ["test_bytes::test_with_protocol_5_the_memory_stays_where_it_is"],
    "bytes are equal to themselves alone": ["test_bytes_methods::test_a_long_value_is_searched_like_a_short_one"],
    "memory of another shape or type is refused, or taken byte by byte": [
        "test_bytes_buffers::test_contiguous_memory_of_any_kind_is_taken_without_a_copy"
    ],
}

READING = {
    "a large object comes over one connection": [
        "test_methods_reading::test_a_large_object_comes_by_several_requests_at_once",
        "test_methods_reading::test_a_large_object_comes_over_several_connections",
    ],
    "every byte is copied once more at the end": [
        "test_methods_reading::test_a_large_object_takes_no_more_memory_than_it_has_bytes"
    ],
    "the size of an object is remembered, and cuts the next one": [
        "test_obs_reading::test_a_cached_size_does_not_cut_an_overwritten_object",
        "test_client_reading::test_get_reads_what_was_written_last_and_not_what_it_saw_before",
    ],
    "the parts of one read are of two versions": [
        "test_methods_reading::test_the_ranges_of_one_call_are_of_one_version",
        "test_methods_reading::test_a_large_object_that_comes_in_ranges_is_of_one_version",
        "test_obs_files::test_an_object_that_is_replaced_while_it_is_open_is_never_mixed",
        "test_faults::test_a_body_that_changes_while_it_is_resumed_is_never_a_mixture",
    ],
    "objects come in another order where one is asked for twice": [
        "test_client_reading::test_results_come_in_input_order_with_duplicates",
        "test_obs_methods::test_many_come_in_the_order_of_their_uris_with_repeats",
    ],
    "lists of unequal length are cut to the shorter": [
        "test_obs_reading::test_lists_of_starts_and_ends_of_unequal_length_are_an_error"
    ],
    "a local file is opened for every range": ["test_obs_reading::test_ranges_of_a_local_file_open_it_once"],
    "how many ranges are read at once is a constant": [
        "test_methods_reading::test_as_many_ranges_are_asked_for_at_once_as_was_said"
    ],
    "a file gives less than was asked for": ["test_obs_files::test_reads_are_exact_in_the_middle_of_a_file"],
    "tell throws away what is at hand": ["test_obs_files::test_tell_costs_nothing_and_keeps_the_buffer"],
    "a seek before the beginning goes behind the end": ["test_obs_files::test_seeks_are_those_of_files"],
    "lines must be text": ["test_obs_files::test_lines_need_not_be_text"],
    "the prefix of a store is applied twice": ["test_obs_files::test_the_prefix_of_a_store_is_applied_once"],
    "nothing is read ahead": ["test_methods_reading::test_a_reader_has_asked_for_what_comes_next_before_it_is_read"],
    "a HEAD goes before every GET": [
        "test_obs_reading::test_there_is_no_head_before_a_get",
        "test_client_reading::test_each_object_costs_one_get_and_no_head",
    ],
    "an object is read in many small requests": [
        "test_obs_files::test_reading_from_front_to_back_takes_few_requests_and_no_head"
    ],
    "a timeout counts for the whole download": [
        "crates/longshore-config/tests/config/silence.rs::a_slow_and_steady_download_may_take_longer_than_the_timeout"
    ],
}

WRITING = {
    "a text is taken for the name of a file": [
        "test_obs_writing::test_a_str_is_refused_and_no_file_of_that_name_is_uploaded",
        "test_client_writing::test_text_is_refused_and_is_not_taken_for_the_name_of_a_file",
    ],
    "an array is written row by row": [
        "test_obs_writing::test_whatever_has_a_buffer_is_written_whole_and_not_row_by_row"
    ],
    "parts are copied, and sent one after another": [
        "test_methods_writing::test_a_large_object_is_written_with_a_few_parts_in_memory",
        "test_methods_writing::test_as_many_parts_are_on_their_way_at_once_as_was_said",
    ],
    "ten thousand parts are not enough": [
        "crates/longshore-engine/src/methods/part_sizes.rs::"
        "ten_thousand_parts_hold_the_largest_object_whatever_was_asked_for",
        "crates/longshore-engine/src/transfer/upload.rs::ten_thousand_parts_hold_the_largest_object",
    ],
    "a part that failed is forgotten at the end of a with block": [
        "test_methods_writing::test_one_is_raised_and_nothing_is_left_behind",
        "test_obs_files::test_a_failed_part_is_not_swallowed",
    ],
    "a short object is called a success": [
        "test_obs_writing::test_a_source_that_fails_leaves_nothing_behind",
        "crates/longshore-engine/tests/engine/uploading.rs::a_reader_that_fails_is_an_error_and_no_short_object",
        "test_faults::test_a_body_that_is_always_cut_is_a_connection_error_and_never_a_short_object",
    ],
    "memory is still being sent when its owner has it back": [
        "test_methods_writing::test_a_writer_has_taken_what_it_was_given",
        "test_methods_writing::test_so_has_one_of_asyncio",
        "test_methods_writing::test_put_async_is_done_with_its_memory_when_it_returns",
        "test_methods_writing::test_a_write_that_came_to_nothing_sends_nothing_of_what_comes_after",
        "test_client_writing::test_a_buffer_may_change_as_soon_as_the_call_has_returned",
        "test_obs_writing::test_the_memory_of_a_piece_may_be_used_again_at_once",
    ],
    "a bulk delete asks key by key": ["test_obs_managing::test_a_bulk_delete_is_one_request"],
    "errors in an answer of 200 are passed over": [
        "test_obs_managing::test_a_delete_tells_which_objects_it_could_not_delete",
        "test_client_deleting::test_keys_that_a_server_keeps_are_reported_though_it_answers_200",
    ],
    "a slash at the end empties a bucket": [
        "test_client_deleting::test_a_bare_bucket_is_refused",
        "test_methods_writing::test_a_slash_at_the_end_deletes_nothing_below",
    ],
}

# That the workers of a data set share one listing is a matter of data sets, and no trap of a listing.
LISTING = {
    "no version is ever told": ["test_obs_reading::test_a_version_is_read_by_its_name"],
    "a page has fifty objects": ["test_obs_listing::test_the_default_chunk_is_a_page_and_not_fifty"],
    "an error in the middle is the end of the list": [
        "test_obs_listing::test_an_error_in_mid_list_is_an_error",
        "test_faults::test_a_page_that_keeps_failing_is_an_error_and_never_a_short_list",
    ],
    "keys are taken to come in the order of bytes": [
        "test_client_listing::test_keys_come_in_byte_order",
        "test_obs_listing::test_an_offset_leaves_out_what_comes_before_it_in_the_order_of_bytes",
    ],
}

TABLE = {"sharing": SHARING, "bytes": BYTES, "reading": READING, "writing": WRITING, "listing": LISTING}


@cache
def functions(file: str) -> frozenset[str]:
    """The names of the functions in a file of tests."""
    path, word = (ROOT / file, "fn") if file.endswith(".rs") else (HERE / f"{file}.py", "def")
    return frozenset(re.findall(rf"\b{word} (\w+)", path.read_text()))


def missing(table: dict[str, dict[str, list[str]]]) -> list[str]:
    """The lines that no test holds, and the tests that are not there."""
    found = []
    for traps in table.values():
        for line, tests in traps.items():
            found += [line] if not tests else []
            found += [test for test in tests if test.partition("::")[2] not in functions(test.partition("::")[0])]
    return found


def test_every_trap_has_a_test() -> None:
    assert missing(TABLE) == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert missing({"x": {"nobody": [], "one": ["test_traps::test_gone"]}}) == ["nobody", "test_traps::test_gone"]
    with pytest.raises(FileNotFoundError):
        missing({"x": {"one": ["test_gone::test_gone"]}})
