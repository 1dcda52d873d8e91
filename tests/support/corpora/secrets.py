"""Hundreds of made-up secrets as users and tools write them, each in several payloads that coding agents send.

They are assembled from parts and a seed, so that no file of the repository contains anything that looks like a
secret. The corpus includes each canary of `tests.support.corpora.canaries`, so a new rule is measured at once.
"""

import json
import textwrap
from base64 import b64encode
from collections.abc import Iterator
from random import Random
from string import ascii_letters, ascii_lowercase, digits
from typing import NamedTuple

from tests.support.corpora.canaries import CANARIES

_random = Random(20)
_WORDS = "osprey lantern gravel teapot walnut sextant juniper harbor meadow quartz".split()


class Secret(NamedTuple):
    """A secret, its group, and a text around it; ``%s`` marks its place."""

    group: str
    secret: str
    text: str

    @property
    def written(self) -> str:
        """Return the text with the secret in it."""
        return self.text.replace("%s", self.secret)


def _word() -> str:
    """Return a password as for a developer's database: no digit, no special character."""
    return _random.choice(_WORDS) + _random.choice(_WORDS)


def _mixed(length: int = 14) -> str:
    """Return a password as from a password manager, without characters that end a word."""
    rest = "".join(_random.choices(ascii_letters + digits, k=length - 3))
    return _random.choice(ascii_lowercase) + rest + _random.choice(digits) + _random.choice(ascii_lowercase)


def _signs() -> str:
    """Return a password with characters that are special in URLs and shells."""
    return f"{_word()[:5]}@{_mixed(4)}/{_mixed(4)}#{_mixed(5)}?"


def _basic() -> str:
    return b64encode(f"{_word()}:{_mixed()}".encode()).decode()


_MAKERS = {"word": _word, "mixed": _mixed, "long": lambda: _mixed(32), "signs": _signs, "basic": _basic}

