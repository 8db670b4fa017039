"""Every recorded scenario through the stand-alone server, at its own address and behind a workspace's."""

import pytest
from api.replay import Replayer
from api.test_contract import NEEDS_OPEN, SCENARIOS, SERVED
from server.conftest import SPACE

NAMES = [name for name in SERVED if name not in NEEDS_OPEN]


@pytest.mark.parametrize("prefix", ["", SPACE], ids=["own", "workspace"])
@pytest.mark.parametrize("name", NAMES)
def test_scenario(standalone, name, prefix):
    ask = standalone.at(prefix)
    Replayer(ask.send, ask.base).run(SCENARIOS[name])
