"""Where each row of the attack catalogue is proven, or why it is not proven here.

A row has proofs (tests of this repository, "folder.module:test"), or interfaces that no shipped policy but `transparent` announces, or
a reason. A reason beside proofs says which part of the row they leave open. test_catalogue.py checks that every name is there and
that what is said to be hidden is hidden.
"""

from __future__ import annotations

from dataclasses import dataclass

CONSENT = "asking the user is another issue"
LOOKS = "borders, tints and positions are the presentation issue"


@dataclass(frozen=True)
class Entry:
    """One row. `hidden`: interfaces; `open`: what is left, and whose it is."""

    title: str
    proofs: tuple[str, ...] = ()
    hidden: tuple[str, ...] = ()
    open: str = ""


def of(module: str, *names: str) -> tuple[str, ...]:
    """Tests of one module."""
    return tuple(f"{module}:{name}" for name in names)


SESSION, SERIALS, CHECKS = "core.test_session", "core.test_serials", "core.test_checks"
BUFFERS, SURFACES, WINDOWS = "handlers.test_buffers", "handlers.test_surfaces", "handlers.test_windows"
LOANS, SEATS = "handlers.test_loans", "handlers.test_seats"
REGISTRY, VIEWPORTS, CURSORS = "handlers.test_registry", "handlers.test_viewports", "handlers.test_cursors"
DESCRIPTORS, HOST_FILES, SELECTIONS = "handlers.test_descriptors", "handlers.test_host_files", "handlers.test_selections"
DMABUFS, TEXTS, ICONS, ATTACHMENTS = "handlers.test_dmabufs", "handlers.test_texts", "handlers.test_icons", "handlers.test_attachments"
QUOTAS, COSTED = "core.test_quotas", "test_kinds_that_are_dear_are_counted_by_themselves"
PUMP = "sidecar.test_pump"
PLAYED = "attack.test_attack", "test_an_attack_does_not_reach_the_compositor_through_the_proxy"  # against a real sidecar
RELAY, FILES, SHIPPED, PROPERTIES = "sidecar.test_relay", "sidecar.test_files", "policy.test_shipped", "core.test_properties"