# group: kind of secret: text, one per line; "\n" in it is a line break.
_SHAPES = r"""
url: mixed: DATABASE_URL=postgres://app:%s@db.internal:5432/app
url: word: psql postgresql://postgres:%s@localhost/shop -c '\\dt'
url: signs: amqp://guest:%s@rabbit.internal:5672/vhost
url: signs: redis_url: redis://default:%s@cache-1.example.com:6379/0
url: signs: engine = create_engine("mysql+pymysql://root:%s@db:3306/shop")
url: mixed: git remote add origin https://bob:%s@git.example.com/acme/app.git
url: mixed: fatal: unable to access 'https://x-token-auth:%s@bitbucket.org/acme/app.git/': 403
url: word: MONGO_URI="mongodb+srv://admin:%s@cluster0.abcde.mongodb.net/app?retryWrites=true"
url: mixed: proxy = http://proxyuser:%s@proxy.corp.example.com:3128
url: long: git clone https://%s@git.example.com/acme/app.git
key_value: mixed: SECRET_KEY_BASE=%s
key_value: long: SECRET_KEY_BASE="%s"
key_value: mixed: "secret_string": "%s"
key_value: mixed: The staging login, password: `%s`
key_value: word: The staging password is as follows\n\n- **Password:** `%s`\n- **Port:** 5432
key_value: word: export PGPASSWORD=%s
key_value: word: DB_PASS=%s\nDB_HOST=localhost
key_value: mixed: pass_phrase=%s
key_value: long: APP_KEY=base64:%s=
key_value: mixed: const dbPassword = `%s`;
key_value: mixed: password: str = "%s"
key_value: word: os.environ["DB_PASSWORD"] = "%s"
key_value: word: ENV['SMTP_PASSWORD'] ||= '%s'
key_value: mixed: $env:DB_PASSWORD = "%s"
key_value: long: {"api_key":"%s","region":"eu"}
key_value: mixed: JWT_SECRET=%s
key_value: word: auth: { user: "mailer", pass: "%s" },
key_value: long: apiKey: '%s',
key_value: long: X-Api-Key: %s
key_value: mixed: "identitytoken": "%s"
yaml: word: database:\n  host: db.internal\n  username: app\n  password: %s\n  port: 5432
yaml: word: spring:\n  datasource:\n    url: jdbc:postgresql://db/app\n    password: %s
yaml: word: services:\n  db:\n    image: postgres:16\n    environment:\n      POSTGRES_PASSWORD: %s
yaml: mixed: apiVersion: v1\nkind: Secret\nstringData:\n  password: %s\n  username: app
yaml: word: all:\n  vars:\n    ansible_user: deploy\n    ansible_become_pass: %s
yaml: mixed: production:\n  secret_key_base: %s
yaml: word: smtp:\n  user: mailer\n  pass: %s
yaml: word: password: %s
yaml: word: db:\n  user: app\n  password: %s\n  port: 5432
named: word: {"name": "DB_PASSWORD", "value": "%s"}
named: mixed: {"key":"API_TOKEN","value":"%s"}
named: word: {"Name": "MasterPassword", "Value": "%s"}
named: word: {"ParameterKey": "DBPassword", "ParameterValue": "%s"}
named: word: - name: DB_PASSWORD\n  value: %s\n- name: DB_HOST\n  value: db
named: word: env:\n  - name: REDIS_PASSWORD\n    value: "%s"
named: word: <add key="Password" value="%s" />
named: word: <property name="javax.persistence.jdbc.password" value="%s"/>
named: word: <property name="connection.password">%s</property>
named: mixed: { name = "GRAFANA_TOKEN", value = "%s" }
named: mixed: {"name":"X-Api-Key","value":"%s","enabled":true}
named: word: {"value": "%s", "name": "DB_PASSWORD"}
registry: basic: {"auths": {"registry.example.com": {"auth": "%s"}}}
registry: mixed: //registry.npmjs.org/:_authToken=%s
registry: basic: //npm.example.com/:_auth=%s
registry: basic: _auth = %s
registry: mixed: npm config set //registry.example.com/:_authToken %s
registry: mixed: [pypi]\nusername = __token__\npassword = %s
registry: mixed: composer config http-basic.repo.example.com bob %s
command: mixed: docker login -u bob -p %s registry.example.com
command: word: $ mysql -u root -p%s shop < dump.sql
command: word: mysqldump -h db -uroot -p'%s' shop > dump.sql
command: mixed: sshpass -p %s ssh deploy@10.0.0.5
command: word: sshpass -p '%s' scp app.tar deploy@10.0.0.5:/srv
command: word: redis-cli -h cache -a %s ping
command: word: mongosh --host db -u admin -p %s --authenticationDatabase admin
command: word: mongodump -u admin -p %s --archive
command: word: cqlsh -u cassandra -p %s 10.0.0.4
command: word: cypher-shell -u neo4j -p %s "MATCH (n) RETURN n"
command: mixed: sqlcmd -S tcp:db.example.com -U sa -P %s -Q "SELECT 1"
command: mixed: az login --service-principal -u 3f8a1c2e -p %s --tenant acme
command: word: htpasswd -bc /etc/nginx/.htpasswd alice %s
command: word: openssl enc -aes-256-cbc -in a -out b -pass pass:%s
command: word: openssl rsa -in key.pem -passin pass:%s
command: mixed: http -a alice:%s https://api.example.com/me
command: mixed: curl -s -u alice:%s https://api.example.com/me
command: word: curl --user 'alice:%s' https://api.example.com/me
command: mixed: curl -b "session=%s" https://app.example.com/
command: mixed: ngrok config add-authtoken %s
command: long: setx FOO_TOKEN %s
command: long: set -gx FOO_TOKEN %s
command: long: + export FOO_TOKEN=%s\n+ make deploy
command: word: echo "%s" | docker login -u bob --password-stdin
command: word: echo '%s' | sudo -S apt-get install -y jq
command: mixed: kubectl create secret generic db --from-literal=password=%s
command: word: kubectl create secret generic db --from-literal=username=app --from-literal=password=%s
command: word: helm upgrade app ./chart --set postgresql.auth.password=%s
command: word: wget --user=bob --password=%s https://files.example.com/a.zip
command: mixed: gh secret set DEPLOY_TOKEN --body "%s"
command: word: java -jar app.jar --spring.datasource.password=%s
command: word: terraform apply -var 'db_password=%s'
command: word: ldapsearch -D cn=admin,dc=acme -w %s -b dc=acme
command: word: keytool -genkey -alias app -storepass %s -keypass changeit
command: mixed: vault login %s
command: word: docker run -e MYSQL_ROOT_PASSWORD=%s -p 3306:3306 mysql:8
command: word: redis-server --requirepass %s
command: word: PGPASSWORD=%s psql -h db -U app
command: word: rabbitmqctl add_user app %s
database: word: sqlplus scott/%s@//db.example.com:1521/ORCL
database: word: jdbc:oracle:thin:scott/%s@db.example.com:1521:ORCL
database: word: jdbc:mysql://db.example.com/shop?user=app&password=%s
database: word: Password=%s;Server=db;User Id=sa;
database: word: "Server=db;Database=shop;Uid=app;Pwd=%s;"
database: word: Driver={ODBC Driver 18};Server=db;UID=app;PWD=%s;Encrypt=yes
database: word: host=db port=5432 dbname=shop user=app password=%s sslmode=require
database: word: conn = psycopg2.connect("dbname=shop user=app password=%s")
database: word: CREATE USER 'app'@'%' IDENTIFIED BY '%s';
database: word: ALTER USER app WITH PASSWORD '%s';
database: word: CREATE ROLE app LOGIN PASSWORD '%s';
database: mixed: ALTER USER scott IDENTIFIED BY %s;
database: word: SET PASSWORD FOR 'app'@'localhost' = PASSWORD('%s');
database: word: requirepass %s
database: word: db.internal:5432:shop:app:%s
database: word: *:*:*:app:%s
database: long: DefaultEndpointsProtocol=https;AccountName=acme;AccountKey=%s==;EndpointSuffix=core.windows.net
database: word: spring.datasource.password=%s
database: word: [client]\nuser = root\npassword = %s
database: word: define('DB_PASSWORD', '%s');
database: word: 'password' => '%s',
database: word: password = "%s"
database: word: $db['default']['password'] = '%s';
login: word: machine git.example.com\n  login bob\n  password %s
login: word: username: alice\npassword: %s
login: word: Login with user: alice password: %s and see the banner
login: word: r = requests.get(url, auth=("alice", "%s"))
login: word: await page.fill("#password", "%s")
login: word: client.login("alice@example.com", "%s")
login: word: user=alice&password=%s
http: basic: Authorization: Basic %s
http: basic: got header "Basic %s" from the proxy
http: long: Authorization: Bearer %s
http: long: Cookie: theme=dark; sessionid=%s; lang=en
http: long: Set-Cookie: connect.sid=s%3A%s; Path=/; HttpOnly
http: long: curl 'https://app.example.com' -H 'cookie: _ga=GA1.2; auth_token=%s'
http: long: GET /auth/callback?code=%s&state=xyz HTTP/1.1
http: long: https://api.example.com/v1/items?access_token=%s
http: long: JSESSIONID=%s
http: mixed: {"grant_type":"password","username":"alice","password":"%s"}
http: mixed: client_id=web&client_secret=%s&grant_type=client_credentials
http: long: example.com\tFALSE\t/\tTRUE\t1790000000\tsession\t%s
others: word: spring.redis.password: %s
others: word:   "ConnectionStrings": {"Default": "Host=db;Port=5432;Username=app;Password=%s"}
others: word: $ psql "host=db user=app password=%s dbname=shop"
others: word: CREATE USER app WITH ENCRYPTED PASSWORD '%s';
others: word: grant all on shop.* to 'app'@'%' identified by '%s' with grant option;
others: word: mysql> SET PASSWORD = '%s';
others: word: mysqladmin -u root password '%s'
others: word:   DJANGO_SECRET_KEY: "%s"
others: word: SECRET_KEY = 'django-insecure-%s'
others: word: app.config['SECRET_KEY'] = '%s'
others: word: const token = jwt.sign(payload, '%s', { expiresIn: '1h' })
others: word: NEXTAUTH_SECRET=%s
others: long: STRIPE_WEBHOOK_KEY=%s
others: long: export OPENAI_KEY=%s
others: word: redis.Redis(host="cache", port=6379, password="%s")
others: word: new Redis({ host: 'cache', password: '%s' })
others: word: {"host":"smtp.example.com","auth":{"user":"bob","pass":"%s"}}
others: word: smtp_password: %s
others: word:   password: '%s'
others: word: ansible_ssh_pass=%s
others: word: db1 ansible_host=10.0.0.4 ansible_user=root ansible_password=%s
others: long: $ export AWS_SESSION_TOKEN=%s
others: word: wifi: nmcli dev wifi connect Home password %s
others: word: wpa_passphrase Home %s
others: word: echo "root:%s" | chpasswd
others: word: curl -X POST https://api.example.com/login -d '{"email":"a@b.c","password":"%s"}'
others: long: curl -H "X-Auth-Token: %s" https://api.example.com
others: word: curl -d "username=bob&password=%s" https://api.example.com/login
others: word: http POST api.example.com/login username=bob password=%s
others: word: wget --http-password=%s https://files.example.com
others: word: git clone https://oauth2:%s@gitlab.example.com/a/b.git
others: word: svn co --username bob --password %s https://svn.example.com
others: word: rsync --password-file=/x rsync://bob:%s@host/mod
others: word: mount -t cifs //nas/share /mnt -o username=bob,password=%s
others: word: kubectl config set-credentials bob --password=%s
others: word: kubectl create secret docker-registry reg --docker-password=%s --docker-username=bob
others: word: helm repo add acme https://charts --username bob --password %s
others: word: az sql server create --admin-user app --admin-password %s
others: word: aws rds create-db-instance --master-user-password %s
others: word: gcloud sql users set-password postgres --password=%s
others: word: MINIO_ROOT_PASSWORD=%s minio server /data
others: word: mc alias set local http://localhost:9000 admin %s
others: word: influx -username admin -password %s
others: word: The admin password is: %s
others: word: Passwort: %s
others: word: grafana-cli admin reset-admin-password %s
others: word: <Password>%s</Password>
others: word: <bean><property name="password"><value>%s</value></property></bean>
others: word: <server><username>bob</username><password>%s</password></server>
"""

