"""The work of the exact rules is linear in the length of a text, for any text."""

from functools import partial

import pytest

from ingest.privacy.redaction.detection import candidate_rules
from ingest.privacy.redaction.passwords import passwords
from ingest.privacy.redaction.rules import RULES
from tests.support.processor_time import grows_linearly, in_counts, search_s

pytestmark = pytest.mark.slow
SHORT, LONG = 100_000, 400_000
COUNTS_MAX = 60  # for the long text and all rules that look at it; half of it at most on an idle machine
WORTH_COMPARING_S = 0.1

# Each is the beginning of something that a rule looks for, repeated without end.
UNITS = r"""
password=
?token=a&
--token a{space}
<password>
"secret":"
password:{space}
password='
PASSWORD=abc{space}
password=hunter2{space}
pwd=
pass:
password: x{line}
{space}{space}password: hunter{line}
define('PASSWORD', '
"name":"password",
{"name":"PASSWORD","value":"
name: password{line}
"value":"x","name":"
key="password" value="
https://u:p@
a://b:c@d/
a://b:
Authorization: Bearer{space}
Basic dTpw{space}
"auth":"dTpw"
Cookie: sid=a1;{space}
Set-Cookie: a=b;
?code=a1&
curl -u a:b{space}
mysql -pab{space}
mysql{space}
sshpass -p{space}
docker login -p{space}
setx A_TOKEN{space}
openssl pass:
echo a|sudo{space}
sqlplus a/b@
jdbc:oracle:thin:a/
user: a password: b{space}
login a password{space}
create user identified by 'a
user password 'a
host=a password=
*:*:*:*:
the password is{space}
| password |{space}
secret_key_base
""".strip().splitlines()
UNITS = [unit.replace("{space}", " ").replace("{line}", "\n") for unit in UNITS]


def cpu_s(unit: str, length: int) -> float:
    """Return the processor time in which the exact rules search a text, without the cuts."""
    text = (unit * (length // len(unit))).encode()
    return sum(search_s(find, text) for find in {RULES[rule].find for rule in candidate_rules(text)})


@pytest.mark.parametrize("unit", UNITS)
def test_work_grows_with_length(unit: str) -> None:
    """Four times the text costs four times as much, and a bounded number of counts."""
    cpu_s(unit, 10_000)  # compiles

    assert cpu_s(unit, LONG) < WORTH_COMPARING_S or grows_linearly(
        partial(cpu_s, unit, SHORT), partial(cpu_s, unit, LONG)
    )
    assert in_counts(partial(cpu_s, unit, LONG), COUNTS_MAX) < COUNTS_MAX


@pytest.mark.parametrize("key", ["password=", "pwd=", "_pass=", "secret:"])
def test_keys_that_are_the_value_of_another_are_not_looked_at_one_by_one(key: str) -> None:
    """A run of them costs less than as many keys that are followed by a space."""
    search_s(passwords, b"password=")  # compiles

    run, apart = (min(search_s(passwords, text.encode() * 20_000) for _ in range(3)) for text in (key, f"{key} "))

    assert run < apart