ROWS: dict[str, Entry] = {
    "A01": Entry(
        "a pool's file shrinks after it was taken",
        of(
            BUFFERS,
            "test_a_pool_is_sealed_before_the_compositor_gets_it",
            "test_a_file_that_takes_no_seals_is_replaced_by_a_copy_that_commits_bring_up_to_date",
            "test_a_copied_file_that_is_truncated_meanwhile_ends_the_guest_and_not_the_compositor",
        ),
    ),
    "A02": Entry(
        "a pool larger than its file, at once or by resize",
        of(
            BUFFERS,
            "test_a_pool_larger_than_its_file_is_invalid_fd",
            "test_the_size_is_looked_at_after_sealing_not_before",
            "test_a_pool_may_grow_only_as_far_as_its_file",
        ),
    ),
    "A03": Entry(
        "buffer arithmetic that wraps",
        of(
            BUFFERS,
            "test_a_buffer_that_does_not_lie_in_its_pool_is_invalid_stride",
            "test_only_formats_whose_size_is_known_make_a_buffer",
        ),
    ),
    "A04": Entry("a pool's reference count overflows", of(BUFFERS, "test_one_pool_has_a_bounded_number_of_buffers")),
    "A05": Entry(
        "a surface goes before the window it carries",
        of(
            SURFACES,
            "test_a_surface_goes_after_its_window_where_the_policy_does_not_say_otherwise",
            "test_a_window_whose_surface_goes_first_is_taken_down_in_order",
            "test_to_use_a_window_that_is_taken_down_ends_the_session",
            "test_destroying_a_surface_before_its_popup_is_defunct_role_object",
            "test_destroying_a_surface_before_a_window_that_others_depend_on_is_defunct_role_object",
        )
        + of(
            ATTACHMENTS,
            "test_a_surface_is_not_destroyed_before_its_layer_surface",
            "test_the_decoration_of_a_window_whose_surface_goes_first_goes_before_it",
        ),
    ),
    "A06": Entry(
        "parents destroyed before their children",
        of(
            WINDOWS,
            "test_the_xdg_surface_may_not_go_before_its_window",
            "test_the_manager_may_not_go_before_its_surfaces",
            "test_popups_go_topmost_first",
        )
        + of(ATTACHMENTS, "test_a_window_is_not_destroyed_before_its_decoration"),
    ),
    "A07": Entry(
        "sub-surfaces in a circle",
        of(SURFACES, "test_a_loop_of_subsurfaces_is_bad_parent", "test_get_subsurface_twice_is_bad_surface"),
    ),
    "A08": Entry(
        "a chain of sub-surfaces without end",
        of(
            SURFACES,
            "test_subsurfaces_do_not_nest_for_ever",
            "test_trees_joined_from_below_count_their_whole_height",
            "test_one_parent_has_a_bounded_number_of_children",
        ),
    ),
    "A09": Entry(
        "two roles for one surface",
        of(SURFACES, "test_a_surface_has_one_role", "test_a_window_cannot_become_a_subsurface")
        + of(WINDOWS, "test_a_second_role_object_is_already_constructed", "test_two_xdg_surfaces_for_one_surface_are_a_role_error")
        + of(CURSORS, "test_a_window_is_no_cursor", "test_a_cursor_is_no_window", "test_a_cursor_is_no_drag_icon")
        + of(SELECTIONS, "test_an_icon_is_nothing_else", "test_an_icon_stays_an_icon"),
    ),
    "A10": Entry(
        "a buffer too early, a configure that never was, a buffer that is gone",
        of(
            WINDOWS,
            "test_a_buffer_before_the_first_configure_is_unconfigured_buffer",
            "test_an_unmapped_window_starts_again_with_a_configure",
            "test_acknowledging_a_serial_that_was_not_sent_is_invalid_serial",
            "test_a_configure_for_a_window_that_is_gone_does_not_configure_the_next",
        )
        + of(SURFACES, "test_a_buffer_destroyed_between_attach_and_commit_is_not_committed"),
    ),
    "A11": Entry(
        "a viewport's source beyond its buffer",
        of(
            VIEWPORTS,
            "test_a_source_outside_the_buffer_is_out_of_buffer",
            "test_a_source_that_is_negative_or_empty_is_bad_value",
            "test_a_scaled_buffer_is_smaller_on_the_surface",
        )
        + of(DMABUFS, "test_a_buffers_size_is_known_to_its_viewport")
        + of(ATTACHMENTS, "test_a_single_pixel_has_a_size"),
    ),
    "A12": Entry(
        "geometries and sizes of 2^31",
        of(
            WINDOWS,
            "test_a_window_geometry_that_no_screen_can_show_is_refused",
            "test_huge_size_bounds_are_brought_into_range",
            "test_a_parents_size_is_brought_into_range",
        )
        + of(VIEWPORTS, "test_a_destination_that_no_screen_can_show_is_refused"),
    ),
    "A13": Entry(
        "buffers that cost gigabytes",
        of(BUFFERS, "test_a_pool_beyond_the_quota_is_refused", "test_a_buffer_beyond_the_quota_is_refused")
        + of(DMABUFS, "test_a_size_that_no_screen_can_show_is_refused")
        + of(BUFFERS, "test_all_buffers_of_a_guest_together_are_bounded_over_its_connections"),
    ),
    "A14": Entry(
        "scale and transform out of range",
        of(
            SURFACES,
            "test_a_scale_that_is_not_positive_is_invalid_scale",
            "test_a_scale_beyond_reason_is_refused",
            "test_a_transform_that_does_not_exist_is_invalid_transform",
        ),
    ),
    "A15": Entry(
        "things of size 0",
        of(
            WINDOWS,
            "test_a_positioner_size_that_is_not_positive_is_invalid_input",
            "test_a_window_geometry_that_is_not_positive_is_invalid_size",
        )
        + of(BUFFERS, "test_a_pool_of_no_size_is_invalid_stride", "test_a_buffer_that_does_not_lie_in_its_pool_is_invalid_stride")
        + of(VIEWPORTS, "test_a_destination_that_is_not_positive_is_bad_value")
        + of(DMABUFS, "test_a_size_that_is_not_positive_is_invalid_dimensions"),
    ),
    "A16": Entry(
        "a virtual keyboard's keymap that is not there",
        of(DESCRIPTORS, "test_a_keymap_larger_than_its_file_is_refused"),
        hidden=("zwp_virtual_keyboard_manager_v1",),
    ),
    "A17": Entry(
        "keys and clicks made up",
        hidden=(
            "zwp_virtual_keyboard_manager_v1",
            "zwlr_virtual_pointer_manager_v1",
            "org_kde_kwin_fake_input",
        ),
    ),
    "A18": Entry("every key of the host read", hidden=("zwp_input_method_manager_v2", "zwp_input_method_v1")),
    "A19": Entry(
        "the screen copied",
        hidden=(
            "zwlr_screencopy_manager_v1",
            "ext_image_copy_capture_manager_v1",
            "ext_output_image_capture_source_manager_v1",
            "zwlr_export_dmabuf_manager_v1",
            "zkde_screencast_unstable_v1",
        ),
    ),
    "A20": Entry("the clipboard without focus", hidden=("zwlr_data_control_manager_v1", "ext_data_control_manager_v1")),
    "A21": Entry(
        "the clipboard read as soon as the focus comes",
        of(SHIPPED, "test_strict_never_shows_the_hosts_clipboard"),
        open=f"under desktop an offer is shown at once: {CONSENT}",
    ),
    "A22": Entry("a surface over everything", hidden=("zwlr_layer_shell_v1",)),
    "A23": Entry("the session locked or unlocked", hidden=("ext_session_lock_manager_v1", "zwlr_input_inhibit_manager_v1")),
    "A24": Entry(
        "a false desktop over the whole screen",
        of(SHIPPED, "test_strict_drops_what_could_imitate_or_hide_and_goes_on"),
        open=f"desktop allows full screen without asking: {CONSENT}",
    ),
    "A25": Entry(
        "layouts that a GPU driver believes",
        of(
            DMABUFS,
            "test_a_pair_that_was_not_offered_is_invalid_format",
            "test_a_plane_beyond_the_fourth_is_plane_idx",
            "test_a_plane_set_twice_is_plane_set",
            "test_a_gap_in_the_planes_is_incomplete",
            "test_a_plane_that_does_not_lie_in_its_dma_buf_is_out_of_bounds",
            "test_the_second_plane_lies_in_its_dma_buf_as_far_as_anybody_can_tell",
            "test_planes_of_different_modifiers_are_invalid_format_from_version_5",
        )
        + of(SHIPPED, "test_strict_announces_nothing_but_its_own_list"),
    ),
    "A26": Entry(
        "something else where a dma-buf belongs",
        of(DMABUFS, "test_a_plane_is_a_dma_buf", "test_a_prime_buffer_is_a_dma_buf", "test_a_buffer_by_name_is_invalid_name"),
        open="which device exported it is not looked at",
    ),
    "A27": Entry(
        "a host's file in the place of a pool",
        of(BUFFERS, "test_a_pool_that_is_no_shared_memory_is_invalid_fd")
        + of(DESCRIPTORS, "test_no_request_takes_a_socket_a_named_file_or_what_has_no_kind")
        + of(FILES, "test_kinds_are_told_apart"),
    ),
    "A28": Entry(
        "another client made to write where the guest says",
        of(
            SELECTIONS,
            "test_the_guests_pipe_does_not_reach_the_other_client",
            "test_the_other_clients_pipe_does_not_reach_the_guest",
            "test_primary_selections_have_their_own_pipes_too",
        )
        + of(
            DESCRIPTORS,
            "test_clipboard_data_goes_into_a_pipe_and_nothing_else",
            "test_clipboard_data_goes_into_the_write_end",
            "test_pipes_are_always_replaced_and_memory_is_copied_except_for_pools",
        ),
    ),
    "A29": Entry(
        "the keymap of all clients rewritten",
        of(HOST_FILES, "test_a_keymap_is_copied_and_the_compositors_own_closed")
        + of(FILES, "test_a_copy_is_the_guests_own_and_can_be_written"),
    ),
    "A30": Entry(
        "other files of the host's, shared or leaking",
        of(
            HOST_FILES,
            "test_every_event_with_a_descriptor_stands_in_one_table",
            "test_an_event_with_a_descriptor_that_no_guest_may_have_is_dropped_and_what_it_creates_is_retired",
        )
        + of(DMABUFS, "test_the_table_of_formats_is_a_copy_and_says_what_may_be_used")
        + of(PROPERTIES, "test_every_descriptor_of_every_kind_comes_out_once_whatever_takes_it"),
    ),
    "A31": Entry("the host's X server", hidden=("xwayland_shell_v1", "zwp_xwayland_keyboard_grab_manager_v1")),
    "A32": Entry(
        "a global bound as something else", of(REGISTRY, "test_a_bind_for_another_interface_than_announced_is_refused")
    ),
    "A33": Entry("a hidden global bound by its number", of(REGISTRY, "test_a_hidden_global_cannot_be_bound_by_guessing_its_name")),
    "A34": Entry(
        "a global that appears later", of(REGISTRY, "test_a_global_that_appears_later_is_filtered_like_the_first_ones")
    ),
    "A35": Entry(
        "the other name of a hidden interface",
        of(SHIPPED, "test_strict_announces_nothing_but_its_own_list", "test_desktop_hides_what_reaches_outside_the_guests_windows")
        + of(REGISTRY, "test_a_transparent_policy_hides_what_the_protocol_data_does_not_know"),
    ),
    "A36": Entry(
        "a request that the version bound does not have",
        of(SESSION, "test_a_request_newer_than_the_bound_version_is_refused", "test_a_child_has_its_parents_version"),
    ),
    "A37": Entry(
        "a security context inside one",
        of(DESCRIPTORS, "test_the_two_sockets_of_a_security_context_are_not_taken"),
        hidden=("wp_security_context_manager_v1",),
    ),
    "A38": Entry(
        "the host's monitors",
        hidden=(
            "wp_drm_lease_device_v1",
            "zwlr_output_manager_v1",
            "zwlr_output_power_manager_v1",
            "zwlr_gamma_control_manager_v1",
        ),
    ),
    "A39": Entry(
        "the host's list of windows",
        hidden=("zwlr_foreign_toplevel_manager_v1", "ext_foreign_toplevel_list_v1", "org_kde_plasma_window_management"),
    ),
    "A40": Entry(
        "objects destroyed while their destruction is under way",
        of(SESSION, "test_a_request_to_a_destroyed_object_ends_the_session", "test_an_id_is_free_again_only_after_delete_id")
        + of(
            SEATS,
            "test_nothing_is_made_of_a_pointer_that_the_seat_has_lost",
            "test_one_whose_wl_seat_the_guest_has_released_may_be_gone_unheard",
            "test_one_of_a_seat_whose_global_is_gone_is_gone_without_a_word_of_its_capabilities",
        ),
        open="what a compositor does inside its own destroy listeners no message shows; a gentle end of a guest's objects is the relay's",
    ),
    "B01": Entry("header sizes that are none", of(SESSION, "test_a_size_below_eight_or_not_a_multiple_of_four_ends_the_session")),
    "B02": Entry(
        "bytes behind the last argument",
        of(
            SESSION,
            "test_bytes_after_the_last_argument_are_refused_not_skipped",
            "test_bytes_after_a_string_are_refused_not_skipped",
        ),
    ),
    "B03": Entry("string lengths that wrap", of(SESSION, "test_a_string_length_beyond_the_message_is_refused")),
    "B04": Entry(
        "strings that two readers read differently",
        of(
            SESSION,
            "test_strings_that_two_readers_would_read_differently_are_refused",
            "test_a_null_string_where_none_is_allowed_is_refused",
        ),
    ),
    "B05": Entry("text that is not UTF-8", of(SESSION, "test_strings_that_two_readers_would_read_differently_are_refused")),
    "B06": Entry("data in the padding", of(SESSION, "test_padding_leaves_as_zeroes_whatever_it_was")),
    "B07": Entry(
        "arrays that lie",
        of(SESSION, "test_a_string_length_beyond_the_message_is_refused")
        + of(TEXTS, "test_available_actions_exist_and_are_named_once")
        + of(DMABUFS, "test_a_device_is_a_dev_t"),
        open="only those two requests of a guest's carry an array whose elements matter here",
    ),
    "B08": Entry(
        "ids that are nobody's, or somebody's already",
        of(
            SESSION,
            "test_a_request_to_an_object_that_is_not_there_ends_the_session",
            "test_client_ids_must_be_dense",
            "test_an_id_is_free_again_only_after_delete_id",
        ),
    ),
    "B09": Entry(
        "an id far away", of(SESSION, "test_client_ids_must_be_dense", "test_ids_that_are_never_used_again_come_to_an_end")
    ),
    "B10": Entry(
        "an object of another kind", of(SESSION, "test_an_object_argument_must_exist_and_have_the_interface_of_the_xml")
    ),
    "B11": Entry(
        "objects after their end",
        of(
            SESSION,
            "test_a_request_to_a_destroyed_object_ends_the_session",
            "test_an_id_is_free_again_only_after_delete_id",
            "test_events_for_a_destroyed_object_pass_until_its_delete_id",
            "test_events_for_a_destroyed_server_object_do_not_reach_the_guest",
        ),
    ),
    "B12": Entry(
        "descriptors for objects that are gone",
        of(
            SESSION,
            "test_descriptors_of_events_for_a_destroyed_object_are_closed",
            "test_objects_made_by_events_for_a_destroyed_object_are_destroyed_upstream",
        )
        + of(HOST_FILES, "test_the_object_of_a_dropped_event_that_ends_it_is_gone_all_the_same"),
    ),
    "B13": Entry(
        "errors and ids of a broken host",
        of(
            SESSION,
            "test_a_delete_id_for_an_id_nobody_has_is_dropped",
            "test_the_compositors_error_reaches_the_guest_with_an_object_it_knows",
        ),
    ),
    "B14": Entry(
        "descriptors that no message asks for",
        of(
            SESSION,
            "test_too_many_unclaimed_descriptors_end_the_session",
            "test_a_descriptor_that_no_message_claims_ends_the_session_in_the_end",
            "test_a_descriptor_belongs_to_the_message_that_asks_not_to_the_read_it_came_in",
        ),
    ),
    "B15": Entry(
        "more descriptors than fit", of(RELAY, "test_253_descriptors_in_one_read_leave_28_at_a_time")
    ),
    "B16": Entry("a descriptor that did not come", of(SESSION, "test_a_message_whose_descriptor_has_not_come_ends_the_session")),
    "B17": Entry("no descriptors left in the proxy", of(RELAY, "test_out_of_descriptors_guests_wait_and_come_later")),
    "B18": Entry(
        "descriptors in flight beyond the user's limit",
        of(SESSION, "test_more_descriptors_than_one_sendmsg_may_carry_are_split_at_messages"),
        open="a user of its own for each guest is the confinement's",
    ),
    "B19": Entry(
        "sockets in flight",
        of(DESCRIPTORS, "test_no_request_takes_a_socket_a_named_file_or_what_has_no_kind")
        + of(FILES, "test_kinds_are_told_apart"),
    ),
    "B20": Entry(
        "descriptors that are kernel machinery",
        of(DESCRIPTORS, "test_no_request_takes_a_socket_a_named_file_or_what_has_no_kind")
        + of(FILES, "test_kinds_are_told_apart"),
    ),
    "B21": Entry(
        "pipes, events, processes, devices as pools",
        of(BUFFERS, "test_a_pool_that_is_no_shared_memory_is_invalid_fd")
        + of(FILES, "test_kinds_are_told_apart", "test_a_pipe_with_a_name_is_no_pipe"),
    ),
    "B22": Entry(
        "names, directories, named files",
        of(BUFFERS, "test_a_pool_that_is_no_shared_memory_is_invalid_fd") + of(FILES, "test_kinds_are_told_apart"),
    ),
    "B23": Entry(
        "files whose pages never come",
        of(BUFFERS, "test_a_pool_that_is_no_shared_memory_is_invalid_fd") + of(RELAY, "test_facts"),
        open="no such file system in a test; a file that F_GET_SEALS knows nothing of is no memfd, so none of them is taken",
    ),
    "B24": Entry(
        "memory that cannot be mapped for writing",
        of(BUFFERS, "test_a_pool_that_cannot_be_written_is_invalid_fd", "test_a_pool_sealed_against_writing_is_invalid_fd"),
    ),
    "B25": Entry(
        "memory with holes that raise SIGBUS",
        of(RELAY, "test_facts"),
        open="huge pages are told apart by st_blksize; this machine has none to try",
    ),
    "B26": Entry(
        "half a message for ever",
        of(
            SESSION,
            "test_a_message_begun_must_end_before_the_deadline",
            "test_a_slow_message_that_ends_in_time_is_not_held_against_the_next",
        ),
    ),
    "B27": Entry(
        "a flood of connections",
        of(
            RELAY,
            "test_too_many_clients_are_closed_at_once",
            "test_connections_beyond_the_rate_take_turns",
            "test_connections_that_say_nothing_are_ended_but_for_a_few",
        )
        + of(*PLAYED),
    ),
    "B28": Entry(
        "a storm of sync", of(SESSION, "test_more_objects_than_the_quota_end_the_session") + of(QUOTAS, COSTED)
    ),
    "B29": Entry("a guest that never reads", of(RELAY, "test_a_stalled_guest_is_ended_and_no_other")),
    "B30": Entry(
        "both sides blocked",
        of(
            RELAY,
            "test_back_pressure_keeps_every_byte",
            "test_the_sender_is_read_until_the_limit_and_no_further",
            "test_last_bytes_of_the_host_reach_a_guest_that_is_writing",
        ),
    ),
    "B31": Entry(
        "a flood of objects", of(QUOTAS, COSTED, "test_more_objects_than_the_guest_may_have_end_the_connection_that_wants_one")
    ),
    "B32": Entry(
        "a flood of pools",
        of(BUFFERS, "test_descriptors_kept_for_pools_come_back_with_the_pool_or_at_the_end", "test_pools_that_are_alive_are_bounded"),
    ),
    "B33": Entry(
        "damage and regions of many pieces",
        of(SURFACES, "test_damage_beyond_the_cap_becomes_its_bounding_box")
        + of(ATTACHMENTS, "test_a_region_has_a_bounded_number_of_rectangles"),
    ),
    "B34": Entry("a storm of commits", of(QUOTAS, "test_what_makes_panels_draw_counts_for_many") + of(*PLAYED)),
    "B35": Entry(
        "one guest's noise starves another",
        of(RELAY, "test_a_guest_that_sends_too_much_is_read_more_slowly_and_loses_nothing"),
    ),
    "B36": Entry(
        "a fence that never comes",
        of(DESCRIPTORS, "test_a_timeline_cannot_be_imported"),
        hidden=("wp_linux_drm_syncobj_manager_v1", "zwp_linux_explicit_synchronization_v1"),
    ),
    "B37": Entry(
        "a GPU job without end",
        of(SHIPPED, "test_strict_announces_nothing_but_its_own_list"),
        open="where dma-bufs are allowed the compositor waits itself; waiting in the proxy is the relay's",
    ),
    "B38": Entry(
        "a clipboard that never answers",
        of(SELECTIONS, "test_the_bounds_of_a_transfer_are_the_connections", "test_the_guests_pipe_does_not_reach_the_other_client")
        + of(
            PUMP,
            "test_one_that_stands_still_is_ended",
            "test_one_that_creeps_is_ended_too",
            "test_no_more_than_the_quota_comes_through",
        )
        + of(*PLAYED),
    ),
    "B39": Entry("a clipboard whose reader has gone", of(PUMP, "test_a_reader_that_has_gone_ends_it_at_once")),
    "B40": Entry(
        "types of data that are none, or too many",
        of(
            SELECTIONS,
            "test_what_is_no_type_is_left_out_of_a_source",
            "test_a_source_has_at_most_32_types",
            "test_an_offer_tells_the_guest_of_at_most_32_types_and_only_of_types",
            "test_only_what_was_offered_is_asked_for",
            "test_a_source_is_asked_only_for_what_it_offered",
        ),
        open=f"which types pass, and what becomes of text/uri-list: {CONSENT}",
    ),
    "B41": Entry(
        "serials made up or stale",
        of(
            SERIALS,
            "test_a_serial_that_was_never_given_is_dropped",
            "test_a_serial_of_the_wrong_kind_is_dropped",
            "test_an_old_serial_no_longer_takes_the_clipboard",
        )
        + of(SESSION, "test_a_configure_that_is_forgotten_by_now_cannot_be_acknowledged_by_chance"),
    ),
    "B42": Entry(
        "the selection taken again and again",
        of(SERIALS, "test_an_old_serial_no_longer_takes_the_clipboard")
        + of(SHIPPED, "test_strict_lets_nothing_onto_the_hosts_clipboard"),
        open=f"a question: {CONSENT}",
    ),
    "B43": Entry(
        "data dragged out, or read without a drop",
        of(SHIPPED, "test_strict_lets_nothing_be_dragged_out", "test_strict_never_shows_what_is_dragged_over_it")
        + of(SELECTIONS, "test_a_drag_needs_a_surface_that_is_alive"),
        open=f"the specification lets a target read before the drop: {CONSENT}",
    ),
    "B44": Entry(
        "cursors and icons as large as windows",
        of(
            CURSORS,
            "test_a_cursor_that_is_too_large_is_not_shown",
            "test_a_surface_that_is_too_large_becomes_no_cursor",
            "test_a_scale_that_is_taken_back_makes_a_cursor_too_large",
            "test_a_scale_that_is_not_committed_does_not_count_yet",
            "test_a_viewport_makes_a_cursor_as_large_as_it_says",
            "test_a_viewport_that_is_not_committed_does_not_count_yet",
            "test_a_cursor_has_no_sub_surfaces_that_would_reach_beyond_it",
            "test_a_surface_with_sub_surfaces_becomes_no_cursor",
            "test_the_hot_spot_lies_where_a_cursor_can_be",
            "test_an_icon_that_is_too_large_is_not_shown",
            "test_a_tablet_tools_cursor_is_bounded_like_a_pointers",
        )
        + of(SELECTIONS, "test_an_icon_that_is_too_large_already_is_none"),
    ),
    "B45": Entry(
        "windows and cursors that walk",
        of(
            SURFACES,
            "test_attach_with_an_offset_is_invalid_offset_from_version_5",
            "test_attach_with_an_offset_does_not_move_a_window_of_an_older_version",
        )
        + of(
            CURSORS,
            "test_a_cursor_does_not_move_away_from_its_hot_spot",
            "test_an_icon_stays_within_reach_however_many_steps_it_takes",
        ),
    ),
    "B46": Entry(
        "popups over everything",
        of(WINDOWS, "test_a_grab_after_the_popup_was_mapped_is_invalid_grab"),
        open=f"their sum on the screen: {LOOKS}",
    ),
    "B47": Entry(
        "sub-surfaces far outside",
        of(SURFACES, "test_a_subsurface_stays_within_what_a_window_can_be"),
        open=f"a border above them: {LOOKS}",
    ),
    "B48": Entry("a geometry without its label", open=LOOKS),
    "B49": Entry(
        "titles that break panels",
        of(
            CHECKS,
            "test_plain",
            "test_plain_text_is_plain_whatever_it_was",
            "test_marks_in_the_worst_order_take_no_time",
        )
        + of(TEXTS, "test_names_and_titles_are_cut_to_what_a_panel_can_bear"),
    ),
    "B50": Entry("markup in titles", of(CHECKS, "test_plain", "test_plain_text_is_plain_whatever_it_was")),
    "B51": Entry(
        "titles that pretend, or push the label away",
        of(CHECKS, "test_the_policys_prefix_comes_last_and_whole") + of(SHIPPED, "test_strict_labels_a_title"),
    ),
    "B52": Entry("a host program's app_id", of(SHIPPED, "test_strict_moves_an_app_id_into_the_guests_own_names")),
    "B53": Entry(
        "letters that look like others", open="titles keep their script; a policy's charset can hold them to ASCII"
    ),
    "B54": Entry(
        "focus taken with tokens",
        of(ATTACHMENTS, "test_a_token_is_asked_for_once"),
        open=f"whose token it is and what activation may do: {CONSENT}",
    ),
    "B55": Entry("windows by the hundred", of(QUOTAS, "test_windows_are_counted_until_the_compositor_has_let_go_of_them")),
    "B56": Entry("storms of state", of(QUOTAS, "test_what_makes_panels_draw_counts_for_many")),
    "B57": Entry(
        "shortcuts, pointer and screen held at once",
        of(ATTACHMENTS, "test_a_surface_has_one_of_each")
        + of(
            LOANS,
            "test_the_combination_takes_it_back_and_a_click_gives_it_again",
            "test_it_is_not_had_again_by_asking_again",
            "test_the_pointer_is_held_only_while_the_keyboard_is_there_to_be_heard",
            "test_shortcuts_are_inhibited_only_where_there_is_a_keyboard_to_be_heard",
            "test_it_reaches_what_the_guest_has_on_its_other_connections",
            "test_a_surface_that_is_destroyed_takes_the_focus_along",
            "test_a_guest_that_changes_its_keyboard_while_the_combination_goes_down_has_heard_it",
            "test_the_keyboard_of_another_seat_is_not_the_one_whose_user_is_held",
            "test_nothing_is_held_while_the_compositor_is_not_read",
        ),
        hidden=("zwp_keyboard_shortcuts_inhibit_manager_v1",),
        open=f"an exception by the user's will: {CONSENT}",
    ),
    "B58": Entry(
        "a screen that never locks",
        of(SHIPPED, "test_strict_announces_nothing_but_its_own_list")
        + of(
            LOANS,
            "test_it_ends_with_the_window_and_comes_back_with_it",
            "test_the_compositor_has_the_last_word_though_the_guest_never_acknowledges_it",
            "test_an_inhibitor_ends_when_its_time_is_over",
            "test_destroying_and_creating_gains_nothing",
            "test_nor_does_another_connection",
        ),
    ),
    "B59": Entry(
        "the pointer locked and moved",
        of(ATTACHMENTS, "test_a_pointer_is_constrained_once")
        + of(SHIPPED, "test_a_lock_that_is_given_is_not_given_for_ever"),
    ),
    "B60": Entry(
        "windows of other guests as parents",
        hidden=("zxdg_exporter_v2", "zxdg_importer_v2", "zxdg_exporter_v1", "zxdg_importer_v1"),
    ),
    "B61": Entry(
        "a text field that lies about itself",
        of(
            TEXTS,
            "test_the_surrounding_text_is_bounded_and_its_cursor_between_characters",
            "test_surrounding_text_of_the_first_protocol_too",
            "test_the_cursor_rectangle_is_brought_into_range",
        ),
    ),
    "B62": Entry(
        "icons and tags that pretend",
        of(
            ICONS,
            "test_an_icon_that_is_not_square_is_invalid_buffer",
            "test_an_icon_that_is_too_large_is_left_out",
            "test_an_icon_that_is_set_is_immutable",
            "test_an_icon_whose_buffer_has_gone_is_no_buffer",
        ),
        open=f"tinting: {LOOKS}",
    ),
    "B63": Entry("windows that are each other's parent", of(WINDOWS, "test_a_window_cannot_be_its_own_ancestor")),
    "B64": Entry(
        "popups without a place",
        of(
            WINDOWS,
            "test_a_popup_of_itself_is_invalid_popup_parent",
            "test_a_popup_without_a_constructed_parent_is_invalid_popup_parent",
            "test_a_popup_with_an_incomplete_positioner_is_invalid_positioner",
            "test_popups_go_topmost_first",
        ),
    ),
    "B65": Entry(
        "a least size above the largest",
        of(WINDOWS, "test_size_bounds_that_contradict_each_other_are_invalid_size_at_commit", "test_negative_size_bounds_are_invalid_size"),
    ),
    "B66": Entry(
        "sources used twice, offers finished at the wrong time",
        of(
            SELECTIONS,
            "test_a_source_is_the_selection_once_however_often_it_is_set",
            "test_a_source_that_is_the_selection_is_not_dragged",
            "test_a_source_that_is_dragged_is_not_the_selection",
            "test_a_source_with_drag_actions_is_no_selection",
            "test_actions_are_set_before_the_drag",
            "test_actions_are_set_once",
            "test_a_primary_source_used_twice_is_used_once",
            "test_finish_at_the_wrong_time_is_invalid_finish",
            "test_finish_without_an_action_is_invalid_offer",
            "test_finish_of_the_clipboard_is_invalid_finish",
            "test_finish_twice_is_invalid_finish",
            "test_a_finished_offer_takes_no_request_but_destroy",
        ),
    ),
    "B67": Entry(
        "callbacks without commits",
        of(QUOTAS, COSTED),
    ),
    "B68": Entry(
        "connections made and dropped",
        of(RELAY, "test_churn_of_200_clients_leaves_nothing", "test_connections_beyond_the_rate_take_turns"),
    ),
}