# Secrets that docs/privacy.md documents as not found, with the reason. They are measured, but not counted.
_OUT_OF_SCOPE = r"""
sentence: word: the password is %s, keep it safe
in base64: basic: client-key-data: %s
in pieces: mixed: part one of the key is %s
"""


def _shapes(lines: str) -> Iterator[Secret]:
    for line in lines.strip().splitlines():
        group, kind, text = line.split(": ", 2)
        yield Secret(group, _MAKERS[kind](), text.replace("\\n", "\n").replace("\\t", "\t").replace("\\\\", "\\"))


SHAPES = tuple(_shapes(_SHAPES))
VENDORS = tuple(Secret(f"canary {canary.rule}", canary.secret, canary.text) for canary in CANARIES)
OUT_OF_SCOPE = tuple(_shapes(_OUT_OF_SCOPE))
CORPUS = SHAPES + VENDORS

_BASE = {"session_id": "b41b3855-1aab-4030-b3c8-6040cdeb2ef0", "cwd": "/home/alice/shop", "permission_mode": "default"}


def payloads(text: str) -> dict[str, bytes]:
    """Return the text in each kind of payload, by its name."""
    return {name: json.dumps({**_BASE, **make(text)}).encode() for name, make in _PAYLOADS.items()}


def _bash(text: str) -> dict[str, object]:
    """Put the text between the lines of a log."""
    stdout = f"2026-11-25T17:49:12Z INFO starting worker pid=4211\n{text}\n2026-11-25T17:49:13Z INFO done in 812 ms\n"
    response = {"stdout": stdout, "stderr": "", "interrupted": False, "isImage": False}
    return {
        "hook_event_name": "PostToolUse",
        "tool_name": "Bash",
        "tool_input": {"command": "make"},
        "tool_response": response,
    }


