"""What allow and deny cannot say: one pure file per concern, attached to the tables here and nowhere else."""

from __future__ import annotations

from typing import Any

from ..core.tables import Handlers, Tables, load
from . import buffers, display, ghosts, host_files, registry, surfaces, viewports, windows

HANDLERS = Handlers(
    inspectors={
        ("wl_registry", "global"): registry.on_global,
        ("wl_registry", "global_remove"): registry.on_global_remove,
        ("wl_registry", "bind"): registry.on_bind,
        ("wl_fixes", "destroy_registry"): registry.on_destroy_registry,
        ("wl_display", "error"): display.on_error,
        **dict.fromkeys(host_files.FILES, host_files.on_file),
        ("wl_shm", "create_pool"): buffers.on_create_pool,
        ("wl_shm_pool", "resize"): buffers.on_resize,
        ("wl_shm_pool", "create_buffer"): buffers.on_create_buffer,
        ("wl_surface", "attach"): surfaces.on_attach,
        ("wl_surface", "damage"): surfaces.on_damage,
        ("wl_surface", "damage_buffer"): surfaces.on_damage,
        ("wl_surface", "commit"): surfaces.on_commit,
        ("wl_surface", "set_buffer_scale"): surfaces.on_scale,
        ("wl_surface", "set_buffer_transform"): surfaces.on_transform,
        ("wl_surface", "offset"): surfaces.on_offset,
        ("wl_subcompositor", "get_subsurface"): surfaces.on_get_subsurface,
        ("wl_subsurface", "place_above"): surfaces.on_place,
        ("wl_subsurface", "place_below"): surfaces.on_place,
        ("wl_subsurface", "set_position"): surfaces.on_position,
        ("wp_viewporter", "get_viewport"): viewports.on_get_viewport,
        ("wp_viewport", "set_source"): viewports.on_source,
        ("wp_viewport", "set_destination"): viewports.on_destination,
        ("xdg_wm_base", "get_xdg_surface"): windows.on_get_xdg_surface,
        ("xdg_positioner", "set_size"): windows.on_positioner_size,
        ("xdg_positioner", "set_anchor_rect"): windows.on_anchor_rect,
        ("xdg_positioner", "set_anchor"): windows.on_anchor_or_gravity,
        ("xdg_positioner", "set_gravity"): windows.on_anchor_or_gravity,
        ("xdg_positioner", "set_offset"): windows.on_positioner_offset,
        ("xdg_surface", "get_toplevel"): windows.on_get_toplevel,
        ("xdg_surface", "get_popup"): windows.on_get_popup,
        ("xdg_surface", "ack_configure"): windows.on_ack_configure,
        ("xdg_surface", "set_window_geometry"): windows.on_window_geometry,
        ("xdg_toplevel", "set_parent"): windows.on_set_parent,
        ("xdg_toplevel", "set_min_size"): windows.on_size_bound,
        ("xdg_toplevel", "set_max_size"): windows.on_size_bound,
        ("xdg_toplevel", "resize"): windows.on_resize,
        ("xdg_popup", "grab"): windows.on_grab,
        ("xdg_popup", "reposition"): windows.on_reposition,
    },
    effects={
        ("wl_shm", "create_pool"): buffers.pool_made,
        ("wl_shm_pool", "create_buffer"): buffers.buffer_made,
        ("wp_viewporter", "get_viewport"): viewports.viewport_made,
        ("wl_subcompositor", "get_subsurface"): surfaces.subsurface_made,
        ("xdg_wm_base", "get_xdg_surface"): windows.xdg_surface_made,
        ("xdg_surface", "get_toplevel"): windows.window_made,
        ("xdg_surface", "get_popup"): windows.window_made,
        ("xdg_surface", "configure"): windows.on_configure,
    },
    tracked={
        ("wl_surface", "attach"),
        ("wl_surface", "damage"),
        ("wl_surface", "damage_buffer"),
        ("wl_surface", "commit"),
        ("wl_surface", "set_buffer_scale"),
        ("wl_surface", "set_buffer_transform"),
    },
    notes={
        "wl_shm_pool": buffers.Pool,
        "wl_buffer": buffers.Buffer,
        "wp_viewport": viewports.Viewport,
        "wl_surface": surfaces.Surface,
        "wl_subsurface": surfaces.Subsurface,
        "xdg_wm_base": windows.Shell,
        "xdg_positioner": windows.Positioner,
        "xdg_surface": windows.ShellSurface,
        "xdg_toplevel": windows.Window,
        "xdg_popup": windows.Window,
    },
    answers=ghosts.ANSWERS,
)


def load_tables(compiled: dict[str, Any]) -> Tables:
    """A compiled policy as look-up tables with every handler attached. Raises ValueError where its form is wrong."""
    return load(compiled, HANDLERS)
