"""The work of the exact rules is linear in the length of a text, for any text."""

from functools import partial

import pytest

from ingest.privacy.redaction.detection import candidate_rules, hits_in
from ingest.privacy.redaction.passwords import passwords
from ingest.privacy.redaction.rules import RULES
from tests.support.processor_time import GROWTH_MAX, grows_linearly, in_counts, search_s

pytestmark = pytest.mark.slow
SHORT, LONG = 100_000, 400_000
COUNTS_MAX = 60  # for the long text and all rules that look at it; an idle machine needs at most half
WORTH_COMPARING_S = 0.1

# Each is the beginning of a match for some rule, repeated endlessly.
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
pw=
const pat = '
A_KEY=abcdefghijklmnop1+/
A_KEY="
variable "password" {
variable "token" { x =
${PASSWORD:-
'--password', default="
password:{line}{space}type:{space}
password: {type: a, title: b,
token:{line}type: x,
env.PASSWORD ||{space}
os.environ.get('PASSWORD', '
flag.String("password", "
#define PASSWORD "
.password("
set_token({space}
new PDO("a", "b",
echo a |{space}
echo "a
echo a | x{space}
printf '%s' abc |{space}
| sudo{space}
sudo -S -S
a b c d <<<{space}
x <<<abc{space}
<<EOF{line}
x --stdin{space}
passwd <<E{line}abc{line}
password=<(echo abc{space}
secret-command=' echo abc
assword send{space}
assword{line}
passphrase send -- "a
ConvertTo-SecureString -String{space}
'abc' |{space}
NetworkCredential('a',
net use \\a /user:b{space}
net user a{space}
psexec a -p{space}
schtasks a /rp{space}
sc config password={space}
/password:abc{space}
password for a{space}
password is{space}
token for x y z:{space}
log in as bob /{space}
login with a{space}
user bob, pass{space}
credentials are a:
admin / a1
password -> a{space}
пароль: a{space}
card{space}
card number
4111 1111 1111 111
4111 1111 1111 1111 1111{space}
4111111111111111 12/
411111111111
visa 4111111111111111{space}
4111-
bindpw{space}
user a > b >{space}
a:b@tcp
a/b:c@
AUTH a{space}
secret 'a
password) values ('a','
password{line}a,
password: |{line}{space}
WIFI:T:
?key=a
password q{
<password a
<key>password</key>
"password": {"S": "
aB3dE5fG7hJ "{space}
aB3dE5fG7hJ" # (
# password{space}
-p aB3dE5fG7h{space}
"mysql", "-p
'a', forKey:
the password for 'a
password is generated for{space}
"a1b2c3" as the{space}
u: a p:{space}
FOO.password ("a",{space}
strcmp(a, "
Credential("a", "a", "
password')).fill(
password"), "
Field(default="
PASSWORD: Field(
"PASSWORD").unwrap_or(
'PASSWORD', {
output "token" {{space}
reg add /v a /d{space}
assword response=
""".strip().splitlines()
UNITS = [unit.replace("{space}", " ").replace("{line}", "\n") for unit in UNITS]


def cpu_s(unit: str, length: int) -> float:
    """Return the processor time in which the exact rules search a text, without replacing anything."""
    text = (unit * (length // len(unit))).encode()
    return sum(search_s(find, text) for find in {RULES[rule].find for rule in candidate_rules(hits_in(text))})


@pytest.mark.parametrize("unit", UNITS)
def test_work_grows_with_length(unit: str) -> None:
    """Four times the text costs four times as much, and a bounded number of counts."""
    cpu_s(unit, 10_000)  # compiles
    short, long = partial(cpu_s, unit, SHORT), partial(cpu_s, unit, LONG)
    long_s: list[float] = []
    before_s = short()

    assert in_counts(lambda: long_s.append(long()), COUNTS_MAX) < COUNTS_MAX

    is_linear = long_s[-1] < WORTH_COMPARING_S or long_s[-1] < GROWTH_MAX * min(before_s, short())
    assert is_linear or grows_linearly(short, long)


@pytest.mark.parametrize("key", ["password=", "pwd=", "_pass=", "secret:"])
def test_keys_that_are_the_value_of_another_are_not_looked_at_one_by_one(key: str) -> None:
    """A run of such keys costs less than as many keys followed by a space."""
    search_s(passwords, b"password=")  # compiles

    run, apart = (min(search_s(passwords, text.encode() * 20_000) for _ in range(3)) for text in (key, f"{key} "))

    assert run < apart