def _command(text: str) -> dict[str, object]:
    return {"hook_event_name": "PreToolUse", "tool_name": "Bash", "tool_input": {"command": text, "description": "Run"}}


def _write(text: str) -> dict[str, object]:
    """Make the text a whole file."""
    return {
        "hook_event_name": "PreToolUse",
        "tool_name": "Write",
        "tool_input": {"file_path": "/srv/x", "content": text + "\n"},
    }


def _prompt(text: str) -> dict[str, object]:
    return {
        "hook_event_name": "UserPromptSubmit",
        "prompt": f"It fails on staging, this is what I use:\n\n{text}\n\nWhy?",
    }


def _patch(text: str) -> dict[str, object]:
    """Make the text added lines of a patch, between unchanged lines."""
    lines = [" # end of the part before", *("+" + line for line in text.split("\n")), " # more"]
    hunk = {"oldStart": 3, "oldLines": 2, "newStart": 3, "newLines": len(lines), "lines": lines}
    return {"hook_event_name": "PostToolUse", "tool_name": "Edit", "tool_response": {"structuredPatch": [hunk]}}


def _nested(text: str) -> dict[str, object]:
    """Put the text into a JSON string inside a JSON string, as tools of other servers respond."""
    inner = json.dumps({"content": [{"type": "text", "text": json.dumps({"result": text, "ok": True})}]})
    return {"hook_event_name": "PostToolUse", "tool_name": "mcp__vault__read", "tool_response": inner}


def _read(text: str) -> dict[str, object]:
    file = {"filePath": "/srv/x", "content": textwrap.dedent(text), "numLines": 9, "startLine": 1, "totalLines": 9}
    return {"hook_event_name": "PostToolUse", "tool_name": "Read", "tool_response": {"type": "text", "file": file}}


_PAYLOADS = {
    "output": _bash,
    "command": _command,
    "write": _write,
    "prompt": _prompt,
    "patch": _patch,
    "nested": _nested,
    "read": _read,
}
