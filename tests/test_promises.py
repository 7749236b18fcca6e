"""What README and the pages of docs promise, and the tests that would fail if it were broken.

A promise that is taken out of its page, or a test that is gone, is noticed here.
"""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OFFLINE = "cli/test_offline.py::test_no_verb_reaches_for_the_network_or_writes_elsewhere"
PROMISES = [  # page, words of the promise, tests
    ("README.md", "Everything runs on your machine; nothing leaves it", [OFFLINE]),
    ("docs/usage.md", "Nothing leaves the machine; there is no telemetry", [OFFLINE]),
    ("docs/usage.md", "that of libraries is switched off before they load", ["cli/test_offline.py::test_switches_are_set_on_import_whatever_they_were"]),
    ("docs/usage.md", "Nothing else is written but what you name with `--out` or `--store`", [OFFLINE]),
    ("docs/usage.md", "the page; loads nothing from elsewhere", ["report/test_page.py::test_the_page_is_self_contained_and_its_links_lead_somewhere", "report/test_page.py::test_in_a_browser_without_errors_or_requests"]),
    ("README.md", "narrative whose every clause links to its evidence", ["report/test_page.py::test_the_story_is_in_the_evidence_table"]),
    ("README.md", "Exit codes: 0 all done, 1 some inputs failed (listed), 2 the call cannot be carried out, 130 and 143 stopped", ["cli/test_stopping.py::test_exit_codes_and_what_is_left", "cli/test_unread.py::test_what_went_unread_is_listed_and_ends_in_1", "cli/test_wrong_values.py::test_a_wrong_value_is_one_message"]),
    ("docs/usage.md", "A wrong value of any option is an error before work begins", ["cli/test_wrong_values.py::test_a_wrong_value_is_one_message", "test_train.py::test_wrong_values_fail_before_anything_is_read"]),
    ("docs/usage.md", "A name is a name", ["media/test_container.py::test_a_path_is_a_path"]),
    ("docs/usage.md", "linked folders are read once, and what was left out is counted and said", ["core/disk/test_finding.py::test_linked_folders_are_followed_once", "media/test_inputs.py::test_what_a_folder_hides_is_left_out_and_said"]),
    ("docs/usage.md", "One bad input never ends a batch", ["pipeline/test_batches.py::test_whatever_one_input_raises_is_its_failure_and_leaves_no_trace"]),
    ("docs/usage.md", "an input of the same content, options, versions and weights is not read again", ["pipeline/test_batches.py::test_only_the_same_file_with_the_same_options_is_skipped", "pipeline/test_jobs.py::test_a_job_is_the_same_by_content_options_weights_and_versions"]),
    ("docs/usage.md", "A finished report, a part of an audit, a measured feature or a checkpoint is used again only where", ["pipeline/test_jobs.py::test_a_picture_that_was_exchanged_is_explained_again", "audits/test_parts.py::test_an_item_that_holds_something_else_is_looked_at_again", "core/disk/test_cache.py::test_what_another_version_kept_is_not_used"]),
    ("docs/usage.md", "what is damaged is said and made again", ["core/disk/test_cache.py::test_what_is_damaged_is_made_again_and_said", "audits/test_parts.py::test_a_damaged_part_is_not_used_and_costs_its_own_items_only"]),
    ("docs/usage.md", "keep what is finished, go on where the last run stopped", ["pipeline/test_batches.py::test_a_stopped_batch_goes_on_and_gives_the_same_bytes", "scripts/test_kills.py::test_killed_runs_end_as_undisturbed_ones"]),
    ("docs/usage.md", "Doubled rows count\nonce, rows with contradicting labels not at all", ["corpora/test_account.py::test_rows_that_come_again_count_once_and_contradictions_not_at_all"]),
    ("docs/usage.md", "Found is items and drops together, or it says so and ends with an error", ["corpora/test_account.py::test_found_is_items_and_drops_together"]),
    ("docs/usage.md", "versions, hashes, options, times, problems; written last", ["core/disk/test_files.py::test_a_file_takes_its_name_when_it_is_whole"]),
    ("docs/usage.md", "Files carry a `schema_version`", ["core/test_tables.py::test_files_say_their_form", "core/test_tables.py::test_older_newer_foreign_and_broken_files_are_refused_with_what_to_do"]),
    ("docs/usage.md", "one report folder an input", ["pipeline/test_jobs.py::test_a_corpus_that_was_moved_is_the_same_and_two_files_are_two"]),
    ("docs/exchange.md", "What a format cannot hold is counted and said", ["exchange/test_formats.py::test_every_format_keeps_to_its_contract", "exchange/test_transfer.py::test_a_run_becomes_a_file_a_recording_and_what_is_left_out_is_counted"]),
    ("docs/exchange.md", "XML with a document type or entities is refused", ["exchange/test_formats.py::test_broken_files_are_errors_that_name_file_and_line"]),
    ("docs/exchange.md", "pickles of an audformat database are never read", ["exchange/test_formats.py::test_pickles_of_a_database_are_not_read"]),
    ("docs/exchange.md", "that is an error, never a guess", ["exchange/test_transfer.py::test_people_are_never_mistaken_for_others"]),
    ("docs/exchange.md", "Nothing is averaged and no row is left out", ["exchange/test_tables.py::test_two_people_in_one_video_stay_two_and_doubles_are_named"]),
    ("docs/study.md", "People are the units, never frames", ["study/test_study.py::test_means_around_an_event_by_hand", "study/test_study.py::test_cameras_of_one_event_are_averaged_before_events"]),
    ("docs/study.md", "Whatever is wrong is told at once, each with its line", ["study/test_layout.py::test_what_is_wrong_is_told_with_its_line", "study/test_layout.py::test_everything_that_is_wrong_is_told_at_once"]),
    ("docs/study.md", "listed, and counted in the flow of data; the rest goes on", ["study/test_study.py::test_what_was_lost_is_counted_and_named_with_its_line", "study/test_study.py::test_an_offset_that_cannot_be_and_files_that_are_not_there_are_lost_and_the_rest_goes_on"]),
    ("docs/study.md", "goes on where it was stopped", ["study/test_study.py::test_recordings_are_recognised_and_taken_up_again"]),
    ("docs/measure.md", "240 frames a second and more; there is no cap", ["measures/test_measure.py::test_a_rate_of_240_frames_a_second_is_kept"]),
    ("docs/measure.md", "A blink** begins with the last frame in which the eyes were open", ["measures/test_parts.py::test_a_blink_begins_and_ends_with_open_eyes"]),
    ("docs/measure.md", "are those of Py-Feat's `Fex`", ["measures/test_measure.py::test_a_row_a_frame_and_person_with_the_columns_of_fex"]),
    ("docs/usage.md", "lists what was changed, added or removed, also in the chain itself", ["core/disk/test_chain.py::test_every_byte_of_every_file_counts", "core/disk/test_chain.py::test_every_byte_of_the_chain_counts", "pipeline/test_batches.py::test_a_finished_run_is_verified_file_by_file", "audits/compare/test_compare.py::test_a_finished_audit_is_verified_file_by_file"]),
    ("docs/compare.md", "is the only one\nthat is asked", ["audits/compare/test_compare.py::test_a_model_that_is_added_is_the_only_one_that_is_asked"]),
    ("docs/compare.md", "Every cell leads to the rows behind it", ["audits/compare/test_compare.py::test_every_cell_leads_to_a_row_of_the_page"]),
    ("docs/evidence.md", "blank until answered", ["sheets/test_sheet.py::test_nothing_is_answered_for_anybody"]),
    ("docs/evidence.md", "are written from it alone", ["sheets/test_sheet.py::test_page_text_and_json_are_of_one_source"]),
    ("docs/architecture.md", "fetches third-party weights and verifies their checksums", ["assets/test_store.py::test_one_bit_of_a_file_is_enough", "models/test_weights.py::test_one_bit_is_enough"]),
    ("docs/architecture.md", "files that appear\nwhole or not at all", ["core/disk/test_files.py::test_what_fails_leaves_the_old_file_and_nothing_else"]),
    ("docs/architecture.md", "an hour costs no more memory than a minute", ["pipeline/test_batches.py::test_memory_does_not_grow_with_the_inputs"]),
    ("docs/architecture.md", "imports run downwards only", ["scripts/test_house.py"]),
    ("docs/methods.md", "**The picture**: as a player shows it", ["media/test_player.py::test_frames_are_those_that_a_player_shows", "media/test_cropping.py::test_clean_aperture_is_what_is_shown"]),
    ("docs/workbench.md", "The address carries a token; without it nothing is shown", ["view/test_guard.py::test_without_the_token_nothing_is_told", "view/test_start.py::test_it_serves_and_ends_with_ctrl_c"]),
    ("docs/workbench.md", "a run is read again only where its files changed", ["view/test_library.py::test_only_what_changed_is_read_again"]),
    ("docs/workbench.md", "A run that cannot be opened is listed with the reason", ["view/test_runs.py::test_a_run_that_cannot_be_shown_says_why_and_the_others_are_listed"]),
    ("docs/workbench.md", "gets a copy in H.264 with the same times", ["view/test_recording.py::test_a_recording_that_no_browser_plays_gets_a_copy"]),
    ("docs/workbench.md", "same code as the command line", ["view/test_jobs.py::test_the_numbers_are_those_of_the_command_line"]),
    ("docs/workbench.md", "cannot be set from the page and are not taken over from the old run", ["view/test_jobs.py::test_no_option_names_a_file_or_code", "view/test_jobs.py::test_options_that_a_page_may_not_set"]),
    ("docs/workbench.md", "one html file that works offline", ["view/test_page.py::test_a_page_asks_nobody", "view/test_page.py::test_a_page_holds_what_the_server_would_tell"]),
    ("docs/workbench.md", "A de-identified page has no crops, no names, no paths", ["view/test_page.py::test_a_deidentified_page_tells_nobody_who_it_was", "view/test_page.py::test_a_deidentified_video_has_no_sound_and_no_face"]),
    ("docs/workbench.md", "The numbers are the same", ["pipeline/test_anonymous.py::test_the_numbers_are_the_same", "pipeline/test_anonymous.py::test_nothing_tells_whose_it_was"]),
    ("docs/workbench.md", "A folder can be carried elsewhere", ["view/test_runs.py::test_a_run_can_be_carried_elsewhere", "view/test_runs.py::test_a_recording_that_moved_is_found_by_what_it_holds"]),
    ("docs/workbench.md", "Nothing of a run is ever changed", ["view/test_edits.py::test_nothing_of_the_run_changes"]),
    ("docs/workbench.md", "Of two writers at once neither loses", ["view/test_edits.py::test_two_who_write_at_once_lose_nothing", "view/test_edits.py::test_whoever_comes_second_is_told_and_nothing_is_lost"]),
    ("docs/workbench.md", "Files are served from below the given folders alone, links resolved", ["view/test_guard.py::test_links_that_lead_out_are_not_served", "view/test_runs.py::test_a_run_folder_cannot_have_any_file_served"]),
    ("docs/workbench.md", "up to the limit", ["view/test_jobs.py::test_a_stream_without_a_length_is_cut_at_the_limit"]),
]  # fmt: skip


@pytest.mark.parametrize(("page", "words", "tests"), PROMISES, ids=[words[:40] for _, words, _ in PROMISES])
def test_a_promise_stands_on_its_page_and_has_its_tests(page, words, tests):
    said = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert " ".join(words.split()) in said
    for test in tests:
        file, _, name = test.partition("::")
        tree = ast.parse((ROOT / "tests" / file).read_text(encoding="utf-8"))
        assert not name or name in {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}, test
