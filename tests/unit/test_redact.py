import pytest

from nb_artifacts.redact import HIDDEN, error_line, redact

SECRET = "Zx9Kq3Vb7Lm2Pn8Rt5Wy1Hc4Df6Gj0As"

SAMPLES = [
    f'api_key = "{SECRET}"',
    f"API_KEY='{SECRET}'",
    f'os.environ["DB_PASSWORD"] = "{SECRET}"',
    f"client(token='{SECRET}', user='me')",
    f'{{"secret": "{SECRET}"}}',
    f'password: str = "{SECRET}"',
    f'os.getenv("API_TOKEN", "{SECRET}")',
    f"%env SERVICE_TOKEN={SECRET}",
    f"%env SERVICE_TOKEN {SECRET}",
    f"%set_env AWS_SECRET_ACCESS_KEY {SECRET}",
    f'!curl -H "Authorization: Bearer {SECRET}" example.com',
    f"!TOKEN={SECRET} ./run.sh",
    f"!export PASSWORD={SECRET}",
    f'url = "postgresql://me:{SECRET}@db.example.com/x"',
    f"s3 = 'https://user:{SECRET}@host/path'",
    f'headers = {{"Authorization": "token {SECRET}"}}',
    "key = 'AKIAIOSFODNN7EXAMPLE'",
    f"g = 'AIza{SECRET}abc'",
    f"g = 'ghp_{SECRET}abcd'",
    f"g = 'github_pat_{SECRET}'",
    f"g = 'glpat-{SECRET}'",
    f"s = 'xoxb-1234567890-{SECRET}'",
    f"o = 'sk-{SECRET}'",
    f"o = 'sk-proj-{SECRET}'",
    f"o = 'sk-ant-api03-{SECRET}'",
    f"s = 'sk_live_{SECRET}'",
    f"h = 'hf_{SECRET}'",
    f"p = 'pnu_{SECRET}'",
    f"p = 'pypi-{SECRET}'",
    f"n = 'npm_{SECRET}abcd'",
    f"s = 'SG.{SECRET}.{SECRET}'",
    "d = 'dapi0123456789abcdef0123456789abcdef'",
    f"j = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.{SECRET}'",
    f"a = 'nba_{SECRET}'",
    f"k = '''-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----'''",
    f'account_key = """{SECRET}"""',
    f"connection_string = 'AccountKey={SECRET}'",
    f"w = 'https://hooks.slack.com/services/T00/B00/{SECRET}'",
    f"passphrase=r'{SECRET}'",
    f"private_key = b'{SECRET}'",
]


@pytest.mark.parametrize("sample", SAMPLES)
def test_known_kinds_of_secrets_are_taken_out(sample):
    clean = redact(sample)
    assert HIDDEN in clean
    for secret in (SECRET, "AKIAIOSFODNN7EXAMPLE", "0123456789abcdef0123456789abcdef"):
        assert secret not in clean


@pytest.mark.parametrize(
    "code",
    [
        'nba.create(df, key="flights-by-carrier", description="Delays")',
        'tokens = tokenizer("a sentence")',
        'key = "flights"',
        "df.groupby('carrier')['dep_delay'].mean()",
        "url = 'https://example.com/a?b=c'",
        "x = {'name': 'value'}  # password is asked for",
        "from getpass import getpass\npassword = getpass()",
    ],
)
def test_ordinary_code_stays(code):
    assert redact(code) == code


def test_an_error_is_one_clean_line():
    assert error_line(ValueError(f"first token='{SECRET}'\nsecond")) == f"ValueError: first token='{HIDDEN}'"
    assert error_line(KeyError()) == "KeyError"
    assert len(error_line(ValueError("x" * 1000))) == 300
