"""Options about the remote in configuration files, the same in a kernel's and in the Jupyter server's."""

from __future__ import annotations

from typing import Any

from traitlets import Enum, Int, Unicode
from traitlets.config import Configurable

from nb_artifacts.addresses import Secret


class Hidden(Unicode[Secret, Any]):
    """A text that ``%config`` and listings of options do not show."""

    def validate(self, obj: Any, value: Any) -> Any:
        """Any text, kept as a `Secret`."""
        return Secret(super().validate(obj, value))


class RemoteTraits(Configurable):
    """Which API is sent to and read from."""

    api_url = Unicode("", help="The API to send to and read from; empty: NB_ARTIFACTS_API_URL.").tag(config=True)
    api_key = Hidden("", help="The key for that API; empty: NB_ARTIFACTS_API_KEY.").tag(config=True)
    sync_provenance = Enum(
        ["full", "names", "off"], None, allow_none=True, help="The most of an artifact's origin that leaves the machine."
    ).tag(config=True)
    cache_bytes = Int(None, allow_none=True, help="Bytes of other machines' artifacts that the folder keeps.").tag(config=True)
