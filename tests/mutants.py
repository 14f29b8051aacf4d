"""The defences that `make mutate` removes, one at a time, and who must notice: (file, what stands there, what takes its place, test).

Made by trying every condition that refuses and every function of handlers/ that does, and keeping a test that failed; then by hand
for the sidecar. An entry that no longer fits its source fails test_mutants.py: write it anew, and see the test fail with
`python -m tests.mutate --only FILE`.
"""

# ruff: noqa: E501 - source lines stand here as they do there
from __future__ import annotations

from tests.mutate import Mutant

TABLE = (
    Mutant(
        "core/checks.py",
        "        if isinstance(value, int):",
        "        if False:",
        ("core/test_session.py::test_a_predicate_that_fails_ends_the_session_and_names_the_argument",),
    ),
    Mutant(
        "core/checks.py",
        "            if operation == MAX and value > self.number:",
        "            if False:",
        ("core/test_session.py::test_a_predicate_that_fails_ends_the_session_and_names_the_argument",),
    ),
    Mutant(
        "core/checks.py",
        "            if operation == FLAGS and value & ~self.number:",
        "            if False:",
        ("core/test_session.py::test_a_value_outside_its_enum_is_refused",),
    ),
    Mutant(
        "core/connection.py",
        "        if self.usage.fds > self.limits.fds:",
        "        if False:",
        ("handlers/test_buffers.py::test_descriptors_kept_for_pools_are_bounded",),
    ),
    Mutant(
        "core/judge.py",
        "        if kind == MISSING:",
        "        if False:",
        ("core/test_session.py::test_a_request_newer_than_the_bound_version_is_refused",),
    ),
    Mutant(
        "core/judge.py",
        "            elif rule.verdict == DISCONNECT:",
        "            elif False:",
        ("core/test_session.py::test_a_refusal_by_disconnecting_names_the_object_and_the_request",),
    ),
    Mutant(
        "core/judge.py",
        "            if rule.complains and self._connection.complaining():",
        "            if rule.complains:",
        ("policy/test_complain.py::test_nothing_gives_way_when_the_time_is_over",),
    ),
    Mutant(
        "core/judge.py",
        "                if not (check.complains and self._connection.complaining()):",
        "                if not check.complains:",
        ("policy/test_complain.py::test_nothing_gives_way_when_the_time_is_over",),
    ),
    Mutant(
        "core/judge.py",
        "                if not (check.complains and self._connection.complaining()):",
        "                if not self._connection.complaining():",
        ("policy/test_complain.py::test_an_enum_of_the_protocol_never_gives_way",),
    ),
    Mutant(
        "core/judge.py",
        "            if rule.complains and self._connection.complaining():",
        "            if self._connection.complaining():",
        ("policy/test_complain.py::test_the_ceiling_never_gives_way",),
    ),
    Mutant(
        "core/objects.py",
        "        if usage.objects >= limits.objects:",
        "        if False:",
        ("core/test_quotas.py::test_more_objects_than_the_guest_may_have_end_the_connection_that_wants_one",),
    ),
    Mutant(
        "core/objects.py",
        "            if usage.kinds[kind].now >= limits.counted[kind]:",
        "            if False:",
        ("core/test_quotas.py::test_kinds_that_are_dear_are_counted_by_themselves",),
    ),
    Mutant(
        "core/objects.py",
        "                held.note = None\n                self._count_kind(held, -1)\n",
        "                held.note = None\n",
        ("core/test_quotas.py::test_objects_are_counted_over_connections",),
    ),
    Mutant(
        "core/quotas.py",
        ("        self._left -= float(amount)\n"),
        ("        self._left -= 0.0\n"),
        ("core/test_quotas.py::test_a_rate_says_how_long_to_wait",),
    ),
    Mutant(
        "core/session.py",
        "                if size < 8 or size & 3:",
        "                if size < 8:",
        ("core/test_session.py::test_a_size_below_eight_or_not_a_multiple_of_four_ends_the_session",),
    ),
    Mutant(
        "core/session.py",
        "                if rule.size != size and rule.size != 0:",
        "                if False:",
        ("core/test_session.py::test_bytes_after_the_last_argument_are_refused_not_skipped",),
    ),
    Mutant(
        "core/wire.py",
        "    if at != end:",
        "    if False:",
        ("core/test_session.py::test_bytes_after_a_string_are_refused_not_skipped",),
    ),
    Mutant(
        "core/wire.py",
        "            if padded > end - at:",
        "            if False:",
        ("core/test_session.py::test_a_string_length_beyond_the_message_is_refused",),
    ),
    Mutant(
        "core/wire.py",
        "                if data[at + number - 1] != 0:",
        "                if False:",
        ("core/test_session.py::test_strings_that_two_readers_would_read_differently_are_refused",),
    ),
    Mutant(
        "core/wire.py",
        "                if b\"\\0\" in raw:",
        "                if False:",
        ("core/test_session.py::test_strings_that_two_readers_would_read_differently_are_refused",),
    ),
    Mutant(
        "core/wire.py",
        "\"strict\" if strict_text else \"surrogateescape\"",
        "\"surrogateescape\"",
        ("core/test_session.py::test_strings_that_two_readers_would_read_differently_are_refused",),
    ),
    Mutant(
        "core/wire.py",
        "                if not nullable[index]:",
        "                if False:",
        ("core/test_session.py::test_a_null_string_where_none_is_allowed_is_refused",),
    ),
    Mutant(
        "core/wire.py",
        "                    clean = False",
        "                    pass",
        ("core/test_session.py::test_padding_leaves_as_zeroes_whatever_it_was",),
    ),
    Mutant(
        "core/session.py",
        "                    target = objects.of_guest(oid) if from_guest else objects.of_host(oid)",
        "                    target = client[1]",
        ("core/test_session.py::test_a_request_to_an_object_that_is_not_there_ends_the_session",),
    ),
    Mutant(
        "core/objects.py",
        "            if new_id > len(client) or new_id >= SERVER_IDS:",
        "            if new_id >= SERVER_IDS:",
        ("core/test_session.py::test_client_ids_must_be_dense",),
    ),
    Mutant(
        "core/objects.py",
        "            if new_id >= MOST_IDS:",
        "            if False:",
        ("core/test_session.py::test_ids_that_are_never_used_again_come_to_an_end",),
    ),
    Mutant(
        "core/objects.py",
        "            if holder is not None and (holder.stage != DESTROYED or holder.ghost or holder.table.events):",
        "            if False:",
        ("core/test_session.py::test_an_id_is_free_again_only_after_delete_id",),
    ),
    Mutant(
        "core/judge.py",
        "                if wanted and found.interface != wanted:",
        "                if False:",
        ("core/test_session.py::test_an_object_argument_must_exist_and_have_the_interface_of_the_xml",),
    ),
    Mutant(
        "core/objects.py",
        "        gone.requests = NO_RULES\n        gone.note = None",
        "        gone.note = None",
        ("core/test_session.py::test_a_request_to_a_destroyed_object_ends_the_session",),
    ),
    Mutant(
        "core/judge.py",
        "        if kind == MUTED_KIND:\n            self.discard_descriptors()",
        "        if kind == MUTED_KIND:",
        ("core/test_session.py::test_descriptors_of_events_for_a_destroyed_object_are_closed",),
    ),
    Mutant(
        "core/judge.py",
        "        if kind == MUTED_KIND:\n            self.discard_descriptors()\n            self._retire_children(message)",
        "        if kind == MUTED_KIND:\n            self.discard_descriptors()",
        ("core/test_session.py::test_objects_made_by_events_for_a_destroyed_object_are_destroyed_upstream",),
    ),
    Mutant(
        "core/session.py",
        "len(stream.fds) > self._limits.unclaimed_fds:",
        "False:",
        ("core/test_session.py::test_too_many_unclaimed_descriptors_end_the_session",),
    ),
    Mutant(
        "core/session.py",
        "                if stream.ahead > SURPLUS_AFTER_BYTES:",
        "                if False:",
        ("core/test_session.py::test_a_descriptor_that_no_message_claims_ends_the_session_in_the_end",),
    ),
    Mutant(
        "core/judge.py",
        "        if len(waiting) < wanted:",
        "        if False:",
        ("core/test_session.py::test_a_message_whose_descriptor_has_not_come_ends_the_session",),
    ),
    Mutant(
        "core/quotas.py",
        "        fds_per_parcel: int = 28,",
        "        fds_per_parcel: int = 253,",
        ("core/test_session.py::test_more_descriptors_than_one_sendmsg_may_carry_are_split_at_messages",),
    ),
    Mutant(
        "core/session.py",
        "                elif now - stream.waits_since > self._limits.stall_seconds:",
        "                elif False:",
        ("core/test_session.py::test_a_message_begun_must_end_before_the_deadline",),
    ),
    Mutant(
        "sidecar/relay/carrier.py",
        "            if half.chunks and now - half.progress > self._limits.stall_seconds:",
        "            if False:",
        ("sidecar/test_relay.py::test_a_stalled_guest_is_ended_and_no_other",),
    ),
    Mutant(
        "core/serials.py",
        "        if found is None or not found.kinds & kinds or (within and now - found.since > within):",
        "        if found is None or (within and now - found.since > within):",
        ("core/test_serials.py::test_a_serial_of_the_wrong_kind_is_dropped",),
    ),
    Mutant(
        "core/serials.py",
        "not found.kinds & kinds or (within and now - found.since > within):",
        "not found.kinds & kinds:",
        ("core/test_serials.py::test_an_old_serial_no_longer_takes_the_clipboard",),
    ),
    Mutant(
        "core/checks.py",
        "            kept.append(LOOK_ALIKES[character])",
        "            kept.append(character)",
        ("core/test_checks.py::test_plain",),
    ),
    Mutant(
        "core/checks.py",
        "            return before + value + after",
        "            return value",
        ("core/test_checks.py::test_the_policys_prefix_comes_last_and_whole", "policy/test_shipped.py::test_strict_labels_a_title", "policy/test_shipped.py::test_strict_moves_an_app_id_into_the_guests_own_names",),
    ),
    Mutant(
        "handlers/attachments.py",
        ('def on_one_each(connection: Connection, message: Message) -> int:\n    """One of ONE_EACH."""'),
        ('def on_one_each(connection: Connection, message: Message) -> int:\n    """One of ONE_EACH."""\n    return FORWARD'),
        ("handlers/test_attachments.py::test_a_surface_has_one_of_each",),
    ),
    Mutant(
        "handlers/attachments.py",
        "    if surface is not None and occupied(surface, message.rule.interface):",
        "    if False:",
        ("handlers/test_attachments.py::test_a_surface_has_one_of_each",),
    ),
    Mutant(
        "handlers/attachments.py",
        ('def one_made(connection: Connection, message: Message) -> None:\n    """Remembers what the surface has now."""'),
        (
            "def one_made(connection: Connection, message: Message) -> None:\n"
            '    """Remembers what the surface has now."""\n'
            "    return"
        ),
        ("handlers/test_attachments.py::test_a_surface_has_one_of_each",),
    ),
    Mutant(
        "handlers/constraints.py",
        (
            "def on_constrain(connection: Connection, message: Message) -> int:\n"
            '    """lock_pointer, confine_pointer(id, surface, pointer, region, lifetime): one for a surface and a pointer."""'
        ),
        (
            "def on_constrain(connection: Connection, message: Message) -> int:\n"
            '    """lock_pointer, confine_pointer(id, surface, pointer, region, lifetime): one for a surface and a pointer."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_a_pointer_is_constrained_once",),
    ),
    Mutant(
        "handlers/constraints.py",
        "    if holder is not None and holder.stage == LIVE and not (isinstance(holder.note, Held) and holder.note.over):",
        "    if False:",
        ("handlers/test_attachments.py::test_a_pointer_is_constrained_once",),
    ),
    Mutant(
        "handlers/constraints.py",
        ('def constraint_made(connection: Connection, message: Message) -> None:\n    """Remembers the constraint."""'),
        (
            "def constraint_made(connection: Connection, message: Message) -> None:\n"
            '    """Remembers the constraint."""\n'
            "    return"
        ),
        ("handlers/test_attachments.py::test_a_pointer_is_constrained_once",),
    ),
    Mutant(
        "handlers/constraints.py",
        "        if not self.active and self.once:",
        "        if False:",
        ("handlers/test_attachments.py::test_a_constraint_that_was_destroyed_or_lifted_for_good_may_be_followed_by_another",),
    ),
    Mutant(
        "handlers/attachments.py",
        ('    def ending(self) -> None:\n        """Its destructor."""'),
        ('    def ending(self) -> None:\n        """Its destructor."""\n        return'),
        ("handlers/test_attachments.py::test_a_decoration_may_follow_another",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def on_get_decoration(connection: Connection, message: Message) -> int:\n"
            '    """zxdg_decoration_manager_v1.get_toplevel_decoration(id, toplevel): one for a window, at version 1 before it has a buffer. The errors\n'
            '    belong to the decoration that comes to be, as with every compositor."""'
        ),
        (
            "def on_get_decoration(connection: Connection, message: Message) -> int:\n"
            '    """zxdg_decoration_manager_v1.get_toplevel_decoration(id, toplevel): one for a window, at version 1 before it has a buffer. The errors\n'
            '    belong to the decoration that comes to be, as with every compositor."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_a_window_has_one_decoration",),
    ),
    Mutant(
        "handlers/attachments.py",
        "    if window.decoration is not None:",
        "    if False:",
        ("handlers/test_attachments.py::test_a_window_has_one_decoration",),
    ),
    Mutant(
        "handlers/attachments.py",
        "    if surface is not None and message.target.version < 2 and (surface.mapped or surface.will_show_buffer()):",
        "    if False:",
        ("handlers/test_attachments.py::test_a_decoration_comes_before_the_first_buffer_at_version_1",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def decoration_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the decoration to its window, which may not go before it (windows.py)."""'
        ),
        (
            "def decoration_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the decoration to its window, which may not go before it (windows.py)."""\n'
            "    return"
        ),
        ("handlers/test_attachments.py::test_a_window_is_not_destroyed_before_its_decoration",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def on_decoration_mode(connection: Connection, message: Message) -> int:\n"
            '    """zxdg_toplevel_decoration_v1.set_mode(mode)."""'
        ),
        (
            "def on_decoration_mode(connection: Connection, message: Message) -> int:\n"
            '    """zxdg_toplevel_decoration_v1.set_mode(mode)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_a_mode_that_does_not_exist_is_invalid_mode",),
    ),
    Mutant(
        "handlers/attachments.py",
        "    if message.number(0) not in (1, 2):",
        "    if False:",
        ("handlers/test_attachments.py::test_a_mode_that_does_not_exist_is_invalid_mode",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def on_get_dialog(connection: Connection, message: Message) -> int:\n"
            '    """xdg_wm_dialog_v1.get_xdg_dialog(id, toplevel)."""'
        ),
        (
            "def on_get_dialog(connection: Connection, message: Message) -> int:\n"
            '    """xdg_wm_dialog_v1.get_xdg_dialog(id, toplevel)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_a_window_has_one_dialog",),
    ),
    Mutant(
        "handlers/attachments.py",
        "    if isinstance(window, Window) and window.dialog is not None and window.dialog.stage == LIVE:",
        "    if False:",
        ("handlers/test_attachments.py::test_a_window_has_one_dialog",),
    ),
    Mutant(
        "handlers/attachments.py",
        ('def dialog_made(connection: Connection, message: Message) -> None:\n    """Remembers the dialog."""'),
        ('def dialog_made(connection: Connection, message: Message) -> None:\n    """Remembers the dialog."""\n    return'),
        ("handlers/test_attachments.py::test_a_window_has_one_dialog",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def on_get_shell_surface(connection: Connection, message: Message) -> int:\n"
            '    """wl_shell.get_shell_surface(id, surface)."""'
        ),
        (
            "def on_get_shell_surface(connection: Connection, message: Message) -> int:\n"
            '    """wl_shell.get_shell_surface(id, surface)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_wl_shell_gives_a_role_once",),
    ),
    Mutant(
        "handlers/attachments.py",
        ("    if surface is not None:\n        if occupied(surface, message.rule.interface):"),
        ("    if False:\n        if occupied(surface, message.rule.interface):"),
        ("handlers/test_attachments.py::test_wl_shell_gives_a_role_once",),
    ),
    Mutant(
        "handlers/attachments.py",
        "        if occupied(surface, message.rule.interface):",
        "        if False:",
        ("handlers/test_attachments.py::test_wl_shell_gives_no_second_shell_surface",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def shell_surface_made(connection: Connection, message: Message) -> None:\n"
            '    """Remembers the wl_shell_surface, which ends with its surface."""'
        ),
        (
            "def shell_surface_made(connection: Connection, message: Message) -> None:\n"
            '    """Remembers the wl_shell_surface, which ends with its surface."""\n'
            "    return"
        ),
        ("handlers/test_attachments.py::test_wl_shell_gives_no_second_shell_surface",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def on_get_layer_surface(connection: Connection, message: Message) -> int:\n"
            '    """zwlr_layer_shell_v1.get_layer_surface(id, surface, ...)."""'
        ),
        (
            "def on_get_layer_surface(connection: Connection, message: Message) -> int:\n"
            '    """zwlr_layer_shell_v1.get_layer_surface(id, surface, ...)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_a_layer_surface_is_a_role",),
    ),
    Mutant(
        "handlers/attachments.py",
        ('    if surface is not None:\n        surface.take_role("zwlr_layer_surface_v1", message.target.guest_id, ROLE)'),
        ('    if False:\n        surface.take_role("zwlr_layer_surface_v1", message.target.guest_id, ROLE)'),
        ("handlers/test_attachments.py::test_a_layer_surface_is_a_role",),
    ),
    Mutant(
        "handlers/attachments.py",
        "        if surface.mapped or surface.will_show_buffer():",
        "        if surface.mapped:",
        ("handlers/test_attachments.py::test_a_layer_surface_has_no_buffer_yet",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def layer_surface_made(connection: Connection, message: Message) -> None:\n"
            '    """The wl_surface may not go before its role."""'
        ),
        (
            "def layer_surface_made(connection: Connection, message: Message) -> None:\n"
            '    """The wl_surface may not go before its role."""\n'
            "    return"
        ),
        ("handlers/test_attachments.py::test_a_surface_is_not_destroyed_before_its_layer_surface",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def on_token_request(connection: Connection, message: Message) -> int:\n"
            '    """Any request of a token but destroy; commit is the last."""'
        ),
        (
            "def on_token_request(connection: Connection, message: Message) -> int:\n"
            '    """Any request of a token but destroy; commit is the last."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_a_token_is_asked_for_once",),
    ),
    Mutant(
        "handlers/attachments.py",
        "    if isinstance(note, Token):",
        "    if False:",
        ("handlers/test_attachments.py::test_a_token_is_asked_for_once",),
    ),
    Mutant(
        "handlers/attachments.py",
        "        if note.used:",
        "        if False:",
        ("handlers/test_attachments.py::test_a_token_is_asked_for_once",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def on_token_app_id(connection: Connection, message: Message) -> int:\n"
            '    """xdg_activation_token_v1.set_app_id(app_id)."""'
        ),
        (
            "def on_token_app_id(connection: Connection, message: Message) -> int:\n"
            '    """xdg_activation_token_v1.set_app_id(app_id)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_a_token_is_asked_for_once",),
    ),
    Mutant(
        "handlers/attachments.py",
        (
            "def single_pixel_made(connection: Connection, message: Message) -> None:\n"
            '    """The wl_buffer of create_u32_rgba_buffer is one pixel large."""'
        ),
        (
            "def single_pixel_made(connection: Connection, message: Message) -> None:\n"
            '    """The wl_buffer of create_u32_rgba_buffer is one pixel large."""\n'
            "    return"
        ),
        ("handlers/test_attachments.py::test_a_single_pixel_has_a_size",),
    ),
    Mutant(
        "handlers/attachments.py",
        ('    def look(self, opcode: i64, data: bytes, at: i64) -> bool:\n        """add and subtract."""'),
        ('    def look(self, opcode: i64, data: bytes, at: i64) -> bool:\n        """add and subtract."""\n        return True'),
        ("handlers/test_attachments.py::test_a_region_has_a_bounded_number_of_rectangles",),
    ),
    Mutant(
        "handlers/attachments.py",
        ('def on_rectangle(connection: Connection, message: Message) -> int:\n    """A rectangle too many is left out."""'),
        (
            "def on_rectangle(connection: Connection, message: Message) -> int:\n"
            '    """A rectangle too many is left out."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_a_region_has_a_bounded_number_of_rectangles",),
    ),
    Mutant(
        "handlers/buffers.py",
        ('    def ending(self) -> None:\n        """wl_shm_pool.destroy: it lives on in its buffers."""'),
        ('    def ending(self) -> None:\n        """wl_shm_pool.destroy: it lives on in its buffers."""\n        return'),
        ("handlers/test_buffers.py::test_descriptors_kept_for_pools_come_back_with_the_pool_or_at_the_end",),
    ),
    Mutant(
        "handlers/buffers.py",
        (
            "    def let_go(self) -> None:\n"
            '        """Closes what nothing needs any more: without a shadow that is at the pool\'s end, with one at its last buffer\'s."""'
        ),
        (
            "    def let_go(self) -> None:\n"
            '        """Closes what nothing needs any more: without a shadow that is at the pool\'s end, with one at its last buffer\'s."""\n'
            "        return"
        ),
        ("handlers/test_buffers.py::test_descriptors_kept_for_pools_come_back_with_the_pool_or_at_the_end",),
    ),
    Mutant(
        "handlers/buffers.py",
        ('    def ending(self) -> None:\n        """wl_buffer.destroy."""'),
        ('    def ending(self) -> None:\n        """wl_buffer.destroy."""\n        return'),
        ("handlers/test_buffers.py::test_all_buffers_of_a_guest_together_are_bounded_over_its_connections",),
    ),
    Mutant(
        "handlers/buffers.py",
        (
            "    def before_commit(self) -> None:\n"
            '        """Brings the copy up to date where the guest\'s own file cannot be handed on."""'
        ),
        (
            "    def before_commit(self) -> None:\n"
            '        """Brings the copy up to date where the guest\'s own file cannot be handed on."""\n'
            "        return"
        ),
        ("handlers/test_buffers.py::test_a_file_that_takes_no_seals_is_replaced_by_a_copy_that_commits_bring_up_to_date",),
    ),
    Mutant(
        "handlers/buffers.py",
        "        if not self.connection.files.copy(pool.file, pool.shadow, self.offset, self.bytes):",
        "        if False:",
        ("handlers/test_buffers.py::test_a_file_that_takes_no_seals_is_replaced_by_a_copy_that_commits_bring_up_to_date",),
    ),
    Mutant(
        "handlers/buffers.py",
        (
            "def on_create_pool(connection: Connection, message: Message) -> int:\n"
            '    """wl_shm.create_pool(id, fd, size): the file must be what it is said to be, and stay so."""'
        ),
        (
            "def on_create_pool(connection: Connection, message: Message) -> int:\n"
            '    """wl_shm.create_pool(id, fd, size): the file must be what it is said to be, and stay so."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_buffers.py::test_a_pool_that_cannot_be_written_is_invalid_fd",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if size <= 0:",
        "    if False:",
        ("handlers/test_buffers.py::test_a_pool_of_no_size_is_invalid_stride",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if size > BIGGEST_POOL:",
        "    if False:",
        ("handlers/test_buffers.py::test_a_pool_beyond_the_quota_is_refused",),
    ),
    Mutant(
        "handlers/buffers.py",
        (
            "def check_pool_file(connection: Connection, message: Message, fd: Fd, size: int) -> None:\n"
            '    """Raises invalid_fd unless the compositor could map the file read-write, all of it, for as long as it likes. That it is shared\n'
            '    memory has been seen to (descriptors.py)."""'
        ),
        (
            "def check_pool_file(connection: Connection, message: Message, fd: Fd, size: int) -> None:\n"
            '    """Raises invalid_fd unless the compositor could map the file read-write, all of it, for as long as it likes. That it is shared\n'
            '    memory has been seen to (descriptors.py)."""\n'
            "    return"
        ),
        ("handlers/test_buffers.py::test_a_pool_that_cannot_be_written_is_invalid_fd",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if fd.access != READ_WRITE or (fd.seals > 0 and fd.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)):",
        "    if (fd.seals > 0 and fd.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)):",
        ("handlers/test_buffers.py::test_a_pool_that_cannot_be_written_is_invalid_fd",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if fd.access != READ_WRITE or (fd.seals > 0 and fd.seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)):",
        "    if fd.access != READ_WRITE:",
        ("handlers/test_buffers.py::test_a_pool_sealed_against_writing_is_invalid_fd",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if not fd.seals & F_SEAL_SHRINK and not connection.tables.copies_unsealable:",
        "    if False:",
        ("handlers/test_buffers.py::test_a_file_that_takes_no_seals_is_refused_where_the_policy_says_so",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if fd.size < size:",
        "    if False:",
        ("handlers/test_buffers.py::test_a_pool_larger_than_its_file_is_invalid_fd",),
    ),
    Mutant(
        "handlers/buffers.py",
        (
            "def pool_made(connection: Connection, message: Message) -> None:\n"
            '    """Remembers the new pool, and replaces a file that takes no seals by one of our own."""'
        ),
        (
            "def pool_made(connection: Connection, message: Message) -> None:\n"
            '    """Remembers the new pool, and replaces a file that takes no seals by one of our own."""\n'
            "    return"
        ),
        ("handlers/test_buffers.py::test_a_buffer_beyond_the_quota_is_refused",),
    ),
    Mutant(
        "handlers/buffers.py",
        (
            "def on_resize(connection: Connection, message: Message) -> int:\n"
            '    """wl_shm_pool.resize(size): only larger, and only as large as the file is by now."""'
        ),
        (
            "def on_resize(connection: Connection, message: Message) -> int:\n"
            '    """wl_shm_pool.resize(size): only larger, and only as large as the file is by now."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_buffers.py::test_a_pool_may_grow_only_as_far_as_its_file",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if size < pool.size or size > BIGGEST_POOL:",
        "    if size > BIGGEST_POOL:",
        ("handlers/test_buffers.py::test_a_pool_may_not_shrink",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if size < pool.size or size > BIGGEST_POOL:",
        "    if size < pool.size:",
        ("handlers/test_buffers.py::test_a_pool_does_not_grow_beyond_what_a_pool_may_be",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if pool.file is not None:",
        "    if False:",
        ("handlers/test_buffers.py::test_a_pool_may_grow_only_as_far_as_its_file",),
    ),
    Mutant(
        "handlers/buffers.py",
        "        if pool.file.size < size:",
        "        if False:",
        ("handlers/test_buffers.py::test_a_pool_may_grow_only_as_far_as_its_file",),
    ),
    Mutant(
        "handlers/buffers.py",
        (
            "def on_create_buffer(connection: Connection, message: Message) -> int:\n"
            '    """wl_shm_pool.create_buffer(id, offset, width, height, stride, format): inside its pool, in Python\'s own integers."""'
        ),
        (
            "def on_create_buffer(connection: Connection, message: Message) -> int:\n"
            '    """wl_shm_pool.create_buffer(id, offset, width, height, stride, format): inside its pool, in Python\'s own integers."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_buffers.py::test_a_buffer_beyond_the_quota_is_refused",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if bytes_per_pixel is None:",
        "    if False:",
        ("handlers/test_buffers.py::test_only_formats_whose_size_is_known_make_a_buffer",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if width < 1 or height < 1 or offset < 0 or stride < width * bytes_per_pixel or offset + stride * height > pool.size:",
        "    if height < 1 or offset < 0 or stride < width * bytes_per_pixel or offset + stride * height > pool.size:",
        ("handlers/test_buffers.py::test_a_buffer_that_does_not_lie_in_its_pool_is_invalid_stride",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if width < 1 or height < 1 or offset < 0 or stride < width * bytes_per_pixel or offset + stride * height > pool.size:",
        "    if width < 1 or height < 1 or offset < 0 or offset + stride * height > pool.size:",
        ("handlers/test_buffers.py::test_a_buffer_that_does_not_lie_in_its_pool_is_invalid_stride",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if width < 1 or height < 1 or offset < 0 or stride < width * bytes_per_pixel or offset + stride * height > pool.size:",
        "    if width < 1 or height < 1 or offset < 0 or stride < width * bytes_per_pixel:",
        ("handlers/test_buffers.py::test_a_buffer_that_does_not_lie_in_its_pool_is_invalid_stride",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if width < 1 or height < 1 or offset < 0 or stride < width * bytes_per_pixel or offset + stride * height > pool.size:",
        "    if width < 1 or height < 1 or stride < width * bytes_per_pixel or offset + stride * height > pool.size:",
        ("handlers/test_buffers.py::test_a_buffer_that_does_not_lie_in_its_pool_is_invalid_stride",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if width < 1 or height < 1 or offset < 0 or stride < width * bytes_per_pixel or offset + stride * height > pool.size:",
        "    if width < 1 or offset < 0 or stride < width * bytes_per_pixel or offset + stride * height > pool.size:",
        ("handlers/test_buffers.py::test_a_buffer_that_does_not_lie_in_its_pool_is_invalid_stride",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if width > FARTHEST or height > FARTHEST:",
        "    if width > FARTHEST:",
        ("handlers/test_buffers.py::test_a_buffer_that_no_screen_can_show_is_refused",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if stride * height > BIGGEST_BUFFER:",
        "    if False:",
        ("handlers/test_buffers.py::test_a_buffer_beyond_the_quota_is_refused",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if connection.usage.shm_bytes + stride * height > limits.shm_bytes:",
        "    if False:",
        ("handlers/test_buffers.py::test_all_buffers_of_a_guest_together_are_bounded_over_its_connections",),
    ),
    Mutant(
        "handlers/buffers.py",
        "    if pool.buffers >= limits.pool_buffers:",
        "    if False:",
        ("handlers/test_buffers.py::test_one_pool_has_a_bounded_number_of_buffers",),
    ),
    Mutant(
        "handlers/buffers.py",
        ('def buffer_made(connection: Connection, message: Message) -> None:\n    """Links the new buffer to its pool."""'),
        (
            "def buffer_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the new buffer to its pool."""\n'
            "    return"
        ),
        ("handlers/test_buffers.py::test_one_pool_has_a_bounded_number_of_buffers",),
    ),
    Mutant(
        "handlers/costs.py",
        ('    "xdg_toplevel": TOPLEVELS,\n'),
        "",
        ("core/test_quotas.py::test_windows_are_counted_until_the_compositor_has_let_go_of_them",),
    ),
    Mutant(
        "handlers/costs.py",
        ('    "wl_shm_pool": SHM_POOLS,\n'),
        "",
        ("handlers/test_buffers.py::test_pools_that_are_alive_are_bounded",),
    ),
    Mutant(
        "handlers/costs.py",
        ('    ("xdg_toplevel", "set_title"): STATE,\n'),
        "",
        ("core/test_quotas.py::test_what_makes_panels_draw_counts_for_many",),
    ),
    Mutant(
        "handlers/costs.py",
        "COMMIT: Final = 20",
        "COMMIT: Final = 0",
        ("core/test_quotas.py::test_what_makes_panels_draw_counts_for_many",),
    ),
    Mutant(
        "handlers/cursors.py",
        (
            "def on_set_cursor(connection: Connection, message: Message) -> int:\n"
            '    """wl_pointer.set_cursor, zwp_tablet_tool_v2.set_cursor(serial, surface, hotspot_x, hotspot_y)."""'
        ),
        (
            "def on_set_cursor(connection: Connection, message: Message) -> int:\n"
            '    """wl_pointer.set_cursor, zwp_tablet_tool_v2.set_cursor(serial, surface, hotspot_x, hotspot_y)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_cursors.py::test_a_window_is_no_cursor",),
    ),
    Mutant(
        "handlers/cursors.py",
        (
            "def on_set_shape(connection: Connection, message: Message) -> int:\n"
            '    """wp_cursor_shape_device_v1.set_shape(serial, shape)."""'
        ),
        (
            "def on_set_shape(connection: Connection, message: Message) -> int:\n"
            '    """wp_cursor_shape_device_v1.set_shape(serial, shape)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_cursors.py::test_a_shape_is_one_of_the_version_bound",),
    ),
    Mutant(
        "handlers/cursors.py",
        "    if not 1 <= shape <= last:",
        "    if False:",
        ("handlers/test_cursors.py::test_a_shape_is_one_of_the_version_bound",),
    ),
    Mutant(
        "handlers/descriptors.py",
        (
            "def vet(connection: Connection, message: Message) -> int:\n"
            '    """Judges the descriptors of a message by their facts. Raises for a request\'s, drops an event that no guest may get."""'
        ),
        (
            "def vet(connection: Connection, message: Message) -> int:\n"
            '    """Judges the descriptors of a message by their facts. Raises for a request\'s, drops an event that no guest may get."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_descriptors.py::test_clipboard_data_goes_into_a_pipe_and_nothing_else",),
    ),
    Mutant(
        "handlers/descriptors.py",
        "        if reason:",
        "        if False:",
        ("handlers/test_descriptors.py::test_clipboard_data_goes_into_a_pipe_and_nothing_else",),
    ),
    Mutant(
        "handlers/descriptors.py",
        (
            "def on_icc_file(connection: Connection, message: Message) -> int:\n"
            '    """wp_image_description_creator_icc_v1.set_icc_file(icc_profile, offset, length): the part named is in the file."""'
        ),
        (
            "def on_icc_file(connection: Connection, message: Message) -> int:\n"
            '    """wp_image_description_creator_icc_v1.set_icc_file(icc_profile, offset, length): the part named is in the file."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_descriptors.py::test_a_colour_profile_that_is_not_one_gets_the_error_named_for_it",),
    ),
    Mutant(
        "handlers/descriptors.py",
        "    if not 0 < length <= ICC_BYTES:",
        "    if False:",
        ("handlers/test_descriptors.py::test_a_colour_profile_that_is_not_one_gets_the_error_named_for_it",),
    ),
    Mutant(
        "handlers/descriptors.py",
        "    if fd.kind != UNKNOWN and offset + length > fd.size:",
        "    if False:",
        ("handlers/test_descriptors.py::test_a_colour_profile_that_is_not_one_gets_the_error_named_for_it",),
    ),
    Mutant(
        "handlers/descriptors.py",
        (
            "def exchange(connection: Connection, message: Message) -> int:\n"
            '    """Puts descriptors of ours in the place of those that are not to reach the other side."""'
        ),
        (
            "def exchange(connection: Connection, message: Message) -> int:\n"
            '    """Puts descriptors of ours in the place of those that are not to reach the other side."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_descriptors.py::test_a_keymap_larger_than_its_file_is_refused",),
    ),
    Mutant(
        "handlers/descriptors.py",
        (
            "def snapshot(connection: Connection, message: Message, use: Use) -> None:\n"
            '    """A copy of what the guest\'s file holds now. Raises where it is larger than anything of the kind or not all there."""'
        ),
        (
            "def snapshot(connection: Connection, message: Message, use: Use) -> None:\n"
            '    """A copy of what the guest\'s file holds now. Raises where it is larger than anything of the kind or not all there."""\n'
            "    return"
        ),
        ("handlers/test_descriptors.py::test_a_keymap_larger_than_its_file_is_refused",),
    ),
    Mutant(
        "handlers/descriptors.py",
        "    if size > use.most or size > fd.size:",
        "    if size > fd.size:",
        ("handlers/test_descriptors.py::test_a_colour_profile_that_is_not_one_gets_the_error_named_for_it",),
    ),
    Mutant(
        "handlers/descriptors.py",
        "    if size > use.most or size > fd.size:",
        "    if size > use.most:",
        ("handlers/test_descriptors.py::test_a_keymap_larger_than_its_file_is_refused",),
    ),
    Mutant(
        "handlers/display.py",
        (
            "def on_error(connection: Connection, message: Message) -> int:\n"
            '    """The compositor ends the connection with a protocol error."""'
        ),
        (
            "def on_error(connection: Connection, message: Message) -> int:\n"
            '    """The compositor ends the connection with a protocol error."""\n'
            "    return FORWARD"
        ),
        ("core/test_session.py::test_the_compositors_error_reaches_the_guest_with_an_object_it_knows",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        ('    def add(self, pixels: int, modifier: int) -> None:\n        """One pair, as far as there is room."""'),
        (
            "    def add(self, pixels: int, modifier: int) -> None:\n"
            '        """One pair, as far as there is room."""\n'
            "        return"
        ),
        ("handlers/test_dmabufs.py::test_a_size_that_is_not_positive_is_invalid_dimensions",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    return told(connection, message.number(0), IMPLICIT)",
        "    return FORWARD",
        ("handlers/test_dmabufs.py::test_a_format_of_the_first_versions_goes_without_a_modifier",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    return told(connection, message.number(0), message.number(1) << 32 | message.number(2))",
        "    return FORWARD",
        ("handlers/test_dmabufs.py::test_a_size_that_is_not_positive_is_invalid_dimensions",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "def on_format_table(connection: Connection, message: Message) -> None:\n"
            '    """The event format_table(fd, size); the descriptor is the guest\'s copy by now, and nobody else has it yet."""'
        ),
        (
            "def on_format_table(connection: Connection, message: Message) -> None:\n"
            '    """The event format_table(fd, size); the descriptor is the guest\'s copy by now, and nobody else has it yet."""\n'
            "    return"
        ),
        ("handlers/test_dmabufs.py::test_the_table_of_formats_is_a_copy_and_says_what_may_be_used",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if not isinstance(note, Feedback) or not isinstance(indices, bytes):",
        "    if True:",
        ("handlers/test_dmabufs.py::test_the_table_of_formats_is_a_copy_and_says_what_may_be_used",),
    ),
    Mutant(
        "handlers/dmabufs.py", "    if note.used:", "    if False:", ("handlers/test_dmabufs.py::test_params_make_one_buffer",)
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "def on_add(connection: Connection, message: Message) -> int:\n"
            '    """add(fd, plane_idx, offset, stride, modifier_hi, modifier_lo)."""'
        ),
        (
            "def on_add(connection: Connection, message: Message) -> int:\n"
            '    """add(fd, plane_idx, offset, stride, modifier_hi, modifier_lo)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_dmabufs.py::test_a_plane_beyond_the_fourth_is_plane_idx",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if index >= MOST_PLANES:",
        "    if False:",
        ("handlers/test_dmabufs.py::test_a_plane_beyond_the_fourth_is_plane_idx",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if index in params.planes:",
        "    if False:",
        ("handlers/test_dmabufs.py::test_a_plane_set_twice_is_plane_set",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if message.target.version >= SAME_MODIFIER_SINCE and any(p.modifier != modifier for p in params.planes.values()):",
        "    if False:",
        ("handlers/test_dmabufs.py::test_planes_of_different_modifiers_are_invalid_format_from_version_5",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "def on_create(connection: Connection, message: Message) -> int:\n"
            '    """create(width, height, format, flags), create_immed(buffer_id, width, height, format, flags)."""'
        ),
        (
            "def on_create(connection: Connection, message: Message) -> int:\n"
            '    """create(width, height, format, flags), create_immed(buffer_id, width, height, format, flags)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_dmabufs.py::test_a_gap_in_the_planes_is_incomplete",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "def check_buffer(connection: Connection, address: int, params: Params, width: int, height: int, pixels: int) -> None:\n"
            '    """Raises the error that the specification names, in the order of libweston\'s checks."""'
        ),
        (
            "def check_buffer(connection: Connection, address: int, params: Params, width: int, height: int, pixels: int) -> None:\n"
            '    """Raises the error that the specification names, in the order of libweston\'s checks."""\n'
            "    return"
        ),
        ("handlers/test_dmabufs.py::test_a_gap_in_the_planes_is_incomplete",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if count == 0 or max(params.planes) != count - 1:",
        "    if count == 0:",
        ("handlers/test_dmabufs.py::test_a_gap_in_the_planes_is_incomplete",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if count == 0 or max(params.planes) != count - 1:",
        "    if max(params.planes) != count - 1:",
        ("handlers/test_dmabufs.py::test_a_gap_in_the_planes_is_incomplete",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "        if not formats_of(connection).has(pixels, plane.modifier):",
        "        if False:",
        ("handlers/test_dmabufs.py::test_a_pair_that_was_not_offered_is_invalid_format",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if width < 1 or height < 1:",
        "    if height < 1:",
        ("handlers/test_dmabufs.py::test_a_size_that_is_not_positive_is_invalid_dimensions",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if width < 1 or height < 1:",
        "    if width < 1:",
        ("handlers/test_dmabufs.py::test_a_size_that_is_not_positive_is_invalid_dimensions",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "    if width > FARTHEST or height > FARTHEST:\n"
            '        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{width} x {height} is above {FARTHEST}", "quota: buffer-size")\n'
            "    for index, plane in params.planes.items():"
        ),
        (
            "    if height > FARTHEST:\n"
            '        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{width} x {height} is above {FARTHEST}", "quota: buffer-size")\n'
            "    for index, plane in params.planes.items():"
        ),
        ("handlers/test_dmabufs.py::test_a_size_that_no_screen_can_show_is_refused",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "        if not fits(plane, index, width, height, pixels):",
        "        if False:",
        ("handlers/test_dmabufs.py::test_a_plane_that_does_not_lie_in_its_dma_buf_is_out_of_bounds",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if plane.stride == 0 or (index == 0 and plane.modifier == LINEAR and plane.stride < width * BYTES_PER_PIXEL.get(pixels, 0)):",
        "    if (index == 0 and plane.modifier == LINEAR and (plane.stride < width * BYTES_PER_PIXEL.get(pixels, 0))):",
        ("handlers/test_dmabufs.py::test_a_stride_of_nothing_is_out_of_bounds_whatever_the_layout",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if plane.stride == 0 or (index == 0 and plane.modifier == LINEAR and plane.stride < width * BYTES_PER_PIXEL.get(pixels, 0)):",
        "    if plane.stride == 0:",
        ("handlers/test_dmabufs.py::test_a_plane_that_does_not_lie_in_its_dma_buf_is_out_of_bounds",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "def buffer_made(connection: Connection, message: Message) -> None:\n"
            '    """The new wl_buffer of create_immed, or of the event `created`, has the size the params were given."""'
        ),
        (
            "def buffer_made(connection: Connection, message: Message) -> None:\n"
            '    """The new wl_buffer of create_immed, or of the event `created`, has the size the params were given."""\n'
            "    return"
        ),
        ("handlers/test_dmabufs.py::test_a_buffers_size_is_known_to_its_viewport",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "def on_sampling_device(connection: Connection, message: Message) -> int:\n"
            '    """set_sampling_device(device): a dev_t."""'
        ),
        (
            "def on_sampling_device(connection: Connection, message: Message) -> int:\n"
            '    """set_sampling_device(device): a dev_t."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_dmabufs.py::test_a_device_is_a_dev_t",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if not isinstance(device, bytes) or len(device) != DEV_T_BYTES:",
        "    if not isinstance(device, bytes):",
        ("handlers/test_dmabufs.py::test_a_device_is_a_dev_t",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "def on_drm_name(connection: Connection, message: Message) -> int:\n"
            '    """wl_drm.create_buffer, create_planar_buffer: by a GEM name, which anybody can guess; whose memory it is, nothing proves."""'
        ),
        (
            "def on_drm_name(connection: Connection, message: Message) -> int:\n"
            '    """wl_drm.create_buffer, create_planar_buffer: by a GEM name, which anybody can guess; whose memory it is, nothing proves."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_dmabufs.py::test_a_buffer_by_name_is_invalid_name",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "def on_drm_prime(connection: Connection, message: Message) -> int:\n"
            '    """wl_drm.create_prime_buffer(id, name, width, height, format, offset0, stride0, ...)."""'
        ),
        (
            "def on_drm_prime(connection: Connection, message: Message) -> int:\n"
            '    """wl_drm.create_prime_buffer(id, name, width, height, format, offset0, stride0, ...)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_dmabufs.py::test_a_prime_buffer_lies_in_its_dma_buf",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if width < 1 or height < 1 or offset < 0 or stride < 1:",
        "    if height < 1 or offset < 0 or stride < 1:",
        ("handlers/test_dmabufs.py::test_a_prime_buffer_lies_in_its_dma_buf",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if width < 1 or height < 1 or offset < 0 or stride < 1:",
        "    if width < 1 or height < 1 or offset < 0:",
        ("handlers/test_dmabufs.py::test_a_prime_buffer_lies_in_its_dma_buf",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if width < 1 or height < 1 or offset < 0 or stride < 1:",
        "    if width < 1 or height < 1 or stride < 1:",
        ("handlers/test_dmabufs.py::test_a_prime_buffer_lies_in_its_dma_buf",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        (
            "    if width > FARTHEST or height > FARTHEST:\n"
            '        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{width} x {height} is above {FARTHEST}", "quota: buffer-size")\n'
            "    if not fits(Plane(offset, stride, IMPLICIT, message.descriptors[0].size), 0, width, height, pixels):"
        ),
        (
            "    if height > FARTHEST:\n"
            '        raise PolicyViolation(DISPLAY_ID, IMPLEMENTATION, f"{width} x {height} is above {FARTHEST}", "quota: buffer-size")\n'
            "    if not fits(Plane(offset, stride, IMPLICIT, message.descriptors[0].size), 0, width, height, pixels):"
        ),
        ("handlers/test_dmabufs.py::test_a_prime_buffer_that_no_screen_can_show_is_refused",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if not fits(Plane(offset, stride, IMPLICIT, message.descriptors[0].size), 0, width, height, pixels):",
        "    if False:",
        ("handlers/test_dmabufs.py::test_a_prime_buffer_lies_in_its_dma_buf",),
    ),
    Mutant(
        "handlers/host_files.py",
        (
            "def vet(connection: Connection, message: Message) -> int:\n"
            '    """Drops an event with a descriptor that is not for guests."""'
        ),
        (
            "def vet(connection: Connection, message: Message) -> int:\n"
            '    """Drops an event with a descriptor that is not for guests."""\n'
            "    return FORWARD"
        ),
        (
            "handlers/test_host_files.py::test_an_event_with_a_descriptor_that_no_guest_may_have_is_dropped_and_what_it_creates_is_retired",
        ),
    ),
    Mutant(
        "handlers/host_files.py",
        ('def exchange(connection: Connection, message: Message) -> int:\n    """Replaces the descriptor by one of ours."""'),
        (
            "def exchange(connection: Connection, message: Message) -> int:\n"
            '    """Replaces the descriptor by one of ours."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_host_files.py::test_a_keymap_is_copied_and_the_compositors_own_closed",),
    ),
    Mutant(
        "handlers/host_files.py",
        (
            "def on_file(connection: Connection, message: Message) -> int:\n"
            '    """One of FILES: the descriptor is replaced by that of a copy."""'
        ),
        (
            "def on_file(connection: Connection, message: Message) -> int:\n"
            '    """One of FILES: the descriptor is replaced by that of a copy."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_host_files.py::test_a_keymap_is_copied_and_the_compositors_own_closed",),
    ),
    Mutant(
        "handlers/host_files.py",
        "    if size > most:",
        "    if False:",
        ("handlers/test_host_files.py::test_a_keymap_that_is_too_large_is_not_handed_on",),
    ),
    Mutant(
        "handlers/icons.py",
        "    if note.immutable:",
        "    if False:",
        ("handlers/test_icons.py::test_an_icon_that_is_set_is_immutable",),
    ),
    Mutant(
        "handlers/icons.py",
        (
            "def on_set_name(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel_icon_v1.set_name(icon_name)."""'
        ),
        (
            "def on_set_name(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel_icon_v1.set_name(icon_name)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_icons.py::test_an_icon_that_is_set_is_immutable",),
    ),
    Mutant(
        "handlers/icons.py",
        (
            "def on_add_buffer(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel_icon_v1.add_buffer(buffer, scale). One that is too large is left out: the icon has others, or none."""'
        ),
        (
            "def on_add_buffer(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel_icon_v1.add_buffer(buffer, scale). One that is too large is left out: the icon has others, or none."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_icons.py::test_an_icon_that_is_not_square_is_invalid_buffer",),
    ),
    Mutant(
        "handlers/icons.py",
        "    if found is None or not isinstance(content, Buffer) or content.bytes == 0 or content.width != content.height:",
        "    if found is None or not isinstance(content, Buffer) or content.bytes == 0:",
        ("handlers/test_icons.py::test_an_icon_that_is_not_square_is_invalid_buffer",),
    ),
    Mutant(
        "handlers/icons.py",
        "    if found is None or not isinstance(content, Buffer) or content.bytes == 0 or content.width != content.height:",
        "    if found is None or not isinstance(content, Buffer) or content.width != content.height:",
        ("handlers/test_icons.py::test_an_icon_that_is_no_shared_memory_is_invalid_buffer",),
    ),
    Mutant(
        "handlers/icons.py",
        "    if content.width > largest or len(icon.buffers) >= MOST_BUFFERS or message.number(1) < 1:",
        "    if content.width > largest or len(icon.buffers) >= MOST_BUFFERS:",
        ("handlers/test_icons.py::test_an_icon_of_no_scale_is_left_out",),
    ),
    Mutant(
        "handlers/icons.py",
        "    if content.width > largest or len(icon.buffers) >= MOST_BUFFERS or message.number(1) < 1:",
        "    if content.width > largest or message.number(1) < 1:",
        ("handlers/test_icons.py::test_an_icon_has_a_bounded_number_of_buffers",),
    ),
    Mutant(
        "handlers/icons.py",
        "    if content.width > largest or len(icon.buffers) >= MOST_BUFFERS or message.number(1) < 1:",
        "    if len(icon.buffers) >= MOST_BUFFERS or message.number(1) < 1:",
        ("handlers/test_icons.py::test_an_icon_that_is_too_large_is_left_out",),
    ),
    Mutant(
        "handlers/icons.py",
        (
            "def on_set_icon(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel_icon_manager_v1.set_icon(toplevel, icon)."""'
        ),
        (
            "def on_set_icon(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel_icon_manager_v1.set_icon(toplevel, icon)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_icons.py::test_an_icon_that_is_set_is_immutable",),
    ),
    Mutant(
        "handlers/icons.py",
        "    if isinstance(note, Icon):",
        "    if False:",
        ("handlers/test_icons.py::test_an_icon_that_is_set_is_immutable",),
    ),
    Mutant(
        "handlers/icons.py",
        "        if any(buffer.stage != LIVE for buffer in note.buffers):",
        "        if False:",
        ("handlers/test_icons.py::test_an_icon_whose_buffer_has_gone_is_no_buffer",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if shell is not None and connection.tables.takes_down:",
        "    if shell is not None:",
        ("handlers/test_surfaces.py::test_a_surface_goes_after_its_window_where_the_policy_does_not_say_otherwise",),
    ),
    Mutant(
        "policy/compare.py",
        "        yield Change(_kind(now == IN_ORDER, now != IN_ORDER)",
        "        yield Change(_kind(False, True)",
        ("policy/test_layers.py::test_what_takes_windows_down_is_wider_and_inherited",),
    ),
    Mutant(
        "handlers/registry.py",
        (
            "def on_global(connection: Connection, message: Message) -> int:\n"
            '    """wl_registry.global: announced if the policy allows the interface, at most at the version it allows."""'
        ),
        (
            "def on_global(connection: Connection, message: Message) -> int:\n"
            '    """wl_registry.global: announced if the policy allows the interface, at most at the version it allows."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_registry.py::test_a_global_that_appears_later_is_filtered_like_the_first_ones",),
    ),
    Mutant(
        "handlers/registry.py",
        "    if allowed is None or len(registry.by_guest) >= MOST_NAMES or interface in connection.hidden:",
        "    if len(registry.by_guest) >= MOST_NAMES or interface in connection.hidden:",
        ("handlers/test_registry.py::test_a_global_that_appears_later_is_filtered_like_the_first_ones",),
    ),
    Mutant(
        "handlers/registry.py",
        "        return self._current.get(announced.host_name) is announced",
        "        return True",
        ("handlers/test_registry.py::test_a_bind_that_crosses_the_removal_gives_an_inert_object",),
    ),
    Mutant(
        "handlers/registry.py",
        "        if found is None or found.interface != interface or found.version != version:\n            if len(self._by_names)",
        "        if found is None:\n            if len(self._by_names)",
        ("handlers/test_registry.py::test_what_one_connection_was_told_is_not_what_another_was",),
    ),
    Mutant(
        "handlers/registry.py",
        "            self.gone.discard(announced.guest_name)",
        "            pass",
        ("handlers/test_registry.py::test_a_global_that_came_again_under_its_name_can_go_again",),
    ),
    Mutant(
        "handlers/registry.py",
        (
            "def on_global_remove(connection: Connection, message: Message) -> int:\n"
            '    """wl_registry.global_remove: told only to a registry that was told of the global."""'
        ),
        (
            "def on_global_remove(connection: Connection, message: Message) -> int:\n"
            '    """wl_registry.global_remove: told only to a registry that was told of the global."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_registry.py::test_global_remove_is_told_only_for_what_was_announced",),
    ),
    Mutant(
        "handlers/registry.py",
        ("    if announced is None:\n        return DROP"),
        ("    if False:\n        return DROP"),
        ("handlers/test_registry.py::test_global_remove_is_told_only_for_what_was_announced",),
    ),
    Mutant(
        "handlers/registry.py",
        (
            "def on_bind(connection: Connection, message: Message) -> int:\n"
            '    """wl_registry.bind: only what this registry announced, under its interface, up to its version.\n'
            "\n"
            "    A global that has gone in the meantime gives an inert object: the guest could not know (docs/traps.md 11). Under a transparent policy\n"
            "    the compositor itself is left to answer.\n"
            '    """'
        ),
        (
            "def on_bind(connection: Connection, message: Message) -> int:\n"
            '    """wl_registry.bind: only what this registry announced, under its interface, up to its version.\n'
            "\n"
            "    A global that has gone in the meantime gives an inert object: the guest could not know (docs/traps.md 11). Under a transparent policy\n"
            "    the compositor itself is left to answer.\n"
            '    """\n'
            "    return FORWARD"
        ),
        ("handlers/test_registry.py::test_a_hidden_global_cannot_be_bound_by_guessing_its_name",),
    ),
    Mutant(
        "handlers/registry.py",
        (
            "    if announced is None:\n"
            '        raise ProtocolViolation(registry, INVALID_OBJECT, f"invalid global {interface[:64]!a} ({name})")'
        ),
        (
            "    if False:\n"
            '        raise ProtocolViolation(registry, INVALID_OBJECT, f"invalid global {interface[:64]!a} ({name})")'
        ),
        ("handlers/test_registry.py::test_a_hidden_global_cannot_be_bound_by_guessing_its_name",),
    ),
    Mutant(
        "handlers/registry.py",
        "    if announced.interface != interface:",
        "    if False:",
        ("handlers/test_registry.py::test_a_bind_for_another_interface_than_announced_is_refused",),
    ),
    Mutant(
        "handlers/registry.py",
        "    if not 1 <= version <= announced.version:",
        "    if False:",
        ("handlers/test_registry.py::test_a_bind_beyond_the_version_announced_is_refused",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if not is_type(named):",
        "    if False:",
        ("handlers/test_selections.py::test_what_is_no_type_is_left_out_of_a_source",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if named not in types and len(types) >= MOST_TYPES:",
        "    if False:",
        ("handlers/test_selections.py::test_a_source_has_at_most_32_types",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_source_type(connection: Connection, message: Message) -> int:\n"
            '    """The request `offer` of a source: a type too many, or one that is none, is left out."""'
        ),
        (
            "def on_source_type(connection: Connection, message: Message) -> int:\n"
            '    """The request `offer` of a source: a type too many, or one that is none, is left out."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_what_is_no_type_is_left_out_of_a_source",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_source_actions(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_source.set_actions(dnd_actions): once, for a drag, before it begins."""'
        ),
        (
            "def on_source_actions(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_source.set_actions(dnd_actions): once, for a drag, before it begins."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_a_source_with_drag_actions_is_no_selection",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "    if actions & ~ALL_ACTIONS:\n"
            '        raise ProtocolViolation(message.target.guest_id, INVALID_ACTION_MASK, f"invalid action mask {actions:#x}")'
        ),
        (
            "    if False:\n"
            '        raise ProtocolViolation(message.target.guest_id, INVALID_ACTION_MASK, f"invalid action mask {actions:#x}")'
        ),
        ("handlers/test_selections.py::test_actions_that_do_not_exist_are_an_invalid_mask",),
    ),
    Mutant(
        "handlers/selections.py",
        ("    if isinstance(note, Source):\n        if note.actions_set:"),
        ("    if False:\n        if note.actions_set:"),
        ("handlers/test_selections.py::test_a_source_with_drag_actions_is_no_selection",),
    ),
    Mutant(
        "handlers/selections.py",
        "        if note.actions_set:",
        "        if False:",
        ("handlers/test_selections.py::test_actions_are_set_once",),
    ),
    Mutant(
        "handlers/selections.py",
        "        if note.use:",
        "        if False:",
        ("handlers/test_selections.py::test_actions_are_set_before_the_drag",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_send(connection: Connection, message: Message) -> int:\n"
            '    """The event `send` of a source: only for a type that the guest has said it has, and that the policy lets out."""'
        ),
        (
            "def on_send(connection: Connection, message: Message) -> int:\n"
            '    """The event `send` of a source: only for a type that the guest has said it has, and that the policy lets out."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_a_source_is_asked_only_for_what_it_offered",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if not isinstance(note, Source) or message.text(0) not in note.types:",
        "    if not isinstance(note, Source):",
        ("handlers/test_selections.py::test_a_source_is_asked_only_for_what_it_offered",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_target(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_source.target(mime_type): one of the source\'s, or none of them."""'
        ),
        (
            "def on_target(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_source.target(mime_type): one of the source\'s, or none of them."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_a_target_that_was_not_offered_is_none",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_set_selection(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_device.set_selection(source, serial) and its like; null empties the selection."""'
        ),
        (
            "def on_set_selection(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_device.set_selection(source, serial) and its like; null empties the selection."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_a_source_that_is_dragged_is_not_the_selection",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if message.ghosts:  # null would empty the other clients' selection, which nobody has asked for",
        "    if False:",
        ("handlers/test_selections.py::test_a_source_that_nobody_upstream_has_does_not_empty_the_selection",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if message.text(0) not in offer.types or not offer.told:",
        "    if message.text(0) not in offer.types:",
        ("policy/test_layers.py::test_an_offer_that_the_guest_was_not_told_of_cannot_be_read",),
    ),
    Mutant(
        "handlers/selections.py",
        "    elif types is None or message.text(0) in types:",
        "    elif True:",
        ("policy/test_layers.py::test_the_parameters_of_a_transfer_hold",),
    ),
    Mutant(
        "handlers/selections.py",
        "    elif types is None or message.text(0) in types:",
        "    elif not types or message.text(0) in types:",
        ("policy/test_layers.py::test_where_policy_and_ceiling_have_no_type_of_data_in_common_none_passes",),
    ),
    Mutant(
        "policy/load.py",
        "    if transparent and ceiling is not None:",
        "    if False:",
        ("policy/test_layers.py::test_a_host_with_a_ceiling_has_no_policy_that_passes_everything",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if refused and not (permission in connection.tables.complaining and connection.complaining()):",
        "    if False:",
        ("policy/test_layers.py::test_an_offer_that_the_guest_was_not_told_of_cannot_be_read",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if source.actions_set:",
        "    if False:",
        ("handlers/test_selections.py::test_a_source_with_drag_actions_is_no_selection",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if source.use:",
        "    if False:",
        ("handlers/test_selections.py::test_a_source_that_is_dragged_is_not_the_selection",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_start_drag(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_device.start_drag(source, origin, icon, serial). The icon\'s size is bounded like a cursor\'s (cursors.py)."""'
        ),
        (
            "def on_start_drag(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_device.start_drag(source, origin, icon, serial). The icon\'s size is bounded like a cursor\'s (cursors.py)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_a_source_that_is_the_selection_is_not_dragged",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if message.ghosts:  # a drag without its source would be one within the client",
        "    if False:",
        ("handlers/test_selections.py::test_a_drag_that_cannot_begin_is_cancelled",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_enter(connection: Connection, message: Message) -> None:\n"
            '    """The event wl_data_device.enter(serial, surface, x, y, id)."""'
        ),
        (
            "def on_enter(connection: Connection, message: Message) -> None:\n"
            '    """The event wl_data_device.enter(serial, surface, x, y, id)."""\n'
            "    return"
        ),
        ("handlers/test_selections.py::test_finish_without_an_action_is_invalid_offer",),
    ),
    Mutant(
        "handlers/selections.py",
        ('def on_leave(connection: Connection, message: Message) -> None:\n    """The event wl_data_device.leave()."""'),
        (
            "def on_leave(connection: Connection, message: Message) -> None:\n"
            '    """The event wl_data_device.leave()."""\n'
            "    return"
        ),
        ("handlers/test_selections.py::test_finish_at_the_wrong_time_is_invalid_finish",),
    ),
    Mutant(
        "handlers/selections.py",
        ('def on_drop(connection: Connection, message: Message) -> None:\n    """The event wl_data_device.drop()."""'),
        (
            "def on_drop(connection: Connection, message: Message) -> None:\n"
            '    """The event wl_data_device.drop()."""\n'
            "    return"
        ),
        ("handlers/test_selections.py::test_finish_without_an_action_is_invalid_offer",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_offer_type(connection: Connection, message: Message) -> int:\n"
            '    """The event `offer` of an offer: the guest is told of so many types, and only of what can be one."""'
        ),
        (
            "def on_offer_type(connection: Connection, message: Message) -> int:\n"
            '    """The event `offer` of an offer: the guest is told of so many types, and only of what can be one."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_an_offer_tells_the_guest_of_at_most_32_types_and_only_of_types",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_offer_action(connection: Connection, message: Message) -> None:\n"
            '    """The event wl_data_offer.action(dnd_action)."""'
        ),
        (
            "def on_offer_action(connection: Connection, message: Message) -> None:\n"
            '    """The event wl_data_offer.action(dnd_action)."""\n'
            "    return"
        ),
        ("handlers/test_selections.py::test_finish_twice_is_invalid_finish",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if note.finished:",
        "    if False:",
        ("handlers/test_selections.py::test_a_finished_offer_takes_no_request_but_destroy",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_accept(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_offer.accept(serial, mime_type): null, and what was not offered, refuses the drag."""'
        ),
        (
            "def on_accept(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_offer.accept(serial, mime_type): null, and what was not offered, refuses the drag."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_finish_without_an_action_is_invalid_offer",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_receive(connection: Connection, message: Message) -> int:\n"
            '    """The request `receive` of an offer: for a type that was offered. The reader of another sees the end of its pipe at once."""'
        ),
        (
            "def on_receive(connection: Connection, message: Message) -> int:\n"
            '    """The request `receive` of an offer: for a type that was offered. The reader of another sees the end of its pipe at once."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_only_what_was_offered_is_asked_for",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if message.text(0) not in offer.types or not offer.told:",
        "    if not offer.told:",
        ("handlers/test_selections.py::test_only_what_was_offered_is_asked_for",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_finish(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_offer.finish(): after a drop that was accepted, with an action settled."""'
        ),
        (
            "def on_finish(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_offer.finish(): after a drop that was accepted, with an action settled."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_finish_at_the_wrong_time_is_invalid_finish",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if not isinstance(note, Offer) or not note.dropped or not note.accepted or note.finished:",
        "    if not isinstance(note, Offer) or not note.accepted or note.finished:",
        ("handlers/test_selections.py::test_finish_at_the_wrong_time_is_invalid_finish",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if not isinstance(note, Offer) or not note.dropped or not note.accepted or note.finished:",
        "    if not isinstance(note, Offer) or not note.dropped or not note.accepted:",
        ("handlers/test_selections.py::test_finish_twice_is_invalid_finish",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if not isinstance(note, Offer) or not note.dropped or not note.accepted or note.finished:",
        "    if not isinstance(note, Offer) or not note.dropped or note.finished:",
        ("handlers/test_selections.py::test_finish_at_the_wrong_time_is_invalid_finish",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if note.action not in (COPY, MOVE):",
        "    if False:",
        ("handlers/test_selections.py::test_finish_without_an_action_is_invalid_offer",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_offer_actions(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_offer.set_actions(dnd_actions, preferred_action): of a drag."""'
        ),
        (
            "def on_offer_actions(connection: Connection, message: Message) -> int:\n"
            '    """wl_data_offer.set_actions(dnd_actions, preferred_action): of a drag."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_a_finished_offer_takes_no_request_but_destroy",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "    if actions & ~ALL_ACTIONS:\n"
            '        raise ProtocolViolation(address, OFFER_INVALID_ACTION_MASK, f"invalid action mask {actions:#x}")'
        ),
        (
            "    if False:\n"
            '        raise ProtocolViolation(address, OFFER_INVALID_ACTION_MASK, f"invalid action mask {actions:#x}")'
        ),
        ("handlers/test_selections.py::test_actions_of_an_offer_that_do_not_exist_get_their_errors",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if preferred not in (NONE, COPY, MOVE, ASK) or preferred & ~actions:",
        "    if preferred & ~actions:",
        ("handlers/test_selections.py::test_actions_of_an_offer_that_do_not_exist_get_their_errors",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if preferred not in (NONE, COPY, MOVE, ASK) or preferred & ~actions:",
        "    if preferred not in (NONE, COPY, MOVE, ASK):",
        ("handlers/test_selections.py::test_actions_of_an_offer_that_do_not_exist_get_their_errors",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if not offer.drag:",
        "    if False:",
        ("handlers/test_selections.py::test_actions_of_the_clipboard_are_invalid_offer",),
    ),
    Mutant(
        "handlers/selections.py",
        (
            "def on_get_toplevel_drag(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel_drag_manager_v1.get_xdg_toplevel_drag(id, data_source): before the drag begins."""'
        ),
        (
            "def on_get_toplevel_drag(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel_drag_manager_v1.get_xdg_toplevel_drag(id, data_source): before the drag begins."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_a_window_is_dragged_with_a_source_that_has_not_served",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if source is not None and source.use:",
        "    if False:",
        ("handlers/test_selections.py::test_a_window_is_dragged_with_a_source_that_has_not_served",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "    def look(self, opcode: i64, data: bytes, at: i64) -> bool:\n"
            '        """The requests of each frame, without decoding them."""'
        ),
        (
            "    def look(self, opcode: i64, data: bytes, at: i64) -> bool:\n"
            '        """The requests of each frame, without decoding them."""\n'
            "        return True"
        ),
        ("handlers/test_surfaces.py::test_a_scale_that_is_not_positive_is_invalid_scale",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "        if opcode == COMMIT:",
        "        if False:",
        ("handlers/test_surfaces.py::test_a_buffer_destroyed_between_attach_and_commit_is_not_committed",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "            if self.box or (pending is not None and pending.stage != LIVE) or (self.follows_pointer and self.too_large()):",
        "            if (pending is not None and pending.stage != LIVE) or (self.follows_pointer and self.too_large()):",
        ("handlers/test_surfaces.py::test_damage_beyond_the_cap_becomes_its_bounding_box",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "            if self.box or (pending is not None and pending.stage != LIVE) or (self.follows_pointer and self.too_large()):",
        "            if self.box or (pending is not None and pending.stage != LIVE):",
        ("handlers/test_cursors.py::test_a_cursor_that_is_too_large_is_not_shown",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "            if self.box or (pending is not None and pending.stage != LIVE) or (self.follows_pointer and self.too_large()):",
        "            if self.box or (self.follows_pointer and self.too_large()):",
        ("handlers/test_surfaces.py::test_a_buffer_destroyed_between_attach_and_commit_is_not_committed",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "        if opcode == ATTACH:",
        "        if False:",
        ("handlers/test_surfaces.py::test_attach_with_an_offset_is_invalid_offset_from_version_5",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "            if wire.word(data, at + 4) or wire.word(data, at + 8):",
        "            if wire.word(data, at + 8):",
        ("handlers/test_surfaces.py::test_attach_with_an_offset_is_invalid_offset_from_version_5",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "            if wire.word(data, at + 4) or wire.word(data, at + 8):",
        "            if wire.word(data, at + 4):",
        ("handlers/test_surfaces.py::test_attach_with_an_offset_is_invalid_offset_from_version_5",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "        if opcode == SET_BUFFER_SCALE:  # GTK sets it with every frame",
        "        if False:",
        ("handlers/test_surfaces.py::test_a_scale_that_is_not_positive_is_invalid_scale",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "            if not 1 <= number <= BIGGEST_SCALE:",
        "            if False:",
        ("handlers/test_surfaces.py::test_a_scale_that_is_not_positive_is_invalid_scale",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "    def ending(self) -> None:\n"
            '        """wl_surface.destroy. A wl_subsurface becomes inert, every other role object must have gone before."""'
        ),
        (
            "    def ending(self) -> None:\n"
            '        """wl_surface.destroy. A wl_subsurface becomes inert, every other role object must have gone before."""\n'
            "        return"
        ),
        ("handlers/test_surfaces.py::test_destroying_a_surface_before_its_popup_is_defunct_role_object",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "        if role_object is not None and role_object.stage == LIVE and self.role != SUBSURFACE:",
        "        if False:",
        ("handlers/test_surfaces.py::test_destroying_a_surface_before_its_popup_is_defunct_role_object",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if window is None or window.owner.interface != TOPLEVEL or window.popups:",
        "        if window is None or window.owner.interface != TOPLEVEL:",
        ("handlers/test_surfaces.py::test_destroying_a_surface_before_a_window_that_others_depend_on_is_defunct_role_object",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if window is None or window.owner.interface != TOPLEVEL or window.popups:",
        "        if window is None or window.popups:",
        ("handlers/test_surfaces.py::test_destroying_a_surface_before_its_popup_is_defunct_role_object",),
    ),
    Mutant(
        "handlers/windows.py",
        "        for part in (window.decoration, window.owner, held.owner):",
        "        for part in (window.decoration, held.owner, window.owner):",
        ("handlers/test_surfaces.py::test_a_window_whose_surface_goes_first_is_taken_down_in_order",),
    ),
    Mutant(
        "handlers/windows.py",
        "        window.decoration = None\n        window.ending()",
        "        window.ending()",
        ("handlers/test_attachments.py::test_the_decoration_of_a_window_whose_surface_goes_first_goes_before_it",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if isinstance(note, (Window, ShellSurface)) and note.defunct:",
        "    if False:",
        ("handlers/test_surfaces.py::test_to_use_a_window_that_is_taken_down_ends_the_session",),
    ),
    Mutant(
        "core/objects.py",
        "        if kind and not held.retired:",
        "        if kind:",
        ("handlers/test_surfaces.py::test_windows_that_are_taken_down_are_windows_no_more_for_the_quota",),
    ),
    Mutant(
        "handlers/surfaces.py",
        ('    def commit(self) -> None:\n        """wl_surface.commit; raises what the contents forbid."""'),
        ('    def commit(self) -> None:\n        """wl_surface.commit; raises what the contents forbid."""\n        return'),
        ("handlers/test_surfaces.py::test_damage_beyond_the_cap_becomes_its_bounding_box",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "        if self.releases:",
        "        if False:",
        ("handlers/test_attachments.py::test_a_release_needs_a_buffer",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "            if not self.will_show_buffer():",
        "            if False:",
        ("handlers/test_attachments.py::test_a_release_needs_a_buffer",),
    ),
    Mutant(
        "handlers/surfaces.py",
        ('    def leave_parent(self) -> None:\n        """Ends a sub-surface relation, not the role."""'),
        ('    def leave_parent(self) -> None:\n        """Ends a sub-surface relation, not the role."""\n        return'),
        ("handlers/test_surfaces.py::test_a_surface_may_go_before_its_subsurface_which_is_inert_then",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "    def take_role(self, role: str, error_object: int, error_code: int) -> None:\n"
            '        """Gives the surface a role, or raises the error that the giving interface names for a second one."""'
        ),
        (
            "    def take_role(self, role: str, error_object: int, error_code: int) -> None:\n"
            '        """Gives the surface a role, or raises the error that the giving interface names for a second one."""\n'
            "        return"
        ),
        ("handlers/test_surfaces.py::test_a_surface_has_one_role",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "        if self.role and self.role != role:",
        "        if False:",
        ("handlers/test_surfaces.py::test_a_window_cannot_become_a_subsurface",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "        if holder is not None and holder.stage == LIVE:",
        "        if False:",
        ("handlers/test_surfaces.py::test_get_subsurface_twice_is_bad_surface",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def on_attach(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.attach with an offset, a ghost or a buffer of the compositor\'s: what `look` leaves.\n'
            "\n"
            "    From version 5 an offset is an error of its own; below, it would move a window or stretch a cursor's hot spot.\n"
            '    """'
        ),
        (
            "def on_attach(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.attach with an offset, a ghost or a buffer of the compositor\'s: what `look` leaves.\n'
            "\n"
            "    From version 5 an offset is an error of its own; below, it would move a window or stretch a cursor's hot spot.\n"
            '    """\n'
            "    return FORWARD"
        ),
        ("handlers/test_surfaces.py::test_attach_with_an_offset_is_invalid_offset_from_version_5",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if offset and message.target.version >= 5:",
        "    if False:",
        ("handlers/test_surfaces.py::test_attach_with_an_offset_is_invalid_offset_from_version_5",),
    ),
    Mutant(
        "handlers/surfaces.py",
        ('def on_offset(connection: Connection, message: Message) -> int:\n    """wl_surface.offset."""'),
        ('def on_offset(connection: Connection, message: Message) -> int:\n    """wl_surface.offset."""\n    return FORWARD'),
        ("handlers/test_cursors.py::test_a_cursor_does_not_move_away_from_its_hot_spot",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def limit_offset(connection: Connection, message: Message, surface: Surface, first: int) -> None:\n"
            '    """A window does not move itself, nor a cursor away from its hot spot; drag icons stay within reach, however many steps they\n'
            '    take."""'
        ),
        (
            "def limit_offset(connection: Connection, message: Message, surface: Surface, first: int) -> None:\n"
            '    """A window does not move itself, nor a cursor away from its hot spot; drag icons stay within reach, however many steps they\n'
            '    take."""\n'
            "    return"
        ),
        ("handlers/test_surfaces.py::test_attach_with_an_offset_does_not_move_a_window_of_an_older_version",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def on_commit(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.commit when something has to go before it."""'
        ),
        (
            "def on_commit(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.commit when something has to go before it."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_surfaces.py::test_a_buffer_destroyed_between_attach_and_commit_is_not_committed",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def on_get_release(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.get_release(callback): of the buffer that the next commit shows."""'
        ),
        (
            "def on_get_release(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.get_release(callback): of the buffer that the next commit shows."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_attachments.py::test_a_release_needs_a_buffer",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def on_damage(connection: Connection, message: Message) -> int:\n"
            '    """Damage beyond the cap: kept as a bounding box until the commit."""'
        ),
        (
            "def on_damage(connection: Connection, message: Message) -> int:\n"
            '    """Damage beyond the cap: kept as a bounding box until the commit."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_surfaces.py::test_damage_beyond_the_cap_becomes_its_bounding_box",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def on_scale(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.set_buffer_scale: positive; bounded, for compositors that divide by it."""'
        ),
        (
            "def on_scale(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.set_buffer_scale: positive; bounded, for compositors that divide by it."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_surfaces.py::test_a_scale_that_is_not_positive_is_invalid_scale",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if scale < 1:",
        "    if False:",
        ("handlers/test_surfaces.py::test_a_scale_that_is_not_positive_is_invalid_scale",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if scale > BIGGEST_SCALE:",
        "    if False:",
        ("handlers/test_surfaces.py::test_a_scale_beyond_reason_is_refused",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def on_transform(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.set_buffer_transform: one of wl_output.transform."""'
        ),
        (
            "def on_transform(connection: Connection, message: Message) -> int:\n"
            '    """wl_surface.set_buffer_transform: one of wl_output.transform."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_surfaces.py::test_a_transform_that_does_not_exist_is_invalid_transform",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if not 0 <= transform <= 7:",
        "    if False:",
        ("handlers/test_surfaces.py::test_a_transform_that_does_not_exist_is_invalid_transform",),
    ),
    Mutant(
        "handlers/surfaces.py",
        ('    def ending(self) -> None:\n        """wl_subsurface.destroy: the surface is unmapped and keeps its role."""'),
        (
            "    def ending(self) -> None:\n"
            '        """wl_subsurface.destroy: the surface is unmapped and keeps its role."""\n'
            "        return"
        ),
        ("handlers/test_surfaces.py::test_a_subsurface_that_is_gone_is_in_nobodys_way",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def on_get_subsurface(connection: Connection, message: Message) -> int:\n"
            '    """wl_subcompositor.get_subsurface(id, surface, parent): no second role, no loop, no deep tree."""'
        ),
        (
            "def on_get_subsurface(connection: Connection, message: Message) -> int:\n"
            '    """wl_subcompositor.get_subsurface(id, surface, parent): no second role, no loop, no deep tree."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_surfaces.py::test_a_surface_has_one_role",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if parent.has_ancestor(surface):",
        "    if False:",
        ("handlers/test_surfaces.py::test_a_loop_of_subsurfaces_is_bad_parent",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if parent.depth() + surface.height_below() + 1 > limits.subsurface_depth:",
        "    if False:",
        ("handlers/test_surfaces.py::test_subsurfaces_do_not_nest_for_ever",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if len(parent.children) >= limits.subsurface_children:",
        "    if False:",
        ("handlers/test_surfaces.py::test_one_parent_has_a_bounded_number_of_children",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def subsurface_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the new wl_subsurface to its surface and its parent."""'
        ),
        (
            "def subsurface_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the new wl_subsurface to its surface and its parent."""\n'
            "    return"
        ),
        ("handlers/test_surfaces.py::test_get_subsurface_twice_is_bad_surface",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def on_place(connection: Connection, message: Message) -> int:\n"
            '    """wl_subsurface.place_above and place_below: only beside a sibling or the parent."""'
        ),
        (
            "def on_place(connection: Connection, message: Message) -> int:\n"
            '    """wl_subsurface.place_above and place_below: only beside a sibling or the parent."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_surfaces.py::test_a_surface_may_go_before_its_subsurface_which_is_inert_then",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if surface is None or surface.parent is None:",
        "    if surface is None:",
        ("handlers/test_surfaces.py::test_a_surface_may_go_before_its_subsurface_which_is_inert_then",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "    if other is None or other is surface or not (other is surface.parent or other.parent is surface.parent):",
        "    if other is None or other is surface:",
        ("handlers/test_surfaces.py::test_placing_beside_a_stranger_is_bad_surface",),
    ),
    Mutant(
        "handlers/surfaces.py",
        (
            "def on_position(connection: Connection, message: Message) -> int:\n"
            '    """wl_subsurface.set_position: within what a window can be."""'
        ),
        (
            "def on_position(connection: Connection, message: Message) -> int:\n"
            '    """wl_subsurface.set_position: within what a window can be."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_surfaces.py::test_a_subsurface_stays_within_what_a_window_can_be",),
    ),
    Mutant(
        "handlers/texts.py",
        (
            "def shorten(connection: Connection, message: Message, index: int, most: int) -> None:\n"
            '    """Cuts a text at a character\'s boundary."""'
        ),
        (
            "def shorten(connection: Connection, message: Message, index: int, most: int) -> None:\n"
            '    """Cuts a text at a character\'s boundary."""\n'
            "    return"
        ),
        ("handlers/test_texts.py::test_names_and_titles_are_cut_to_what_a_panel_can_bear",),
    ),
    Mutant(
        "handlers/texts.py",
        ('def on_text(connection: Connection, message: Message) -> int:\n    """One of SHORT."""'),
        ('def on_text(connection: Connection, message: Message) -> int:\n    """One of SHORT."""\n    return FORWARD'),
        ("handlers/test_texts.py::test_names_and_titles_are_cut_to_what_a_panel_can_bear",),
    ),
    Mutant(
        "handlers/texts.py",
        (
            "def on_surrounding_text(connection: Connection, message: Message) -> int:\n"
            '    """set_surrounding_text(text, cursor, anchor), both in bytes: an input method would index into the text with them. What does not\n'
            '    fit is left out; the specification names no error, and without it the input method knows less, not something else."""'
        ),
        (
            "def on_surrounding_text(connection: Connection, message: Message) -> int:\n"
            '    """set_surrounding_text(text, cursor, anchor), both in bytes: an input method would index into the text with them. What does not\n'
            '    fit is left out; the specification names no error, and without it the input method knows less, not something else."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_texts.py::test_the_surrounding_text_is_bounded_and_its_cursor_between_characters",),
    ),
    Mutant(
        "handlers/texts.py",
        "    if len(raw) > MOST_SURROUNDING_BYTES or not all(between_characters(raw, mark) for mark in marks):",
        "    if len(raw) > MOST_SURROUNDING_BYTES:",
        ("handlers/test_texts.py::test_the_surrounding_text_is_bounded_and_its_cursor_between_characters",),
    ),
    Mutant(
        "handlers/texts.py",
        "    if len(raw) > MOST_SURROUNDING_BYTES or not all(between_characters(raw, mark) for mark in marks):",
        "    if not all((between_characters(raw, mark) for mark in marks)):",
        ("handlers/test_texts.py::test_the_surrounding_text_is_bounded_and_its_cursor_between_characters",),
    ),
    Mutant(
        "handlers/texts.py",
        (
            "def on_cursor_rectangle(connection: Connection, message: Message) -> int:\n"
            '    """set_cursor_rectangle(x, y, width, height)."""'
        ),
        (
            "def on_cursor_rectangle(connection: Connection, message: Message) -> int:\n"
            '    """set_cursor_rectangle(x, y, width, height)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_texts.py::test_the_cursor_rectangle_is_brought_into_range",),
    ),
    Mutant(
        "handlers/texts.py",
        (
            "def on_available_actions(connection: Connection, message: Message) -> int:\n"
            '    """zwp_text_input_v3.set_available_actions(available_actions): 32 bits each; not none, and each once."""'
        ),
        (
            "def on_available_actions(connection: Connection, message: Message) -> int:\n"
            '    """zwp_text_input_v3.set_available_actions(available_actions): 32 bits each; not none, and each once."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_texts.py::test_available_actions_exist_and_are_named_once",),
    ),
    Mutant(
        "handlers/texts.py",
        "    if len(raw) % 4 or bytes(4) in words or len(set(words)) != len(words):",
        "    if bytes(4) in words or len(set(words)) != len(words):",
        ("handlers/test_texts.py::test_available_actions_exist_and_are_named_once",),
    ),
    Mutant(
        "handlers/texts.py",
        "    if len(raw) % 4 or bytes(4) in words or len(set(words)) != len(words):",
        "    if len(raw) % 4 or bytes(4) in words:",
        ("handlers/test_texts.py::test_available_actions_exist_and_are_named_once",),
    ),
    Mutant(
        "handlers/texts.py",
        "    if len(raw) % 4 or bytes(4) in words or len(set(words)) != len(words):",
        "    if len(raw) % 4 or len(set(words)) != len(words):",
        ("handlers/test_texts.py::test_available_actions_exist_and_are_named_once",),
    ),
    Mutant(
        "handlers/transfers.py",
        (
            "def through_own_pipe(connection: Connection, message: Message) -> int:\n"
            '    """Replaces the write end in a message by that of a pipe of ours. Without one the message is dropped: its reader sees the end of\n'
            '    its pipe at once, as from a source that has nothing to say."""'
        ),
        (
            "def through_own_pipe(connection: Connection, message: Message) -> int:\n"
            '    """Replaces the write end in a message by that of a pipe of ours. Without one the message is dropped: its reader sees the end of\n'
            '    its pipe at once, as from a source that has nothing to say."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_selections.py::test_the_guests_pipe_does_not_reach_the_other_client",),
    ),
    Mutant(
        "handlers/viewports.py",
        ('    def ending(self) -> None:\n        """wp_viewport.destroy."""'),
        ('    def ending(self) -> None:\n        """wp_viewport.destroy."""\n        return'),
        ("handlers/test_viewports.py::test_a_surface_may_get_a_new_viewport_once_the_old_one_is_gone",),
    ),
    Mutant(
        "handlers/viewports.py",
        (
            "    def before_commit(self, surface: Surface) -> None:\n"
            '        """The source must lie inside the committed buffer, and be whole pixels where nothing scales it."""'
        ),
        (
            "    def before_commit(self, surface: Surface) -> None:\n"
            '        """The source must lie inside the committed buffer, and be whole pixels where nothing scales it."""\n'
            "        return"
        ),
        ("handlers/test_viewports.py::test_a_source_outside_the_buffer_is_out_of_buffer",),
    ),
    Mutant(
        "handlers/viewports.py",
        "        if self.viewport.destination is None and (width % UNIT or height % UNIT):",
        "        if False:",
        ("handlers/test_viewports.py::test_a_source_in_fractions_needs_a_destination",),
    ),
    Mutant(
        "handlers/viewports.py",
        "        if (x + width) * surface.scale > buffer[0] * UNIT or (y + height) * surface.scale > buffer[1] * UNIT:",
        "        if (x + width) * surface.scale > buffer[0] * UNIT:",
        ("handlers/test_viewports.py::test_a_source_outside_the_buffer_is_out_of_buffer",),
    ),
    Mutant(
        "handlers/viewports.py",
        "        if (x + width) * surface.scale > buffer[0] * UNIT or (y + height) * surface.scale > buffer[1] * UNIT:",
        "        if (y + height) * surface.scale > buffer[1] * UNIT:",
        ("handlers/test_viewports.py::test_a_source_outside_the_buffer_is_out_of_buffer",),
    ),
    Mutant(
        "handlers/viewports.py",
        ('    def surface_gone(self) -> None:\n        """The wl_surface is destroyed."""'),
        ('    def surface_gone(self) -> None:\n        """The wl_surface is destroyed."""\n        return'),
        ("handlers/test_viewports.py::test_a_viewport_without_its_surface_is_no_surface",),
    ),
    Mutant(
        "handlers/viewports.py",
        (
            "def on_get_viewport(connection: Connection, message: Message) -> int:\n"
            '    """wp_viewporter.get_viewport(id, surface): one for each surface."""'
        ),
        (
            "def on_get_viewport(connection: Connection, message: Message) -> int:\n"
            '    """wp_viewporter.get_viewport(id, surface): one for each surface."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_viewports.py::test_a_second_viewport_is_viewport_exists",),
    ),
    Mutant(
        "handlers/viewports.py",
        "    if surface is not None and surface.viewport is not None:",
        "    if False:",
        ("handlers/test_viewports.py::test_a_second_viewport_is_viewport_exists",),
    ),
    Mutant(
        "handlers/viewports.py",
        (
            "def viewport_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the new viewport to its surface."""'
        ),
        (
            "def viewport_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the new viewport to its surface."""\n'
            "    return"
        ),
        ("handlers/test_viewports.py::test_a_source_outside_the_buffer_is_out_of_buffer",),
    ),
    Mutant(
        "handlers/viewports.py",
        "    if note.surface is None:",
        "    if False:",
        ("handlers/test_viewports.py::test_a_viewport_without_its_surface_is_no_surface",),
    ),
    Mutant(
        "handlers/viewports.py",
        (
            "def on_source(connection: Connection, message: Message) -> int:\n"
            '    """wp_viewport.set_source(x, y, width, height) in 1/256; all -1 unsets it."""'
        ),
        (
            "def on_source(connection: Connection, message: Message) -> int:\n"
            '    """wp_viewport.set_source(x, y, width, height) in 1/256; all -1 unsets it."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_viewports.py::test_a_source_outside_the_buffer_is_out_of_buffer",),
    ),
    Mutant(
        "handlers/viewports.py",
        "    if source[0] < 0 or source[1] < 0 or source[2] <= 0 or source[3] <= 0:",
        "    if source[0] < 0 or source[1] < 0 or source[2] <= 0:",
        ("handlers/test_viewports.py::test_a_source_that_is_negative_or_empty_is_bad_value",),
    ),
    Mutant(
        "handlers/viewports.py",
        "    if source[0] < 0 or source[1] < 0 or source[2] <= 0 or source[3] <= 0:",
        "    if source[0] < 0 or source[1] < 0 or source[3] <= 0:",
        ("handlers/test_viewports.py::test_a_source_that_is_negative_or_empty_is_bad_value",),
    ),
    Mutant(
        "handlers/viewports.py",
        "    if source[0] < 0 or source[1] < 0 or source[2] <= 0 or source[3] <= 0:",
        "    if source[1] < 0 or source[2] <= 0 or source[3] <= 0:",
        ("handlers/test_viewports.py::test_a_source_that_is_negative_or_empty_is_bad_value",),
    ),
    Mutant(
        "handlers/viewports.py",
        (
            "def on_destination(connection: Connection, message: Message) -> int:\n"
            '    """wp_viewport.set_destination(width, height); both -1 unsets it."""'
        ),
        (
            "def on_destination(connection: Connection, message: Message) -> int:\n"
            '    """wp_viewport.set_destination(width, height); both -1 unsets it."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_viewports.py::test_a_destination_that_is_not_positive_is_bad_value",),
    ),
    Mutant(
        "handlers/viewports.py",
        "    if width <= 0 or height <= 0:",
        "    if height <= 0:",
        ("handlers/test_viewports.py::test_a_destination_that_is_not_positive_is_bad_value",),
    ),
    Mutant(
        "handlers/viewports.py",
        "    if width <= 0 or height <= 0:",
        "    if width <= 0:",
        ("handlers/test_viewports.py::test_a_destination_that_is_not_positive_is_bad_value",),
    ),
    Mutant(
        "handlers/viewports.py",
        "    if width > FARTHEST or height > FARTHEST:",
        "    if height > FARTHEST:",
        ("handlers/test_viewports.py::test_a_destination_that_no_screen_can_show_is_refused",),
    ),
    Mutant(
        "handlers/virtual.py",
        (
            "def replace(message: Message, index: int, value: object) -> None:\n"
            '    """Puts a value in the place of the host\'s."""'
        ),
        (
            "def replace(message: Message, index: int, value: object) -> None:\n"
            '    """Puts a value in the place of the host\'s."""\n'
            "    return"
        ),
        ("handlers/test_virtual.py::test_an_output_tells_nothing_of_the_hosts_monitor",),
    ),
    Mutant(
        "handlers/virtual.py",
        (
            "def on_geometry(connection: Connection, message: Message) -> int:\n"
            '    """wl_output.geometry(x, y, physical_width, physical_height, subpixel, make, model, transform)."""'
        ),
        (
            "def on_geometry(connection: Connection, message: Message) -> int:\n"
            '    """wl_output.geometry(x, y, physical_width, physical_height, subpixel, make, model, transform)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_virtual.py::test_an_output_tells_nothing_of_the_hosts_monitor",),
    ),
    Mutant(
        "handlers/virtual.py",
        (
            "def on_mode(connection: Connection, message: Message) -> int:\n"
            '    """wl_output.mode(flags, width, height, refresh)."""'
        ),
        (
            "def on_mode(connection: Connection, message: Message) -> int:\n"
            '    """wl_output.mode(flags, width, height, refresh)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_virtual.py::test_an_output_tells_nothing_of_the_hosts_monitor",),
    ),
    Mutant(
        "handlers/virtual.py",
        (
            "def on_output_name(connection: Connection, message: Message) -> int:\n"
            '    """wl_output.name(name), wl_output.description(description): the number under which the guest knows the global."""'
        ),
        (
            "def on_output_name(connection: Connection, message: Message) -> int:\n"
            '    """wl_output.name(name), wl_output.description(description): the number under which the guest knows the global."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_virtual.py::test_an_output_tells_nothing_of_the_hosts_monitor",),
    ),
    Mutant(
        "handlers/virtual.py",
        (
            "def on_position(connection: Connection, message: Message) -> int:\n"
            '    """zxdg_output_v1.logical_position(x, y), and the first two arguments of wl_output.geometry."""'
        ),
        (
            "def on_position(connection: Connection, message: Message) -> int:\n"
            '    """zxdg_output_v1.logical_position(x, y), and the first two arguments of wl_output.geometry."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_virtual.py::test_an_output_tells_nothing_of_the_hosts_monitor",),
    ),
    Mutant(
        "handlers/virtual.py",
        ('def on_seat_name(connection: Connection, message: Message) -> int:\n    """wl_seat.name(name)."""'),
        ('def on_seat_name(connection: Connection, message: Message) -> int:\n    """wl_seat.name(name)."""\n    return FORWARD'),
        ("handlers/test_virtual.py::test_a_seat_is_called_as_everywhere",),
    ),
    Mutant(
        "handlers/virtual.py",
        (
            "def on_device(connection: Connection, message: Message) -> int:\n"
            '    """zwp_linux_dmabuf_feedback_v1.main_device(device) and tranche_target_device(device)."""'
        ),
        (
            "def on_device(connection: Connection, message: Message) -> int:\n"
            '    """zwp_linux_dmabuf_feedback_v1.main_device(device) and tranche_target_device(device)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_virtual.py::test_a_device_is_the_guests_first",),
    ),
    Mutant(
        "handlers/windows.py",
        ('    def ending(self) -> None:\n        """xdg_wm_base.destroy."""'),
        ('    def ending(self) -> None:\n        """xdg_wm_base.destroy."""\n        return'),
        ("handlers/test_windows.py::test_the_manager_may_not_go_before_its_surfaces",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if self.surfaces:",
        "        if False:",
        ("handlers/test_windows.py::test_the_manager_may_not_go_before_its_surfaces",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "    def before_commit(self, surface: Surface) -> None:\n"
            '        """A buffer only after a configure of the role\'s was acknowledged; a popup has a parent by now."""'
        ),
        (
            "    def before_commit(self, surface: Surface) -> None:\n"
            '        """A buffer only after a configure of the role\'s was acknowledged; a popup has a parent by now."""\n'
            "        return"
        ),
        ("handlers/test_windows.py::test_a_buffer_before_the_first_configure_is_unconfigured_buffer",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if window is None:",
        "        if False:",
        ("handlers/test_windows.py::test_a_buffer_before_the_role_is_unconfigured_buffer",),
    ),
    Mutant(
        "handlers/windows.py",
        "            if surface.will_show_buffer():",
        "            if False:",
        ("handlers/test_windows.py::test_a_buffer_before_the_role_is_unconfigured_buffer",),
    ),
    Mutant(
        "handlers/windows.py",
        ("        if surface.will_show_buffer():\n            if not held.configured:"),
        ("        if False:\n            if not held.configured:"),
        ("handlers/test_windows.py::test_a_buffer_before_the_first_configure_is_unconfigured_buffer",),
    ),
    Mutant(
        "handlers/windows.py",
        "            if not held.configured:",
        "            if False:",
        ("handlers/test_windows.py::test_a_buffer_before_the_first_configure_is_unconfigured_buffer",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "    def before_commit(self) -> None:\n"
            '        """A toplevel\'s size bounds are double-buffered: they must fit each other now."""'
        ),
        (
            "    def before_commit(self) -> None:\n"
            '        """A toplevel\'s size bounds are double-buffered: they must fit each other now."""\n'
            "        return"
        ),
        ("handlers/test_windows.py::test_size_bounds_that_contradict_each_other_are_invalid_size_at_commit",),
    ),
    Mutant(
        "handlers/windows.py",
        "            if small and large and small > large:",
        "            if False:",
        ("handlers/test_windows.py::test_size_bounds_that_contradict_each_other_are_invalid_size_at_commit",),
    ),
    Mutant(
        "handlers/windows.py",
        ('    def ending(self) -> None:\n        """xdg_toplevel.destroy, xdg_popup.destroy: popups go first, topmost first."""'),
        (
            "    def ending(self) -> None:\n"
            '        """xdg_toplevel.destroy, xdg_popup.destroy: popups go first, topmost first."""\n'
            "        return"
        ),
        ("handlers/test_windows.py::test_popups_go_topmost_first",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if self.popups:",
        "        if False:",
        ("handlers/test_windows.py::test_popups_go_topmost_first",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if self.decoration is not None:",
        "        if False:",
        ("handlers/test_attachments.py::test_a_window_is_not_destroyed_before_its_decoration",),
    ),
    Mutant(
        "handlers/windows.py",
        ('    def ending(self) -> None:\n        """xdg_surface.destroy."""'),
        ('    def ending(self) -> None:\n        """xdg_surface.destroy."""\n        return'),
        ("handlers/test_windows.py::test_the_xdg_surface_may_not_go_before_its_window",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if window is not None:",
        "        if False:",
        ("handlers/test_windows.py::test_the_xdg_surface_may_not_go_before_its_window",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_get_xdg_surface(connection: Connection, message: Message) -> int:\n"
            '    """xdg_wm_base.get_xdg_surface(id, surface)."""'
        ),
        (
            "def on_get_xdg_surface(connection: Connection, message: Message) -> int:\n"
            '    """xdg_wm_base.get_xdg_surface(id, surface)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_two_xdg_surfaces_for_one_surface_are_a_role_error",),
    ),
    Mutant(
        "handlers/windows.py",
        ("    if surface is not None:\n        manager = message.target.guest_id"),
        ("    if False:\n        manager = message.target.guest_id"),
        ("handlers/test_windows.py::test_two_xdg_surfaces_for_one_surface_are_a_role_error",),
    ),
    Mutant(
        "handlers/windows.py",
        '        if surface.role not in ("", TOPLEVEL, POPUP):',
        "        if False:",
        ("handlers/test_cursors.py::test_a_cursor_is_no_window",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if surface.shell is not None:",
        "        if False:",
        ("handlers/test_windows.py::test_two_xdg_surfaces_for_one_surface_are_a_role_error",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if surface.mapped or surface.will_show_buffer():",
        "        if surface.will_show_buffer():",
        ("handlers/test_windows.py::test_a_surface_with_a_buffer_cannot_become_a_window",),
    ),
    Mutant(
        "handlers/windows.py",
        ('def xdg_surface_made(connection: Connection, message: Message) -> None:\n    """Links the new xdg_surface."""'),
        (
            "def xdg_surface_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the new xdg_surface."""\n'
            "    return"
        ),
        ("handlers/test_windows.py::test_a_buffer_before_the_first_configure_is_unconfigured_buffer",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_positioner_size(connection: Connection, message: Message) -> int:\n"
            '    """xdg_positioner.set_size(width, height): both positive."""'
        ),
        (
            "def on_positioner_size(connection: Connection, message: Message) -> int:\n"
            '    """xdg_positioner.set_size(width, height): both positive."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_a_positioner_size_that_is_not_positive_is_invalid_input",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "    if width < 1 or height < 1:\n"
            '        raise ProtocolViolation(message.target.guest_id, INVALID_INPUT, f"size {width} x {height} is not positive")'
        ),
        (
            "    if height < 1:\n"
            '        raise ProtocolViolation(message.target.guest_id, INVALID_INPUT, f"size {width} x {height} is not positive")'
        ),
        ("handlers/test_windows.py::test_a_positioner_size_that_is_not_positive_is_invalid_input",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "    if width < 1 or height < 1:\n"
            '        raise ProtocolViolation(message.target.guest_id, INVALID_INPUT, f"size {width} x {height} is not positive")'
        ),
        (
            "    if width < 1:\n"
            '        raise ProtocolViolation(message.target.guest_id, INVALID_INPUT, f"size {width} x {height} is not positive")'
        ),
        ("handlers/test_windows.py::test_a_positioner_size_that_is_not_positive_is_invalid_input",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_anchor_rect(connection: Connection, message: Message) -> int:\n"
            '    """xdg_positioner.set_anchor_rect(x, y, width, height): size not negative."""'
        ),
        (
            "def on_anchor_rect(connection: Connection, message: Message) -> int:\n"
            '    """xdg_positioner.set_anchor_rect(x, y, width, height): size not negative."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_popups_go_topmost_first",),
    ),
    Mutant(
        "handlers/windows.py",
        ("    if width < 0 or height < 0:\n        raise ProtocolViolation(message.target.guest_id, INVALID_INPUT"),
        ("    if height < 0:\n        raise ProtocolViolation(message.target.guest_id, INVALID_INPUT"),
        ("handlers/test_windows.py::test_a_negative_anchor_rectangle_is_invalid_input",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_anchor_or_gravity(connection: Connection, message: Message) -> int:\n"
            '    """xdg_positioner.set_anchor, set_gravity: 0 to 8."""'
        ),
        (
            "def on_anchor_or_gravity(connection: Connection, message: Message) -> int:\n"
            '    """xdg_positioner.set_anchor, set_gravity: 0 to 8."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_an_anchor_that_does_not_exist_is_invalid_input",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if not 0 <= message.number(0) <= 8:",
        "    if False:",
        ("handlers/test_windows.py::test_an_anchor_that_does_not_exist_is_invalid_input",),
    ),
    Mutant(
        "handlers/windows.py",
        ('    """xdg_positioner.set_offset(x, y)."""\n    clamp(connection, message, (0, 1))\n'),
        ('    """xdg_positioner.set_offset(x, y)."""\n'),
        ("handlers/test_windows.py::test_a_popup_far_away_is_brought_into_range",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_parent_size(connection: Connection, message: Message) -> int:\n"
            '    """xdg_positioner.set_parent_size(parent_width, parent_height)."""'
        ),
        (
            "def on_parent_size(connection: Connection, message: Message) -> int:\n"
            '    """xdg_positioner.set_parent_size(parent_width, parent_height)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_a_parents_size_is_brought_into_range",),
    ),
    Mutant(
        "handlers/windows.py",
        ('def on_get_toplevel(connection: Connection, message: Message) -> int:\n    """xdg_surface.get_toplevel(id)."""'),
        (
            "def on_get_toplevel(connection: Connection, message: Message) -> int:\n"
            '    """xdg_surface.get_toplevel(id)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_a_second_role_object_is_already_constructed",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def take_window_role(held: ShellSurface, role: str) -> None:\n"
            '    """One role object at a time, and the same role for the wl_surface\'s life."""'
        ),
        (
            "def take_window_role(held: ShellSurface, role: str) -> None:\n"
            '    """One role object at a time, and the same role for the wl_surface\'s life."""\n'
            "    return"
        ),
        ("handlers/test_windows.py::test_a_second_role_object_is_already_constructed",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if held.window is not None:",
        "    if False:",
        ("handlers/test_windows.py::test_a_second_role_object_is_already_constructed",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def window_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the new xdg_toplevel or xdg_popup; a popup to its parent, too."""'
        ),
        (
            "def window_made(connection: Connection, message: Message) -> None:\n"
            '    """Links the new xdg_toplevel or xdg_popup; a popup to its parent, too."""\n'
            "    return"
        ),
        ("handlers/test_windows.py::test_a_buffer_before_the_first_configure_is_unconfigured_buffer",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_get_popup(connection: Connection, message: Message) -> int:\n"
            '    """xdg_surface.get_popup(id, parent, positioner). A null parent is for protocols that this proxy does not serve to guests."""'
        ),
        (
            "def on_get_popup(connection: Connection, message: Message) -> int:\n"
            '    """xdg_surface.get_popup(id, parent, positioner). A null parent is for protocols that this proxy does not serve to guests."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_a_popup_of_itself_is_invalid_popup_parent",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if not isinstance(parent, ShellSurface) or parent is held or parent.window is None:",
        "    if parent is held or parent.window is None:",
        ("handlers/test_windows.py::test_a_popup_without_a_constructed_parent_is_invalid_popup_parent",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if levels > DEEPEST_POPUP:",
        "    if False:",
        ("handlers/test_windows.py::test_popups_do_not_nest_for_ever",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def check_positioner(connection: Connection, message: Message, index: int, manager: int) -> None:\n"
            '    """Raises invalid_positioner unless the positioner is complete."""'
        ),
        (
            "def check_positioner(connection: Connection, message: Message, index: int, manager: int) -> None:\n"
            '    """Raises invalid_positioner unless the positioner is complete."""\n'
            "    return"
        ),
        ("handlers/test_windows.py::test_a_popup_with_an_incomplete_positioner_is_invalid_positioner",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if isinstance(positioner, Positioner) and not (positioner.sized and positioner.anchored):",
        "    if False:",
        ("handlers/test_windows.py::test_a_popup_with_an_incomplete_positioner_is_invalid_positioner",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_configure(connection: Connection, message: Message) -> None:\n"
            '    """The xdg_surface.configure event: its serial may now be acknowledged."""'
        ),
        (
            "def on_configure(connection: Connection, message: Message) -> None:\n"
            '    """The xdg_surface.configure event: its serial may now be acknowledged."""\n'
            "    return"
        ),
        ("handlers/test_windows.py::test_an_unmapped_window_starts_again_with_a_configure",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_ack_configure(connection: Connection, message: Message) -> int:\n"
            '    """xdg_surface.ack_configure(serial): one that was sent, and none older than one acknowledged."""'
        ),
        (
            "def on_ack_configure(connection: Connection, message: Message) -> int:\n"
            '    """xdg_surface.ack_configure(serial): one that was sent, and none older than one acknowledged."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_an_unmapped_window_starts_again_with_a_configure",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if serial not in held.serials:",
        "    if False:",
        ("handlers/test_windows.py::test_acknowledging_a_serial_that_was_not_sent_is_invalid_serial",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_window_geometry(connection: Connection, message: Message) -> int:\n"
            '    """xdg_surface.set_window_geometry(x, y, width, height)."""'
        ),
        (
            "def on_window_geometry(connection: Connection, message: Message) -> int:\n"
            '    """xdg_surface.set_window_geometry(x, y, width, height)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_a_window_geometry_that_is_not_positive_is_invalid_size",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "    if held.window is None:\n"
            '        raise ProtocolViolation(held.owner.guest_id, NOT_CONSTRUCTED, "no role is constructed")\n'
            "    width, height = message.number(2), message.number(3)"
        ),
        (
            "    if False:\n"
            '        raise ProtocolViolation(held.owner.guest_id, NOT_CONSTRUCTED, "no role is constructed")\n'
            "    width, height = message.number(2), message.number(3)"
        ),
        ("handlers/test_windows.py::test_requests_before_the_role_are_not_constructed",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "    if width < 1 or height < 1:\n"
            '        raise ProtocolViolation(held.owner.guest_id, INVALID_SIZE, f"size {width} x {height} is not positive")'
        ),
        (
            "    if height < 1:\n"
            '        raise ProtocolViolation(held.owner.guest_id, INVALID_SIZE, f"size {width} x {height} is not positive")'
        ),
        ("handlers/test_windows.py::test_a_window_geometry_that_is_not_positive_is_invalid_size",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "    if width < 1 or height < 1:\n"
            '        raise ProtocolViolation(held.owner.guest_id, INVALID_SIZE, f"size {width} x {height} is not positive")'
        ),
        (
            "    if width < 1:\n"
            '        raise ProtocolViolation(held.owner.guest_id, INVALID_SIZE, f"size {width} x {height} is not positive")'
        ),
        ("handlers/test_windows.py::test_a_window_geometry_that_is_not_positive_is_invalid_size",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_set_parent(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel.set_parent(parent): no loop. Null, or an unmapped parent, unsets it, as the specification has it; the compositor\n'
            '    is told null for either, because weston 10 dies of the latter."""'
        ),
        (
            "def on_set_parent(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel.set_parent(parent): no loop. Null, or an unmapped parent, unsets it, as the specification has it; the compositor\n'
            '    is told null for either, because weston 10 dies of the latter."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_a_window_cannot_be_its_own_ancestor",),
    ),
    Mutant(
        "handlers/windows.py",
        "        if above is window:",
        "        if False:",
        ("handlers/test_windows.py::test_a_window_cannot_be_its_own_ancestor",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_size_bound(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel.set_min_size, set_max_size: not negative; 0 is "none"."""'
        ),
        (
            "def on_size_bound(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel.set_min_size, set_max_size: not negative; 0 is "none"."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_negative_size_bounds_are_invalid_size",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "    if width < 0 or height < 0:\n"
            '        raise ProtocolViolation(message.target.guest_id, TOPLEVEL_INVALID_SIZE, f"size {width} x {height} is negative")'
        ),
        (
            "    if height < 0:\n"
            '        raise ProtocolViolation(message.target.guest_id, TOPLEVEL_INVALID_SIZE, f"size {width} x {height} is negative")'
        ),
        ("handlers/test_windows.py::test_negative_size_bounds_are_invalid_size",),
    ),
    Mutant(
        "handlers/windows.py",
        ("    if width < 0 or height < 0:\n        raise ProtocolViolation(message.target.guest_id, TOPLEVEL_INVALID_SIZE"),
        ("    if width < 0:\n        raise ProtocolViolation(message.target.guest_id, TOPLEVEL_INVALID_SIZE"),
        ("handlers/test_windows.py::test_negative_size_bounds_are_invalid_size",),
    ),
    Mutant(
        "handlers/windows.py",
        ('def on_resize(connection: Connection, message: Message) -> int:\n    """xdg_toplevel.resize(seat, serial, edges)."""'),
        (
            "def on_resize(connection: Connection, message: Message) -> int:\n"
            '    """xdg_toplevel.resize(seat, serial, edges)."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_an_edge_that_does_not_exist_is_invalid_resize_edge",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if message.number(2) not in RESIZE_EDGES:",
        "    if False:",
        ("handlers/test_windows.py::test_an_edge_that_does_not_exist_is_invalid_resize_edge",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def on_grab(connection: Connection, message: Message) -> int:\n"
            '    """xdg_popup.grab(seat, serial): before it is mapped, from a toplevel or a popup that grabs itself."""'
        ),
        (
            "def on_grab(connection: Connection, message: Message) -> int:\n"
            '    """xdg_popup.grab(seat, serial): before it is mapped, from a toplevel or a popup that grabs itself."""\n'
            "    return FORWARD"
        ),
        ("handlers/test_windows.py::test_a_grab_after_the_popup_was_mapped_is_invalid_grab",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if window.mapped:",
        "    if False:",
        ("handlers/test_windows.py::test_a_grab_after_the_popup_was_mapped_is_invalid_grab",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if parent is not None and parent.owner.interface == POPUP and not parent.grabbed:",
        "    if False:",
        ("handlers/test_windows.py::test_a_grab_below_a_popup_that_has_none_is_invalid_grab",),
    ),
    Mutant(
        "handlers/windows.py",
        ("    check_positioner(connection, message, 0, window_of(message).manager_id())\n"),
        "",
        ("handlers/test_windows.py::test_a_popup_is_repositioned_by_a_complete_positioner",),
    ),
    Mutant(
        "handlers/windows.py",
        ('def check_size(width: int, height: int) -> None:\n    """Raises PolicyViolation for what no screen can show."""'),
        (
            "def check_size(width: int, height: int) -> None:\n"
            '    """Raises PolicyViolation for what no screen can show."""\n'
            "    return"
        ),
        ("handlers/test_windows.py::test_a_window_geometry_that_no_screen_can_show_is_refused",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if width > FARTHEST or height > FARTHEST:",
        "    if height > FARTHEST:",
        ("handlers/test_windows.py::test_a_window_geometry_that_no_screen_can_show_is_refused",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if width > FARTHEST or height > FARTHEST:",
        "    if width > FARTHEST:",
        ("handlers/test_windows.py::test_a_window_geometry_that_no_screen_can_show_is_refused",),
    ),
    Mutant(
        "handlers/windows.py",
        (
            "def clamp(connection: Connection, message: Message, indices: tuple[int, ...]) -> None:\n"
            '    """Brings numbers into the range a window can have."""'
        ),
        (
            "def clamp(connection: Connection, message: Message, indices: tuple[int, ...]) -> None:\n"
            '    """Brings numbers into the range a window can have."""\n'
            "    return"
        ),
        ("handlers/test_windows.py::test_huge_size_bounds_are_brought_into_range",),
    ),
    Mutant(
        "sidecar/broker.py",
        "        if keeper.answered:  # it is the relay that a guest could hang, so its answer is what feeds a watchdog",
        "        if True:",
        ("sidecar/test_notify.py::test_a_watchdog_is_fed_while_the_relay_answers",),
    ),
    Mutant(
        "sidecar/notify.py",
        '    ours = pid in ("", str(os.getpid()))',
        "    ours = True",
        ("sidecar/test_notify.py::test_whose_watchdog",),
    ),
    Mutant(
        "sidecar/confine.py",
        ('        attempt("seccomp", lambda: filter_calls(machine)),\n'),
        "",
        ("sidecar/test_confine.py::test_a_confined_relay_cannot",),
    ),
    Mutant(
        "sidecar/confine.py",
        "    if missing and mode == REQUIRE:",
        "    if False:",
        ("sidecar/test_confine.py::test_a_missing_feature_is_an_error_that_names_it_unless_it_is_only_preferred",),
    ),
    Mutant(
        "sidecar/confine.py",
        "        os.setresuid(uid, uid, uid)",
        "        pass",
        ("sidecar/test_confine.py::test_started_as_root_it_becomes_a_user_of_its_own_without_capabilities",),
    ),
    Mutant(
        "sidecar/confine.py",
        "    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))",
        "    pass",
        ("sidecar/test_confine.py::test_limits_on_core_files_and_memory_are_in_force",),
    ),
    Mutant(
        "sidecar/confine.py",
        "    resource.setrlimit(resource.RLIMIT_DATA, (most, most))",
        "    pass",
        ("sidecar/test_confine.py::test_limits_on_core_files_and_memory_are_in_force",),
    ),
    Mutant(
        "sidecar/confine.py",
        "        syscall(SYS_LANDLOCK_RESTRICT_SELF, ruleset, 0)",
        "        pass",
        ("sidecar/test_confine.py::test_without_the_filter_files_are_still_out_of_reach",),
    ),
    Mutant(
        "sidecar/relay/fd_facts.py",
        "    if flags & O_PATH or access == NO_ACCESS:",
        "    if False:",
        ("sidecar/test_files.py::test_kinds_are_told_apart",),
    ),
    Mutant(
        "sidecar/relay/fd_facts.py",
        "PIPE if facts.st_dev == PIPE_DEVICE else OTHER",
        "PIPE",
        ("sidecar/test_files.py::test_a_pipe_with_a_name_is_no_pipe",),
    ),
    Mutant(
        "sidecar/relay/fd_facts.py",
        "huge or facts.st_nlink != 0",
        "huge",
        ("sidecar/test_files.py::test_a_file_in_memory_that_has_a_name_is_a_file",),
    ),
    Mutant(
        "sidecar/relay/files.py",
        ("            fcntl.fcntl(fd.number, F_ADD_SEALS, F_SEAL_SHRINK)\n        self"),
        ("            pass\n        self"),
        ("sidecar/test_files.py::test_a_pool_is_sealed_in_the_kernel",),
    ),
    Mutant(
        "sidecar/relay/files.py",
        ("            if moved == 0:\n                return False"),
        ("            if moved == 0:\n                return True"),
        ("sidecar/test_files.py::test_a_file_that_is_shorter_than_it_is_said_to_be_is_not_copied",),
    ),
    Mutant(
        "sidecar/relay/half.py",
        "        if len(parcels) == 1 and not self.chunks:",
        "        if len(parcels) == 1:",
        ("sidecar/test_relay.py::test_back_pressure_keeps_every_byte",),
    ),
    Mutant(
        "sidecar/relay/half.py",
        ("                if sent:\n                    close_all(fds)"),
        "                pass",
        ("sidecar/test_relay.py::test_descriptors_pass_in_order_and_none_stays",),
    ),
    Mutant(
        "sidecar/listen.py",
        "    if facts.st_uid not in (0, os.geteuid()):",
        "    if False:",
        ("sidecar/test_listen.py::test_directory_of_somebody_else",),
    ),
    Mutant(
        "sidecar/listen.py",
        "    if facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX:",
        "    if False:",
        ("sidecar/test_listen.py::test_unsafe_directory",),
    ),
    Mutant(
        "sidecar/listen.py",
        "    if not stat.S_ISSOCK(facts.st_mode):",
        "    if False:",
        ("sidecar/test_listen.py::test_live_socket_and_other_files_are_left_alone",),
    ),
    Mutant(
        "sidecar/listen.py",
        "    before = os.umask(0o177)",
        "    before = os.umask(0)",
        ("sidecar/test_listen.py::test_nobody_else_may_connect_unless_told_so",),
    ),
    Mutant(
        "handlers/registry.py",
        "    if allowed is None or len(registry.by_guest) >= MOST_NAMES or interface in connection.hidden:",
        "    if allowed is None or interface in connection.hidden:",
        ("handlers/test_registry.py::test_one_registry_has_a_bounded_number_of_names",),
    ),
    Mutant(
        "sidecar/keeper.py",
        "            if upstream.handed_over.reach(self._clients[0]):",
        "            if False:",
        (
            "sidecar/test_keeper.py::test_it_has_no_more_connections_than_the_policy_allows_wherever_it_puts_them",
            "sidecar/test_keeper.py::test_a_relay_that_follows_has_what_the_one_before_has_left",
        ),
    ),
    Mutant(
        "sidecar/keeper.py",
        "        self._clients = (min(most, self._most_clients), rule)",
        "        pass",
        ("sidecar/test_keeper.py::test_it_has_no_more_connections_than_the_policy_allows_wherever_it_puts_them",),
    ),
    Mutant(
        "sidecar/handed_over.py",
        "                pass",
        "                self._most_open = 0",
        ("sidecar/test_keeper.py::test_where_the_kernel_does_not_say_none_has_been_closed",),
    ),
    Mutant(
        "sidecar/relay/pump.py",
        ", flags=SPLICE_F_NONBLOCK",
        "",
        ("sidecar/test_pump.py::test_nothing_blocks_where_neither_end_says_so_itself",),
    ),
    Mutant(
        "sidecar/relay/carrier.py",
        "        close_all(held)\n        self.totals",
        "        self.totals",
        ("sidecar/test_relay.py::test_descriptors_that_are_not_passed_on_are_closed[HOLD]",),
    ),
    Mutant(
        "sidecar/relay/arrivals.py",
        "        self._by_peer[peer] = ours",
        "        self._by_peer = {peer: ours, **self._by_peer}",
        ("sidecar/test_arrivals.py::test_peers_take_turns",),
    ),
    Mutant(
        "sidecar/relay/arrivals.py",
        "(spoken or silent)[-1]",
        "(spoken or silent)[0]",
        (
            "sidecar/test_arrivals.py::test_who_comes_last_goes_first_and_who_speaks_before_who_is_silent",
        ),
    ),
    Mutant(
        "sidecar/relay/arrivals.py",
        "        if self._count <= MOST:",
        "        if True:",
        ("sidecar/test_arrivals.py::test_of_too_many_one_of_the_peer_with_most_goes_and_a_silent_one_first",),
    ),
    Mutant(
        "sidecar/relay/arrivals.py",
        "                if state == GONE:",
        "                if False:",
        ("sidecar/test_arrivals.py::test_who_has_hung_up_takes_nobodys_turn",),
    ),
    Mutant(
        "sidecar/relay/arrivals.py",
        "if now - arrival.since > WAIT_SECONDS]",
        "if False]",
        ("sidecar/test_arrivals.py::test_nobody_waits_for_ever",),
    ),
    Mutant(
        "handlers/attachments.py",
        "        self.most = connection.limits.region_rectangles",
        "        self.most = 256",
        ("core/test_quotas.py::test_a_policy_bounds_sub_surfaces_damage_regions_and_a_pools_buffers",),
    ),
    Mutant(
        "sidecar/relay/pump.py",
        "        if len(self._by_fd) >= 2 * self.most:",
        "        if False:",
        ("sidecar/test_pump.py::test_one_too_many_is_not_carried",),
    ),
    Mutant(
        "sidecar/relay/pump.py",
        "        if number == pump.target and not mask & OUT:",
        "        if False:",
        ("sidecar/test_pump.py::test_a_reader_that_has_gone_ends_it_at_once",),
    ),
    Mutant(
        "sidecar/relay/pump.py",
        "            if moved > pump.left:",
        "            if False:",
        ("sidecar/test_pump.py::test_no_more_than_the_quota_comes_through",),
    ),
    Mutant(
        "sidecar/relay/pump.py",
        "            if now - pump.moved_at > transfer.idle_seconds:",
        "            if False:",
        ("sidecar/test_pump.py::test_one_that_stands_still_is_ended",),
    ),
    Mutant(
        "sidecar/relay/pump.py",
        "            elif now - pump.began > transfer.total_seconds:",
        "            elif False:",
        ("sidecar/test_pump.py::test_one_that_creeps_is_ended_too",),
    ),
    Mutant(
        "sidecar/relay/pump.py",
        "min(pump.left, PIECE_BYTES), flags",
        "PIECE_BYTES, flags",
        ("sidecar/test_pump.py::test_no_more_than_the_quota_comes_through",),
    ),
    Mutant(
        "sidecar/relay/carrier.py",
        "        wait = self._pace.messages.take(cost, self.now)",
        "        wait = 0.0",
        ("sidecar/test_relay.py::test_a_guest_that_sends_too_much_is_read_more_slowly_and_loses_nothing",),
    ),
    Mutant(
        "sidecar/relay/carrier.py",
        ("        close_all(outcome.discarded)\n        for transfer"),
        "        for transfer",
        ("sidecar/test_relay.py::test_descriptors_that_are_not_passed_on_are_closed",),
    ),
    Mutant(
        "sidecar/relay/carrier.py",
        "        peer.queued <= peer_limit\n        and peer",
        "        peer",
        ("sidecar/test_relay.py::test_the_sender_is_read_until_the_limit_and_no_further",),
    ),
    Mutant(
        "sidecar/relay/carrier.py",
        "late[: max(0, len(late) - limits.silent_clients)]",
        "late[:0]",
        ("sidecar/test_relay.py::test_connections_that_say_nothing_are_ended_but_for_a_few",),
    ),
    Mutant(
        "sidecar/relay/entrance.py",
        "        most = min(self._most, self._limits.clients)",
        "        most = self._most",
        ("sidecar/test_relay.py::test_the_policys_number_of_clients_counts_too",),
    ),
    Mutant(
        "sidecar/relay/entrance.py",
        "        if links + len(self.waiting) >= most:",
        "        if False:",
        ("sidecar/test_relay.py::test_too_many_clients_are_closed_at_once",),
    ),
    Mutant(
        "sidecar/relay/entrance.py",
        "        return self._limits.connects[0] <= 0 or self._connects.try_one(now)",
        "        return True",
        ("sidecar/test_relay.py::test_connections_beyond_the_rate_take_turns",),
    ),
    Mutant(
        "sidecar/seccomp.py",
        ("        step(RETURN, KILL_PROCESS),\n        step(LOAD, AT_NUMBER),"),
        ("        step(RETURN, ALLOW),\n        step(LOAD, AT_NUMBER),"),
        ("sidecar/test_confine.py::test_a_foreign_architectures_call_kills",),
    ),
    Mutant(
        "sidecar/seccomp.py",
        "            step(JUMP_SET, PROT_EXEC, 0, 1),",
        "            step(JUMP_SET, 0, 0, 1),",
        ("sidecar/test_confine.py::test_a_confined_relay_cannot[executable memory]",),
    ),
    Mutant(
        "sidecar/seccomp.py",
        "        step(JUMP_EQUAL, FIONBIO, 1, 0),",
        "        step(JUMP_GREATER_EQUAL, 0, 1, 0),",
        ("sidecar/test_confine.py::test_a_confined_relay_cannot[ask a terminal]",),
    ),
    Mutant(
        "sidecar/seccomp.py",
        ("    steps.append(step(RETURN, ERRNO | EPERM))\n"),
        ("    steps.append(step(RETURN, ALLOW))\n"),
        ("sidecar/test_confine.py::test_a_confined_relay_cannot",),
    ),
    Mutant(
        "sidecar/keeper.py",
        "        if len(upstream.asked) >= self._most_clients:",
        "        if False:",
        ("sidecar/test_keeper.py::test_it_cannot_ask_for_more_connections_than_it_may_accept",),
    ),
    Mutant(
        "sidecar/keeper.py",
        "    if not poll.poll(END_SECONDS * 1000):",
        "    if False:",
        ("sidecar/test_keeper.py::test_one_that_hangs_up_and_lives_on_is_killed",),
    ),
    Mutant(
        "sidecar/keeper.py",
        "        if self._stop_at and now >= self._stop_at and not self.gone:",
        "        if False:",
        ("sidecar/test_supervisor.py::test_a_relay_that_does_not_end_is_killed",),
    ),
    Mutant(
        "sidecar/audit_file.py",
        "or self.queued >= QUEUE_LINES:",
        "or len(self.file._queue) >= QUEUE_LINES:",
        ("sidecar/test_keeper.py::test_a_flood_of_lines_takes_no_room_of_another_guest",),
    ),
    Mutant(
        "sidecar/shared_port.py",
        "            claim = self._claims.get(cid) or self._claims.get(ANYBODY)",
        "            claim = next(iter(self._claims.values()))",
        ("sidecar/test_supervisor.py::test_guests_share_a_vsock_port_by_their_cids",),
    ),
    Mutant(
        "sidecar/shared_port.py",
        "        if cid in self._claims:",
        "        if False:",
        ("sidecar/test_supervisor.py::test_one_cid_cannot_be_two_guests",),
    ),
    Mutant(
        "sidecar/relay_process.py",
        "        close_others([2, broker.fileno()",
        "        ([2, broker.fileno()",
        ("sidecar/test_supervisor.py::test_a_relay_has_nothing_of_the_other_guests",),
    ),
    Mutant(
        "sidecar/served.py",
        "        self._pause = min(2 * self._pause, LONGEST_PAUSE)",
        "        self._pause = FIRST_PAUSE",
        ("sidecar/test_supervisor.py::test_a_relay_that_keeps_dying_is_replaced_more_slowly",),
    ),
    Mutant(
        "sidecar/supervisor.py",
        "        elif served.entry.same(entry):",
        "        elif False:",
        ("sidecar/test_supervisor.py::test_reload_of_nothing_new_touches_nobody",),
    ),
    Mutant(
        "policy/load_guest.py",
        "    expired = guest.expires is not None and now >= guest.expires.timestamp()",
        "    expired = False",
        ("sidecar/test_supervisor.py::test_expired_guests_fall_back_to_strict",),
    ),
    Mutant(
        "handlers/descriptors.py",
        "            if fd.kind not in (UNKNOWN, KIND_NAMES.index(check.text)):",
        "            if False:",
        ("handlers/test_descriptors.py::test_a_kind_that_the_policy_demands",),
    ),
    Mutant(
        "handlers/registry.py",
        "    if is_full(connection, registry, interface):\n        if len",
        "    if False:\n        if len",
        ("handlers/test_registry.py::test_a_global_beyond_the_count_cannot_be_bound",),
    ),
    Mutant(
        "handlers/registry.py",
        "        if spare == interface and not is_full(connection, registry, interface):",
        "        if False:",
        ("handlers/test_registry.py::test_one_that_goes_is_replaced_by_the_next_and_told_before_its_end",),
    ),
    Mutant(
        "handlers/registry.py",
        "    registry.spare.pop(message.number(NAME), None)",
        "    pass",
        ("handlers/test_registry.py::test_the_end_of_one_that_was_not_told_of_is_not_told_either",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if not admitted(connection, modifier):",
        "    if False:",
        ("handlers/test_dmabufs.py::test_only_layouts_that_the_policy_is_for_are_announced_and_taken",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    if planes > connection.tables.most_planes:",
        "    if False:",
        ("handlers/test_dmabufs.py::test_a_buffer_of_more_planes_than_the_policy_is_for_fails",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    elif not all(admitted(connection, modifier) for modifier in modifiers):",
        "    elif False:",
        ("handlers/test_dmabufs.py::test_a_layout_that_no_table_could_be_read_for_is_judged_all_the_same",),
    ),
    Mutant(
        "handlers/dmabufs.py",
        "    return within(connection, message, planes, [IMPLICIT])",
        "    return FORWARD",
        ("handlers/test_dmabufs.py::test_wl_drm_is_held_to_the_same",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if skips(connection, permission, offer):",
        "    if False:",
        ("handlers/test_selections.py::test_what_a_password_manager_has_marked_is_not_shown",),
    ),
    Mutant(
        "handlers/selections.py",
        "    if isinstance(note, Offer) and skips(connection, name, note):",
        "    if False:",
        ("handlers/test_selections.py::test_what_is_not_marked_is_shown_and_not_read_any_more_once_it_is",),
    ),
    Mutant(
        "handlers/windows.py",
        "    if most and grabs_down_to(window) > most:",
        "    if False:",
        ("handlers/test_windows.py::test_menus_beyond_the_depth_do_not_take_the_input",),
    ),
    Mutant(
        "handlers/attachments.py",
        "    if connection.usage.tokens.pop(message.text(0), False):",
        "    if message.text(0) in connection.usage.tokens:",
        ("handlers/test_attachments.py::test_a_token_for_the_users_input_is_good_for_one_activation",),
    ),
    Mutant(
        "handlers/attachments.py",
        "    if isinstance(note, Token) and note.for_input:",
        "    if isinstance(note, Token):",
        ("handlers/test_attachments.py::test_a_token_without_the_users_input_activates_nothing",),
    ),
    Mutant(
        "handlers/attachments.py",
        "        if len(tokens) > MOST_TOKENS:",
        "        if False:",
        ("handlers/test_attachments.py::test_of_tokens_that_nobody_uses_the_newest_are_kept",),
    ),
    Mutant(
        "sidecar/control/server.py",
        "            if uid not in (0, os.geteuid()):",
        "            if False:",
        ("sidecar/test_control.py::test_another_user_is_not_heard",),
    ),
    Mutant(
        "sidecar/control/server.py",
        "                silent.close()",
        "                return",
        ("sidecar/test_control.py::test_a_thousand_silent_ones_keep_nobody_out",),
    ),
    Mutant(
        "sidecar/control/server.py",
        "        if not newline and len(self.got) < REQUEST_BYTES:",
        "        if not newline:",
        ("sidecar/test_control.py::test_garbage_is_answered_and_costs_nothing",),
    ),
    Mutant(
        "sidecar/control/server.py",
        "                        os.close(number)",
        "                        pass",
        ("sidecar/test_control.py::test_descriptors_that_nobody_asked_for_are_closed",),
    ),
    Mutant(
        "sidecar/control/orders.py",
        "        if not stat.S_ISFIFO(os.fstat(call.fd).st_mode):",
        "        if False:",
        ("sidecar/test_control.py::test_what_cannot_be_written_to_is_refused",),
    ),
    Mutant(
        "sidecar/control/orders.py",
        "        if not stat.S_ISREG(facts.st_mode) or facts.st_size:",
        "        if False:",
        ("sidecar/test_control.py::test_what_cannot_be_written_to_is_refused",),
    ),
    Mutant(
        "sidecar/control/state.py",
        "        if type(value) is not int or not 0 <= value < LARGEST:",
        "        if False:",
        ("sidecar/test_control.py::test_numbers_of_a_state_are_numbers",),
    ),
    Mutant(
        "sidecar/control/tally.py",
        "        if key not in self.decisions and len(self.decisions) >= MOST_KEYS:",
        "        if False:",
        ("sidecar/test_control.py::test_a_tally_is_bounded_and_its_words_are_closed",),
    ),
    Mutant(
        "sidecar/watch/watching.py",
        "step.message if self._whole else redacted(step.message, step.rule)",
        "step.message",
        ("sidecar/test_control.py::test_a_trace_without_payload_leaves_the_relay_without_it",),
    ),
    Mutant(
        "policy/load_safely.py",
        "    if found.st_uid not in trusted:",
        "    if False:",
        ("policy/test_load_safely.py::test_a_stranger_s_file_or_folder_is_refused_until_they_are_trusted",),
    ),
    Mutant(
        "policy/load_safely.py",
        "    by_all = bool(found.st_mode & stat.S_IWOTH)",
        "    by_all = False",
        ("policy/test_load_safely.py::test_all_that_is_wrong_with_a_path_is_said_at_once",),
    ),
    Mutant(
        "policy/load_safely.py",
        "    return bool(uids) and uids <= trusted and not has_access_list(number)",
        "    return True",
        ("policy/test_load_safely.py::test_with_a_umask_of_002_a_group_of_one_s_own_is_safe",),
    ),
    Mutant(
        "policy/load_safely.py",
        "    return bool(uids) and uids <= trusted and not has_access_list(number)",
        "    return bool(uids) and uids <= trusted",
        ("policy/test_load_safely.py::test_what_a_group_may_write_under_an_access_list_is_anybody_s",),
    ),
    Mutant(
        "policy/load_safely.py",
        "            faults += judge(number, here, trusted)\n        if link",
        "            if not todo:\n                faults += judge(number, here, trusted)\n        if link",
        ("policy/test_load_safely.py::test_all_that_is_wrong_with_a_path_is_said_at_once",),
    ),
    Mutant(
        "policy/load_safely.py",
        "                    faults += judge(found, there, trusted)\n",
        "",
        ("policy/test_load_safely.py::test_a_stranger_s_link_is_not_followed_for_long",),
    ),
    Mutant(
        "policy/load_safely.py",
        "        if link and not here.startswith(STORE)",
        "        if False and not here.startswith(STORE)",
        ("policy/test_load_safely.py::test_a_policy_is_no_link",),
    ),
    Mutant(
        "policy/load.py",
        "            check_folder(os.path.dirname(path), owners)  # who can write there can take it away\n",
        "",
        ("policy/test_load_safely.py::test_a_ceiling_is_asked_and_so_is_the_folder_that_lacks_it",),
    ),
    Mutant(
        "policy/load.py",
        "        check_folder(folder, owners)  # who can write there can take away what stands in for a shipped policy\n",
        "        pass\n",
        ("policy/test_load_safely.py::test_a_folder_from_which_others_could_take_a_policy_away_is_asked",),
    ),
    Mutant(
        "policy/load_compiled.py",
        "            check_folder(os.path.dirname(ceiling), owners)",
        "            pass",
        ("policy/test_load_compiled.py::test_where_others_could_take_the_ceiling_away_nothing_compiled_runs",),
    ),
    Mutant(
        "policy/load_compiled.py",
        "    if found:\n        raise ConfigErrors(found)",
        "    if False:\n        raise ConfigErrors(found)",
        ("policy/test_load_compiled.py::test_a_compiled_policy_is_held_to_the_ceiling_of_the_host_it_runs_on",),
    ),
    Mutant(
        "policy/load_compiled.py",
        "floor(list(compiled[\"globals\"]))",
        "{}",
        ("policy/test_load_compiled.py::test_the_floor_holds_for_compiled_policies_too",),
    ),
    Mutant(
        "policy/load_compiled.py",
        "        if check is not None:",
        "        if False:",
        ("sidecar/test_signature.py::test_a_signature_that_is_not_good",),
    ),
    Mutant(
        "policy/recompiled.py",
        "value / 256 if isinstance",
        "value if isinstance",
        ("policy/test_load_compiled.py::test_what_a_policy_demands_of_an_argument_is_read_back_from_its_checks",),
    ),
    Mutant(
        "policy/recompiled.py",
        "        if origin.startswith(BUILT_IN) or operation == checks.REWRITE:",
        "        if operation == checks.REWRITE:",
        ("policy/test_load_compiled.py::test_what_the_protocol_demands_and_what_is_rewritten_is_no_demand_of_a_policy",),
    ),
    Mutant(
        "policy/read_variables.py",
        "    if path[-1] == OF_THE_START:",
        "    if False:",
        ("policy/test_load.py::test_what_is_another_at_each_start_is_for_the_instance_id_alone",),
    ),
    Mutant(
        "policy/read_upstream.py",
        "len(longest.encode()) > MOST_BYTES",
        "len(text.encode()) > MOST_BYTES",
        ("policy/test_load.py::test_an_instance_id_has_room_for_what_comes_later",),
    ),
    Mutant(
        "core/judge.py",
        "        self.said = \"\"\n        kind: i64",
        "        kind: i64",
        ("handlers/test_texts.py::test_a_record_never_quotes_another_message",),
    ),
    Mutant(
        "core/tables.py",
        " if request and tables.previews else -1",
        "",
        ("handlers/test_texts.py::test_what_a_guest_calls_its_window_is_in_a_record_only_where_the_policy_says_so",),
    ),
    Mutant(
        "sidecar/audit.py",
        " = plain(record.said, PREVIEW_CHARACTERS)",
        " = record.said",
        ("sidecar/test_audit.py::test_what_a_guest_calls_its_window_is_escaped_and_cut",),
    ),
    Mutant(
        "sidecar/audit.py",
        "    if record == ALL or entry.get(\"verdict\") in REFUSALS or event not in",
        "    if record == ALL or event not in",
        ("sidecar/test_audit.py::test_a_policy_says_how_much_is_recorded",),
    ),
    Mutant(
        "sidecar/audit.py",
        " or event not in (DECISION, REWRITE):",
        ":",
        ("sidecar/test_audit.py::test_a_policy_says_how_much_is_recorded",),
    ),
    Mutant(
        "sidecar/audit.py",
        "    return record == DECISIONS and event == DECISION",
        "    return record == DECISIONS",
        ("sidecar/test_audit.py::test_a_policy_says_how_much_is_recorded",),
    ),
    Mutant(
        "sidecar/audit_file.py",
        " or not audit.wanted(entry, self._record):",
        ":",
        ("sidecar/test_audit.py::test_a_policy_says_how_much_is_recorded",),
    ),
    Mutant(
        "policy/read_audit.py",
        "                record = value\n",
        "                pass\n",
        ("sidecar/test_audit.py::test_the_broker_learns_of_it_with_the_policy",),
    ),
    Mutant(
        "policy/compare.py",
        "        yield Change(_kind(now < was, now > was), \"audit.record\"",
        "        yield Change(CHANGED, \"audit.record\"",
        ("policy/test_layers.py::test_less_in_the_audit_log_is_wider_and_can_be_final",),
    ),
    Mutant(
        "sidecar/compiled.py",
        "    if not trust.signers:\n        return None",
        "    return None",
        ("sidecar/test_signature.py::test_a_signature_that_is_not_good",),
    ),
    Mutant(
        "sidecar/signature.py",
        "            if not done.returncode:",
        "            if True:",
        ("sidecar/test_signature.py::test_a_signature_that_is_not_good",),
    ),
    Mutant(
        "sidecar/signature.py",
        "    allowed = read_file(signers, owners)",
        "    allowed = read_file(signers, ANYBODY)",
        ("sidecar/test_signature.py::test_signers_that_others_can_add_to_sign_nothing",),
    ),
    Mutant(
        "sidecar/compiled.py",
        "        if trust.signers:\n            raise only_compiled(name)",
        "        if False:\n            raise only_compiled(name)",
        ("cli/test_verify.py::test_run_and_serve_take_only_what_is_signed",),
    ),
    Mutant(
        "sidecar/guest_files.py",
        "    elif trust.signers and not expired:",
        "    elif False:",
        ("cli/test_verify.py::test_run_and_serve_take_only_what_is_signed",),
    ),
    Mutant(
        "sidecar/guest_files.py",
        "        check_folder(folder, Owners(trust.owners))\n",
        "",
        ("policy/test_load_safely.py::test_serve_refuses_a_folder_that_others_can_add_to",),
    ),
    Mutant(
        "policy/compare.py",
        "    return WIDER if wider else TIGHTER if tighter else CHANGED",
        "    return CHANGED if wider == tighter else WIDER if wider else TIGHTER",
        ("cli/test_policy_verbs.py::test_what_is_wider_at_one_end_and_tighter_at_the_other_is_wider",),
    ),
    Mutant(
        "policy/inheritance.py",
        "    return change.kind == WIDER or (change.kind == CHANGED and change.key.partition(\".\")[0] in TEXTS)",
        "    return change.kind == WIDER",
        ("policy/test_layers.py::test_what_is_final_cannot_be_reworded_nor_moved",),
    ),
    Mutant(
        "core/waypipe.py",
        "    if lead & UPDATE:",
        "    if False:",
        ("core/test_waypipe.py::test_headers_that_are_refused",),
    ),
    Mutant(
        "core/waypipe.py",
        "    if version < OLDEST_VERSION:",
        "    if False:",
        ("core/test_waypipe.py::test_headers_that_are_refused",),
    ),
    Mutant(
        "core/waypipe.py",
        "    if lead >> 11 & 7 > 1:",
        "    if False:",
        ("core/test_waypipe.py::test_headers_that_are_refused",),
    ),
    Mutant(
        "core/waypipe.py",
        "            if length < 4 or length > MESSAGE_BYTES:",
        "            if length < 4:",
        ("core/test_waypipe.py::test_message_headers_that_are_refused",),
    ),
    Mutant(
        "core/waypipe.py",
        "            if self.kind >= len(NAMES):",
        "            if False:",
        ("core/test_waypipe.py::test_message_headers_that_are_refused",),
    ),
    Mutant(
        "core/waypipe.py",
        "        if end - start != self._size - ahead:",
        "        if False:",
        ("core/test_waypipe.py::test_other_messages_are_held_until_they_are_complete",),
    ),
    Mutant(
        "core/waypipe.py",
        "            if end != 0 or start != self._size - 12:",
        "            if start != self._size - 12:",
        ("core/test_waypipe.py::test_other_messages_are_held_until_they_are_complete",),
    ),
    Mutant(
        "core/waypipe.py",
        "        if size < HEADER_BYTES or size & 3 or size > end - at:",
        "        if size < HEADER_BYTES or size > end - at:",
        ("core/test_waypipe.py::test_a_protocol_message_holds_whole_messages",),
    ),
    Mutant(
        "core/waypipe.py",
        "        if end <= start or end > file_bytes or end - start > limit - at:",
        "        if end <= start or end - start > limit - at:",
        ("core/test_waypipe.py::test_diffs_that_are_refused",),
    ),
    Mutant(
        "core/waypipe.py",
        "        if end <= start or end > file_bytes or end - start > limit - at:",
        "        if end <= start or end > file_bytes:",
        ("core/test_waypipe.py::test_diffs_that_are_refused",),
    ),
    Mutant(
        "core/waypipe.py",
        "    if runs > MOST_RUNS:",
        "    if False:",
        ("core/test_waypipe.py::test_too_many_runs",),
    ),
    Mutant(
        "core/waypipe.py",
        "        if trailing > file_bytes:",
        "        if False:",
        ("core/test_waypipe.py::test_diffs_that_are_refused",),
    ),
    Mutant(
        "sidecar/relay/compression.py",
        "    if len(data) != size:",
        "    if False:",
        ("sidecar/test_waypipe.py::test_what_does_not_unpack_to_what_it_says_is_refused",),
    ),
    Mutant(
        "sidecar/relay/mirrors.py",
        "            fcntl.fcntl(number, fcntl.F_ADD_SEALS, F_SEAL_SHRINK)\n",
        "",
        ("sidecar/test_waypipe.py::test_a_file_is_sealed_from_the_beginning",),
    ),
    Mutant(
        "sidecar/relay/mirrors.py",
        "        if not 0 < size <= BIGGEST_FILE:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_hostile_messages_are_refused_and_leave_nothing",),
    ),
    Mutant(
        "sidecar/relay/mirrors.py",
        "        if self._usage.fds + FDS_EACH > most:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_files_and_pipes_are_counted_as_descriptors",),
    ),
    Mutant(
        "sidecar/relay/mirrors.py",
        "        if not mirror.size <= size <= BIGGEST_FILE:",
        "        if not size <= BIGGEST_FILE:",
        ("sidecar/test_waypipe.py::test_a_file_grows_and_never_shrinks",),
    ),
    Mutant(
        "sidecar/relay/mirrors.py",
        "        if end > mirror.size:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_hostile_messages_are_refused_and_leave_nothing",),
    ),
    Mutant(
        "sidecar/relay/mirrors.py",
        "        if not start < end <= mirror.size:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_a_large_run_beyond_the_end_is_refused_when_it_begins",),
    ),
    Mutant(
        "sidecar/relay/mirrors.py",
        "        if self._usage.mirrored_bytes > most:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_memory_is_counted_by_what_is_written_to",),
    ),
    Mutant(
        "sidecar/relay/mirrors.py",
        "                if mirror.filling:",
        "                if False:",
        ("sidecar/test_waypipe.py::test_a_file_stays_until_what_is_under_way_has_come",),
    ),
    Mutant(
        "sidecar/relay/remote_pipes.py",
        "        if len(pipe.backlog) + len(data) > self.most_bytes + PIECE_BYTES:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_a_pipe_holds_back_at_most_one_transfer",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if self._come >= PROGRESS_BYTES:",
        "        if True:",
        ("sidecar/test_waypipe.py::test_a_trickle_is_not_what_keeps_a_message_going",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if self._come >= PROGRESS_BYTES:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_a_large_message_has_time_on_a_slow_link",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if self.waits_since >= 0 and now - self.waits_since > self._limits.stall_seconds and not self.refused:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_a_large_run_must_end",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if self._usage.held_bytes > HELD_BYTES:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_unfinished_messages_are_bounded_for_a_guest_as_a_whole",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        self.cost += 1  # nearly each is a system call or two\n",
        "",
        ("sidecar/test_waypipe.py::test_what_costs_a_system_call_costs_the_guest_s_rate",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if wanted > len(self._injected):",
        "        if False:",
        ("sidecar/test_waypipe.py::test_hostile_messages_are_refused_and_leave_nothing",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "            if rid <= 0:\n",
        "            if False:\n",
        ("sidecar/test_waypipe.py::test_hostile_messages_are_refused_and_leave_nothing",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if rid <= 0 or rid in self.files or rid in self._mine:",
        "        if rid in self.files or rid in self._mine:",
        ("sidecar/test_waypipe.py::test_hostile_messages_are_refused_and_leave_nothing",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if not 0 < rid <= self._last_number or rid in self._mine:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_hostile_messages_are_refused_and_leave_nothing",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if size > waypipe.MESSAGE_BYTES:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_hostile_messages_are_refused_and_leave_nothing",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if count > self._sent:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_hostile_messages_are_refused_and_leave_nothing",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "        if self._usage.fds + FDS_OF_PIPE > most:",
        "        if False:",
        ("sidecar/test_waypipe.py::test_files_and_pipes_are_counted_as_descriptors",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        '            if not pipe.writes:\n                raise Refused(f"PipeTransfer',
        '            if False:\n                raise Refused(f"PipeTransfer',
        ("sidecar/test_waypipe.py::test_hostile_messages_are_refused_and_leave_nothing",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "            self.cost += self.files.diff(rid, data, at, size, trailing) >> RUNS_SHIFT",
        "            self.files.diff(rid, data, at, size, trailing)",
        ("sidecar/test_waypipe.py::test_what_unpacks_to_much_counts_for_many_messages",),
    ),
    Mutant(
        "sidecar/relay/waypipe.py",
        "            self.cost += size >> COST_SHIFT",
        "            pass",
        ("sidecar/test_waypipe.py::test_what_unpacks_to_much_counts_for_many_messages",),
    ),
    Mutant(
        "core/connection.py",
        "    return False\n\n\nclass Connection",
        "    return True\n\n\nclass Connection",
        ("policy/test_complain.py::test_a_session_that_is_not_told_enforces",),
    ),
    Mutant(
        "policy/complain.py",
        '        if milder.get("verdict", ALLOW) != ALLOW:',
        "        if False:",
        ("policy/test_complain.py::test_the_ceiling_never_gives_way",),
    ),
    Mutant(
        "policy/complain.py",
        '    checks += [check for check in milder.get("checks", []) if check[:3] not in own]',
        "    pass",
        ("policy/test_complain.py::test_an_enum_of_the_protocol_never_gives_way",),
    ),
    Mutant(
        "policy/complain.py",
        '        strict["permissions"][name][2] = loose["permissions"][name][2]',
        "        pass",
        ("policy/test_complain.py::test_a_bound_of_the_ceiling_holds_what_gives_way",),
    ),
    Mutant(
        "policy/complain.py",
        '        return strict | {key: milder[key] for key in ("checks", "rate", "shape") if key in milder} | {GIVES_WAY: 1}',
        "        return strict | {GIVES_WAY: 1}",
        ("policy/test_complain.py::test_a_rate_holds",),
    ),
    Mutant(
        "policy/exposure.py",
        "    compiled = let_through(compiled)\n    held = {name: entry for name, entry in holdings(compiled).items() if entry.real}\n    passing = list(",
        "    held = {name: entry for name, entry in holdings(compiled).items() if entry.real}\n    passing = list(",
        ("policy/test_complain.py::test_nothing_is_proved_of_what_passes",),
    ),
    Mutant(
        "policy/exposure.py",
        "    compiled = let_through(compiled)\n    found: dict",
        "    found: dict",
        ("policy/test_complain.py::test_the_score_is_that_of_what_passes",),
    ),
    Mutant(
        "policy/inheritance.py",
        "    if key == MODE:",
        "    if False:",
        ("policy/test_complain.py::test_it_is_not_inherited_and_breaks_what_is_final",),
    ),
    Mutant(
        "policy/load.py",
        "    if until:\n        check_complaint(last, ceiling)",
        "    pass",
        ("policy/test_complain.py::test_a_ceiling_may_forbid_it",),
    ),
    Mutant(
        "policy/read_mode.py",
        "    if until > now + MOST_DAYS * DAY_SECONDS:",
        "    if False:",
        ("policy/test_complain.py::test_a_mode_has_its_end",),
    ),
    Mutant(
        "policy/recompiled.py",
        "    if COMPLAIN in compiled and ceiling is not None and ceiling.enforces:",
        "    if False:",
        ("policy/test_complain.py::test_a_compiled_policy_is_held_to_a_younger_ceiling",),
    ),
    Mutant(
        "policy/recompiled.py",
        '        holds = name not in held[COMPLAIN]["permissions"]',
        "        holds = False",
        ("policy/test_complain.py::test_a_compiled_policy_is_held_to_a_younger_ceiling",),
    ),
    Mutant(
        "policy/recompiled.py",
        '        if holds or held["permissions"][name][2] != compiled["permissions"][name][2]:',
        "        if holds:",
        ("policy/test_complain.py::test_a_compiled_policy_is_held_to_a_younger_ceiling",),
    ),
    Mutant(
        "tools/sources.py",
        "    if 0 < policy.until <= time.time():",
        "    if False:",
        ("policy/test_complain.py::test_past_its_moment_the_verbs_say_what_is_in_force",),
    ),
    Mutant(
        "policy/complain.py",
        '    if told is None or told["until"] > now:',
        "    if True:",
        ("policy/test_complain.py::test_at_a_moment_a_policy_is_what_it_is_then",),
    ),
    Mutant(
        "cli/shadow.py",
        "    if args.fail_on and not report.beside:",
        "    if False:",
        ("sidecar/test_shadow.py::test_a_gate_that_nobody_passed_through",),
    ),
    Mutant(
        "tools/audit_log.py",
        "            if read and not events:",
        "            if False:",
        ("sidecar/test_shadow.py::test_no_log",),
    ),
    Mutant(
        "sidecar/deadline.py",
        "            left = min(self.until - time.time(), self._boot - time.clock_gettime(time.CLOCK_BOOTTIME))",
        "            left = self.until - time.time()",
        ("sidecar/test_mode.py::test_the_first_of_two_clocks_ends_it",),
    ),
    Mutant(
        "sidecar/deadline.py",
        "            self._over = True",
        "            pass",
        ("sidecar/test_mode.py::test_the_first_of_two_clocks_ends_it",),
    ),
    Mutant(
        "sidecar/deadline.py",
        "@functools.cache",
        "",
        ("sidecar/test_mode.py::test_a_reload_after_the_clock_was_set_back_prolongs_nothing",),
    ),
    Mutant(
        "sidecar/relay_process.py",
        "        return usage.complains and end.ahead()",
        "        return usage.complains",
        ("sidecar/test_mode.py::test_it_enforces_by_itself_when_the_time_is_over",),
    ),
    Mutant(
        "sidecar/relay_process.py",
        "        return usage.complains and end.ahead()",
        "        return end.ahead()",
        ("sidecar/test_mode.py::test_a_reload_ends_it_for_those_who_are_there",),
    ),
    Mutant(
        "core/judge.py",
        "            if verdict != FORWARD and not message.lent:  # what",
        "            if verdict != FORWARD:  # what",
        ("handlers/test_loans.py::test_what_is_lent_later_has_passed_the_checks_when_it_was_asked_for",),
    ),
    Mutant(
        "core/objects.py",
        "        held.placeholder = True\n        held.requests = held.table.ghost_requests",
        "        held.requests = held.table.ghost_requests",
        ("handlers/test_loans.py::test_the_id_is_not_used_again_upstream_before_delete_id",),
    ),
    Mutant(
        "core/objects.py",
        "        held.events = held.table.muted_events\n\n    def retire",
        "        pass\n\n    def retire",
        ("handlers/test_loans.py::test_what_the_compositor_still_says_of_it_is_swallowed",),
    ),
    Mutant(
        "core/objects.py",
        "        held.requests = held.table.ghost_requests",
        "        pass",
        ("handlers/test_loans.py::test_the_guest_destroys_what_was_taken_back_and_the_compositor_hears_of_it_once",),
    ),
    Mutant(
        "core/session.py",
        "                        if connection.loans:  # it may",
        "                        if False:  # it may",
        ("handlers/test_loans.py::test_no_window_is_no_window_whatever_became_of_it",),
    ),
    Mutant(
        "handlers/surfaces.py",
        "            if self.attached and self.mapped != (pending is not None):",
        "            if False:",
        ("handlers/test_loans.py::test_it_ends_with_the_window_and_comes_back_with_it",),
    ),
    Mutant(
        "handlers/loans.py",
        "            if needed.stage != LIVE or needed.ghost or seats.is_gone(needed):",
        "            if False:",
        ("handlers/test_loans.py::test_it_does_not_come_back_without_what_it_was_made_with",),
    ),
    Mutant(
        "handlers/loans.py",
        "                self._args[index] = 0\n                continue",
        "                continue",
        ("handlers/test_loans.py::test_what_comes_back_has_no_region",),
    ),
    Mutant(
        "handlers/loans.py",
        "        if not why and owner.ghost and not owner.placeholder:",
        "        if not why and owner.ghost:",
        ("handlers/test_loans.py::test_the_id_is_not_used_again_upstream_before_delete_id",),
    ),
    Mutant(
        "handlers/loans.py",
        "        elif why and not owner.ghost:",
        "        elif False:",
        ("handlers/test_loans.py::test_an_inhibitor_ends_when_its_time_is_over",),
    ),
    Mutant(
        "handlers/loans.py",
        "    if len(connection.loans) >= MOST_LOANS:",
        "    if False:",
        ("handlers/test_loans.py::test_more_than_are_looked_at_each_time_are_ghosts_for_good",),
    ),
    Mutant(
        "handlers/loans.py",
        "        self.taken()\n\n    def _give_again",
        "        pass\n\n    def _give_again",
        ("handlers/test_loans.py::test_the_combination_takes_it_back_and_a_click_gives_it_again",),
    ),
    Mutant(
        "handlers/inhibitors.py",
        "            if usage.awake_since < 0:",
        "            if True:",
        ("handlers/test_loans.py::test_destroying_and_creating_gains_nothing",),
    ),
    Mutant(
        "handlers/inhibitors.py",
        "            if held is None or window.states & 1 << STATE_SUSPENDED:",
        "            if held is None:",
        ("handlers/test_loans.py::test_a_suspended_window_is_not_visible",),
    ),
    Mutant(
        "handlers/inhibitors.py",
        "            if held is None or window.states & 1 << STATE_SUSPENDED:",
        "            if held is None or held.states & 1 << STATE_SUSPENDED:",
        ("handlers/test_loans.py::test_the_compositor_has_the_last_word_though_the_guest_never_acknowledges_it",),
    ),
    Mutant(
        "handlers/inhibitors.py",
        "            return held.states & window.states",
        "            return held.states",
        ("handlers/test_loans.py::test_the_compositor_has_the_last_word_though_the_guest_never_acknowledges_it",),
    ),
    Mutant(
        "handlers/inhibitors.py",
        "            return held.states & window.states",
        "            return window.states",
        ("handlers/test_loans.py::test_full_screen_is_what_the_compositor_said_and_the_guest_acknowledged",),
    ),
    Mutant(
        "handlers/inhibitors.py",
        "        if not at.mapped or at.parent is None:",
        "        if at.parent is None:",
        ("handlers/test_loans.py::test_a_part_of_a_window_is_seen_where_it_and_the_window_are",),
    ),
    Mutant(
        "handlers/inhibitors.py",
        "        if only == FULLSCREEN and",
        "        if False and",
        ("handlers/test_loans.py::test_full_screen_is_what_the_compositor_said_and_the_guest_acknowledged",),
    ),
    Mutant(
        "handlers/inhibitors.py",
        "        connection.stirs = connection.stirs or is_spent(connection)",
        "        pass",
        ("handlers/test_loans.py::test_what_was_taken_back_comes_back_with_a_key",),
    ),
    Mutant(
        "handlers/windows.py",
        "    held.states = held.sent[place]",
        "    held.states = 0",
        ("handlers/test_loans.py::test_full_screen_is_what_the_compositor_said_and_the_guest_acknowledged",),
    ),
    Mutant(
        "handlers/escape.py",
        "    if permission in connection.usage.escaped:\n        return TAKEN",
        "    if False:\n        return TAKEN",
        ("handlers/test_loans.py::test_it_is_not_had_again_by_asking_again",),
    ),
    Mutant(
        "handlers/escape.py",
        '    return "" if focus.is_there else NO_FOCUS',
        '    return ""',
        ("handlers/test_loans.py::test_the_pointer_is_held_only_while_the_keyboard_is_there_to_be_heard",),
    ),
    Mutant(
        "handlers/escape.py",
        '        return "" if focus.keyboards else NO_KEYBOARD',
        '        return ""',
        ("handlers/test_loans.py::test_shortcuts_are_inhibited_only_where_there_is_a_keyboard_to_be_heard",),
    ),
    Mutant(
        "handlers/escape.py",
        "        self.gone = True\n        self.turn(None)",
        "        self.gone = True",
        ("handlers/test_loans.py::test_the_pointer_is_held_only_while_the_keyboard_is_there_to_be_heard",),
    ),
    Mutant(
        "handlers/escape.py",
        "        return any(surface.stage == LIVE for surface in self._on)",
        "        return bool(self._on)",
        ("handlers/test_loans.py::test_a_surface_that_is_destroyed_takes_the_focus_along",),
    ),
    Mutant(
        "handlers/seats.py",
        '        """wl_seat.release: its devices live on, and nobody says any more when they are gone. What could be gone is taken for gone."""\n        self.lose_all()',
        "        pass",
        ("handlers/test_seats.py::test_one_whose_wl_seat_the_guest_has_released_may_be_gone_unheard",),
    ),
    Mutant(
        "handlers/registry.py",
        "    seats.on_global_gone(connection, announced.host_name)",
        "    pass",
        ("handlers/test_seats.py::test_one_of_a_seat_whose_global_is_gone_is_gone_without_a_word_of_its_capabilities",),
    ),
    Mutant(
        "core/objects.py",
        "        elif gone.stage == LIVE:  # ended unasked",
        "        elif False:  # ended unasked",
        ("handlers/test_loans.py::test_it_does_not_come_back_for_what_the_compositor_has_ended_unasked",),
    ),
    Mutant(
        "handlers/escape.py",
        "            follow(connection, message, note, code)\n",
        "            pass\n",
        ("handlers/test_loans.py::test_a_guest_that_changes_its_keyboard_while_the_combination_goes_down_has_heard_it",),
    ),
    Mutant(
        "handlers/escape.py",
        "        found = self._by_seat.get(seat)",
        "        seat = 0\n        found = self._by_seat.get(seat)",
        ("handlers/test_loans.py::test_the_keyboard_of_another_seat_is_not_the_one_whose_user_is_held",),
    ),
    Mutant(
        "handlers/escape.py",
        "    if connection.deaf:",
        "    if False:",
        ("handlers/test_loans.py::test_nothing_is_held_while_the_compositor_is_not_read",),
    ),
    Mutant(
        "sidecar/relay/carrier.py",
        "        if deaf == link.deaf:",
        "        if True:",
        ("sidecar/test_relay.py::test_a_session_is_told_when_the_compositor_is_not_read_and_when_it_is_again",),
    ),
    Mutant(
        "handlers/escape.py",
        "                connection.stirs = True\n    return completed",
        "                pass\n    return completed",
        ("handlers/test_loans.py::test_it_reaches_what_the_guest_has_on_its_other_connections",),
    ),
    Mutant(
        "handlers/escape.py",
        "    if code in note.swallowed:",
        "    if False:",
        ("handlers/test_loans.py::test_the_key_that_completes_the_combination_is_not_sent",),
    ),
    Mutant(
        "handlers/escape.py",
        "        self.held.clear()",
        "        pass",
        ("handlers/test_loans.py::test_keys_that_are_down_already_when_the_focus_comes_count_and_are_forgotten_when_it_goes",),
    ),
    Mutant(
        "handlers/escape.py",
        "        note.held.discard(code)",
        "        pass",
        ("handlers/test_loans.py::test_the_modifiers_are_those_that_are_down",),
    ),
    Mutant(
        "handlers/keys.py",
        "all(not keys.isdisjoint(held) for keys in self._modifiers)",
        "any(not keys.isdisjoint(held) for keys in self._modifiers)",
        ("handlers/test_loans.py::test_another_combination_does_as_well_where_there_are_two",),
    ),
    Mutant(
        "sidecar/relay/alarms.py",
        "        if earlier is None or when < earlier:",
        "        if True:",
        ("sidecar/test_alarms.py::test_what_is_said_meanwhile_does_not_put_one_off",),
    ),
    Mutant(
        "sidecar/relay/carrier.py",
        "                if other is not link:\n                    self._remind(other)",
        "                pass",
        ("sidecar/test_relay.py::test_what_a_session_decides_can_concern_the_guests_others",),
    ),
    Mutant(
        "policy/compile.py",
        "    if key in (SKIP_IF, ESCAPE):",
        "    if key == SKIP_IF:",
        ("policy/test_layers.py::test_the_narrower_of_policy_and_ceiling_holds",),
    ),
    Mutant(
        "handlers/loans.py",
        "        if maker is None or made_by is None or (self._complained and not self.connection.complaining()):",
        "        if maker is None or made_by is None:",
        ("handlers/test_loans.py::test_what_a_policy_only_complained_of_does_not_come_back_when_it_enforces",),
    ),
    Mutant(
        "core/tables.py",
        '        if "escape" in parameters and (verdict == ALLOW or name in tables.complaining):',
        '        if "escape" in parameters and verdict == ALLOW:',
        ("policy/test_complain.py::test_the_keys_that_take_back_what_gives_way_hold",),
    ),
    Mutant(
        "handlers/seats.py",
        "    if not is_gone(connection.objects.of_host(message.number(index))):",
        "    if True:",
        ("handlers/test_seats.py::test_nothing_is_made_of_a_pointer_that_the_seat_has_lost",),
    ),
    Mutant(
        "handlers/seats.py",
        "                device.lose()\n        seat.forget()",
        "                pass\n        seat.forget()",
        ("handlers/test_seats.py::test_one_of_before_is_gone_also_where_the_seat_has_a_pointer_again",),
    ),
    Mutant(
        "handlers/seats.py",
        "            made.lose()",
        "            pass",
        ("handlers/test_seats.py::test_one_that_a_seat_without_a_pointer_gives_is_gone_from_the_beginning",),
    ),
    Mutant(
        "handlers/constraints.py",
        "    if seats.names_one_that_is_gone(connection, message, 2):",
        "    if False:",
        ("handlers/test_seats.py::test_nothing_is_made_of_a_pointer_that_the_seat_has_lost",),
    ),
    Mutant(
        "handlers/loans.py",
        " or seats.is_gone(needed):",
        ":",
        ("handlers/test_seats.py::test_a_lock_does_not_come_back_for_a_pointer_that_is_gone",),
    ),
)
