"""The address of the API and the key for it: where they come from, and that the key shows itself nowhere."""

import pickle
import traceback

import pytest
from traitlets.config import Config

from nb_artifacts import addresses, config
from nb_artifacts.errors import InvalidValue
from nb_artifacts.redact import redact
from nb_artifacts.traits import RemoteTraits

KEY = "very-secret-key-of-mine"


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch, tmp_path):
    for name in (
        "NB_ARTIFACTS_API_URL",
        "NB_ARTIFACTS_API_KEY",
        "PREFECT_API_URL",
        "PREFECT_API_KEY",
        "PREFECT_PROFILE",
        "PREFECT_API_AUTH_STRING",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.delenv("PREFECT_PROFILES_PATH", raising=False)
    monkeypatch.setattr(config, "_state", config._State())


@pytest.fixture
def profiles(tmp_path):
    def write(text):
        (tmp_path / "prefect").mkdir(exist_ok=True)
        (tmp_path / "prefect" / "profiles.toml").write_text(text)

    return write


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("http://127.0.0.1:4242", "http://127.0.0.1:4242/api"),
        ("HTTPS://Artifacts.Example.org:443/", "https://artifacts.example.org/api"),
        (" https://h/api/ ", "https://h/api"),
        ("https://h/api/accounts/a/workspaces/b/", "https://h/api/accounts/a/workspaces/b"),
        ("http://[::1]:80/api", "http://[::1]/api"),
        ("http://localhost:8888/user/me/nb-artifacts/api", "http://localhost:8888/user/me/nb-artifacts/api"),
    ],
)
def test_one_address_has_one_form(written, meant):
    assert addresses.check_address(written) == meant


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("artifacts.example.org", "write https://HOST/api"),
        ("ftp://h/api", "'ftp://h/api' is not the address of an API"),
        ("https://", "not the address"),
        ("https://h:port/api", "is not an address"),
        ("https://h:99999/api", "is not an address"),
        ("https://h/a b", "not the address"),
        ("https://h/api?token=very-secret-key-of-mine", "leave out what begins with"),
        ("https://me:very-secret-key-of-mine@h/api", "set the key as api_key"),
    ],
)
def test_an_address_that_cannot_be_one_is_named_with_the_remedy_and_without_a_password(written, said):
    with pytest.raises(InvalidValue, match=said) as caught:
        config.configure(api_url=written)
    assert KEY not in str(caught.value)
    assert config.remote() is None


def test_the_first_that_is_set_wins(monkeypatch):
    assert config.remote() is None
    monkeypatch.setenv("NB_ARTIFACTS_API_URL", "https://from-environment")
    monkeypatch.setenv("NB_ARTIFACTS_API_KEY", "environment")
    assert config.remote() == addresses.RemoteSettings("https://from-environment/api", addresses.Secret("environment"))
    config.use_traits(RemoteTraits(config=Config(RemoteTraits={"api_url": "https://traits", "sync_provenance": "off"})))
    found = config.remote()
    assert (found.address, found.key, found.provenance) == ("https://traits/api", "environment", "off")
    config.configure(api_url="https://given", api_key=KEY, sync_provenance="names")
    found = config.remote()
    assert (found.host, found.key, found.provenance) == ("given", KEY, "names")
    config.configure(api_url="off")
    assert config.remote() is None


def test_prefects_own_settings_send_nothing_until_they_are_asked_for(monkeypatch, profiles):
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect:4200/api")
    monkeypatch.setenv("PREFECT_API_KEY", KEY)
    profiles('active = "x"\n[profiles.x]\nPREFECT_API_URL = "https://elsewhere/api"\n')
    assert config.remote() is None
    config.configure(api_url="prefect", api_key="not-for-prefect")
    found = config.remote()
    assert (found.address, found.key, found.kind_hint) == ("http://prefect:4200/api", KEY, "prefect")


def test_a_prefect_server_behind_a_password(monkeypatch):
    monkeypatch.setenv("PREFECT_API_URL", "http://prefect:4200/api")
    monkeypatch.setenv("PREFECT_API_AUTH_STRING", f"admin:{KEY}")
    config.configure(api_url="prefect")
    assert config.remote().key == f"admin:{KEY}"
    assert redact(f"print('admin:{KEY}')") == "print('[redacted]')"


def test_the_active_profile_of_prefect_counts_where_its_environment_says_nothing(monkeypatch, profiles):
    config.configure(api_url="prefect")
    with pytest.raises(
        InvalidValue, match=r"no PREFECT_API_URL in the environment and none in the active profile of .*profiles\.toml"
    ):
        config.remote()
    profiles(
        'active = "cloud"\n[profiles.local]\nPREFECT_API_URL = "http://127.0.0.1:4200/api"\n'
        f'[profiles.cloud]\nPREFECT_API_URL = "https://api.prefect.cloud/api/accounts/a/workspaces/b"\nPREFECT_API_KEY = "{KEY}"\n'
    )
    assert config.remote().address == "https://api.prefect.cloud/api/accounts/a/workspaces/b"
    assert config.remote().key == KEY
    monkeypatch.setenv("PREFECT_PROFILE", "local")
    assert (config.remote().address, config.remote().key) == ("http://127.0.0.1:4200/api", None)
    profiles(f"PREFECT_API_KEY = {KEY}\n[")
    with pytest.raises(InvalidValue, match="cannot be read as TOML") as caught:
        config.remote()
    assert KEY not in "".join(traceback.format_exception(caught.value))


def test_the_key_shows_itself_nowhere(monkeypatch):
    config.configure(api_url="https://h/api", api_key=KEY)
    traits = RemoteTraits(api_key=KEY)
    shown = [
        repr(config.remote()),
        repr(config._state),
        str(config.remote()),
        repr(config.remote().key),
        repr(vars(config.remote())),
    ]
    shown += [RemoteTraits.class_get_help(traits), repr(pickle.loads(pickle.dumps(config.remote())))]
    assert all(KEY not in text for text in shown)
    with pytest.raises(InvalidValue, match="copy it again") as caught:
        config.configure(api_key=f"{KEY}\n")
    assert KEY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "code",
    [
        "# NB_ARTIFACTS_API_KEY={}",
        "subprocess.run('NB_ARTIFACTS_API_KEY={} nb-artifacts sync', shell=True)",
        "%%bash\nX=1\nPREFECT_API_KEY={} prefect artifact ls",
        "os.environ['NB_ARTIFACTS_API_KEY'] = '{}'",
        "%env NB_ARTIFACTS_API_KEY {}",
        "nba.configure(api_url='http://h', api_key='{}')",
        "%config NbArtifacts.api_key = '{}'",
    ],
)
def test_the_key_is_taken_out_of_source(code):
    assert KEY not in redact(code.format(KEY))


def test_the_key_in_use_is_taken_out_however_it_stands_there():
    config.configure(api_key=KEY)
    assert KEY not in redact(f"x = {KEY!r}\nprint('… {KEY} …')")
