"""A second corpus of made-up secrets, written without looking at the rules: it measures their reach.

A line of `_SHAPES` is a group, a secret and the text around it, where ``§`` marks the secret's place. A line that
begins with ``  ¦`` continues the text after a line break. Secrets are patterns: ``<a36>`` stands for 36 characters of
the alphabet ``a``, ``<human>`` for what `_MAKERS` makes, so that no line of this file looks like a secret to a scanner.
"""

import re
from base64 import b64encode
from collections.abc import Callable
from itertools import cycle
from random import Random
from string import ascii_letters, ascii_lowercase, ascii_uppercase, digits
from uuid import UUID

_random = Random(2026)
_WORDS = "Winter Harbor Falcon Maple Copper Granite Lisbon Saturn Pepper Violin Kernel Bamboo".split()

_ALPHABETS = {
    "a": ascii_letters + digits,
    "b": ascii_letters + digits + "+/",
    "c": "qpzry9x8gf2tvdw0s3jn54khce6mua7l".upper(),
    "d": digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "l": ascii_lowercase + digits,
    "L": ascii_letters,
    "s": ascii_uppercase + "234567",
    "u": ascii_letters + digits + "_-",
    "t": ascii_lowercase + "234567",
    "U": ascii_uppercase + digits,
    "x": "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz",
}


def _chars(alphabet: str, length: int) -> str:
    return "".join(_random.choices(_ALPHABETS[alphabet], k=length))


def _human() -> str:
    """Return a password as users think of it: a word, a year, a sign and two letters."""
    tail = "".join(_random.choices(ascii_lowercase, k=2))
    return f"{_random.choice(_WORDS)}{_random.randint(2019, 2026)}{_random.choice('!_-+')}{tail}"


def _mixed() -> str:
    """Return a password as a password manager makes it, without special characters."""
    return _chars("L", 3) + _chars("d", 1) + _chars("a", 7) + _chars("d", 1) + _chars("L", 1)


def _strong() -> str:
    """Return a password with special characters, for texts that quote it."""
    return _chars("L", 2) + "#" + _chars("d", 1) + _chars("a", 4) + "%^" + _chars("a", 4) + "&*" + _chars("L", 1)


def _phrase() -> str:
    """Return a passphrase of three words and a number."""
    return "-".join([*_random.sample([word.lower() for word in _WORDS], 3), str(_random.randint(10, 99))])


def _word() -> str:
    """Return two words, without any digit."""
    return "".join(_random.sample(_WORDS, 2)).lower()


def _json64(text: str) -> str:
    return b64encode(text.encode()).decode().rstrip("=")


def _jwt() -> str:
    claims = _json64(f'{{"sub":"{_chars("d", 8)}","iat":1790000000}}')
    return ".".join([_json64('{"alg":"HS256","typ":"JWT"}'), claims, _chars("u", 43)])


def _bytes64(length: int) -> str:
    return b64encode(_random.randbytes(length)).decode()


_MAKERS: dict[str, Callable[[], str]] = {
    "human": _human,
    "mixed": _mixed,
    "strong": _strong,
    "phrase": _phrase,
    "word": _word,
    "jwt": _jwt,
    "uuid": lambda: str(UUID(int=_random.getrandbits(128), version=4)),
    "key16": lambda: _bytes64(16),
    "key32": lambda: _bytes64(32),
    "key64": lambda: _bytes64(64),
    "basic": lambda: b64encode(f"deploy:{_mixed()}".encode()).decode(),
}

# If a token has a distinctive format, it must be found without a name near it.
_NEUTRAL = cycle(
    """
got § from the dashboard
`§`
$ tool login §
  "value": "§",
x = Client('§')
- §
use (§) instead
args: ["run", "§"]
+    const c = connect("§");
The output was: §.
<code>§</code>
[warn] rejected § after 3 tries
""".strip().splitlines()
)

_SHAPES = r"""
env: <human>: DB_PW=§
env: <mixed>: export LDAP_BIND_PW='§'
env: <l52>: AZURE_DEVOPS_EXT_PAT=§
env: <key64>: AZURE_STORAGE_KEY=§
env: <key64>: COSMOS_PRIMARY_KEY="§"
env: <key32>: FERNET_KEY=§
env: <key32>: APP_ENCRYPTION_KEY=§ npm start
env: <mixed>: GH_PAT=§ gh repo list
env: <human>: MYSQL_ROOT_PW=§
env: <human>: export PGPASSWORD=§; psql -h db -U app
env: <mixed>: SMTP_PASS="§"
env: <mixed>: REDISCLI_AUTH=§ redis-cli ping
env: <human>: SSHPASS=§ sshpass -e ssh root@10.0.4.7
env: <phrase>: BORG_PASSPHRASE='§' borg create ::home ~
env: <phrase>: RESTIC_PASSWORD=§ restic snapshots
env: <human>: MARIADB_PASSWORD: ${MARIADB_PASSWORD:-§}
env: <mixed>: : "${DB_PASSWORD:=§}"
env: <h64>: JWT_SIGNING_KEY=§
env: <h64>: PRIVATE_KEY=0x§
env: <a40>: CLOUDFLARE_API_TOKEN=§
env: <h32>: CF_API_KEY=§
env: <h40>: CODACY_PROJECT_TOKEN=§
env: <uuid>: RAILWAY_TOKEN=§ railway up
env: <key32>: NEXTAUTH_SECRET=§
env: <h128>: SECRET_KEY_BASE=§
env: <h32>: RAILS_MASTER_KEY=§ bin/rails credentials:show
env: <b40>: AWS_SECRET_ACCESS_KEY=§ aws s3 ls
env: <b40>: R2_SECRET_ACCESS_KEY: §
env: <key16>: COOKIE_SECRET=§
env: <mixed>: setenv ORACLE_PWD §
env: <human>: set -gx VPN_PASSWD §
env: <human>: set -Ux GITEA_PASS "§"
env: <human>: declare -x SUDO_PASSWORD="§"
env: <mixed>: env -u FOO SNOWSQL_PWD=§ snowsql -a acme
env: <mixed>: $ printenv N8N_BASIC_AUTH_PASSWORD
  ¦§
env: <mixed>: TF_VAR_db_password=§ terraform apply
env: <mixed>: ARM_CLIENT_SECRET=§
env: <human>: MINIO_ROOT_PASSWORD=§ minio server /data
env: <mixed>: $Env:PGPASSWORD = '§'
env: <human>: set "DB_PASS=§"
env: <mixed>: setx SA_PASSWORD § /M
env: <human>: KEYSTORE_PASS=§ ./gradlew assembleRelease
env: <human>: KEY_PASSWORD="§"  # for upload.jks
env: <human>: ANSIBLE_BECOME_PASS=§ ansible-playbook site.yml
env: <mixed>: export OPENAI_KEY="§"
env: <a32>: MAPS_APIKEY=§
env: <mixed>: VNC_PW=§
env: <human>: WIFI_PSK=§
env: <d6>: SIM_PIN=§
env: <mixed>: HTTP_PROXY_PASS=§
env: <key32>: WEBHOOK_SIGNING_SECRET=§
env: <a48>: VAULT_UNSEAL_KEY_1=§
env: <mixed>: SLACK_CLIENT_SECRET = §
env: <h64>: export SESSION_SALT='§'
env: <mixed>: Environment="GRAFANA_ADMIN_PASSWORD=§"
env: <mixed>: SetEnv APP_DB_PASSWORD §
env: <mixed>: fastcgi_param DB_PASSWORD "§";
env: <mixed>: env[DB_PASSWORD] = §
env: <mixed>: passenger_env_var DATABASE_PASSWORD §;
env: <h40>: DD_APP_KEY=§
hcl: <human>: variable "db_password" {
  ¦  type    = string
  ¦  default = "§"
  ¦}
hcl: <mixed>: variable "admin_pw" { default = "§" }
hcl: <key64>: variable "storage_account_key" {
  ¦  description = "Primary key"
  ¦  sensitive   = true
  ¦  default     = "§"
  ¦}
hcl: <mixed>: resource "aws_db_instance" "main" {
  ¦  username = "app"
  ¦  password = "§"
  ¦}
hcl: <human>: master_password = "§"
hcl: <human>: administrator_login_password = "§"
hcl: <mixed>: db_password = "§"   # terraform.tfvars
hcl: <mixed>: locals { grafana_admin_pass = "§" }
hcl: <mixed>: secret_string = jsonencode({ username = "app", password = "§" })
hcl: <b40>: provider "aws" {
  ¦  region     = "eu-west-1"
  ¦  secret_key = "§"
  ¦}
hcl: <mixed>: output "pw" { value = "§" }
hcl: <mixed>: set_sensitive {
  ¦  name  = "auth.password"
  ¦  value = "§"
  ¦}
hcl: <human>: admin_ssh_password      = "§"
hcl: <mixed>: param adminPassword string = '§'
hcl: <mixed>: new CfnParameter(this, 'DbPassword', { noEcho: true, default: '§' });
hcl: <mixed>: MasterUserPassword: §
hcl: <mixed>: Parameters:
  ¦  DBPassword:
  ¦    Type: String
  ¦    Default: §
hcl: <mixed>: ParameterKey=DbPassword,ParameterValue=§
hcl: <mixed>: pulumi config set --secret dbPassword §
hcl: <mixed>: + password = "§" -> (known after apply)
hcl: <mixed>: ~ admin_password = "§" -> (sensitive value)
builder: <mixed>: cfg := client.New().WithUser("app").WithPassword("§")
builder: <mixed>: .withPassword("§")
builder: <human>: new PostgreSQLContainer<>("postgres:16").withUsername("t").withPassword("§").start();
builder: <mixed>: MongoCredential.createCredential("app", "admin", "§".toCharArray())
builder: <mixed>: MqttConnectOptions o = new MqttConnectOptions(); o.setPassword("§".toCharArray());
builder: <mixed>: ConnectOptions::new().username("app").password("§").host("db")
builder: <mixed>: PgConnectOptions::new().host("db").password("§").database("shop")
builder: <mixed>: opts.SetPassword("§")
builder: <mixed>: redis.NewClient(&redis.Options{Addr: "r:6379", Password: "§"})
builder: <mixed>: clickhouse.Auth{Database: "d", Username: "u", Password: "§"}
builder: <mixed>: factory.setPassword("§");
builder: <mixed>: ds.setPassword( "§" );
builder: <mixed>: .basicAuth("deploy", password = "§")
builder: <mixed>: httpBasic { password("§") }
builder: <mixed>: new NetworkCredential("svc", "§")
builder: <mixed>: new MySqlConnectionStringBuilder { Server = "db", UserID = "u", Password = "§" };
builder: <mixed>: .WithCredentials(user: "u", password: "§")
builder: <key64>: new StorageSharedKeyCredential("acct", "§")
builder: <mixed>: new ClientSecretCredential(tenant, client, "§")
builder: <b40>: new BasicAWSCredentials(id, "§")
builder: <mixed>: AzureKeyCredential("§")
builder: <mixed>: PlainAuthenticator("cassandra", "§")
builder: <mixed>: PlainAuthProvider(username='u', password='§')
builder: <mixed>: smtp.PlainAuth("", "bot@acme.io", "§", "mail.acme.io")
builder: <mixed>: server.login("bot@acme.io", password="§")
builder: <mixed>: requests.get(u, auth=HTTPBasicAuth("svc", "§"))
builder: <mixed>: Elasticsearch(hosts, basic_auth=("elastic", "§"))
builder: <mixed>: neo4j.auth.basic('neo4j', '§')
builder: <mixed>: GraphDatabase.driver(uri, auth=basic_auth("neo4j", "§"))
builder: <mixed>: createPool({ host: 'db', user: 'u', password: '§' })
builder: <mixed>: nodemailer.createTransport({ auth: { user: 'u', pass: '§' } })
builder: <mixed>: Sequelize.new(db, user, { password: "§" })
builder: <mixed>: ssh.connect(host, username="root", password="§")
builder: <mixed>: ssh.ClientConfig{Auth: []ssh.AuthMethod{ssh.Password("§")}}
builder: <mixed>: jsch.getSession("u", "h", 22).setPassword("§")
builder: <mixed>: .credentials(Credentials::new("u".to_owned(), "§".to_owned()))
builder: <mixed>: SecretString::from("§")
builder: <mixed>: Zeroizing::new(String::from("§")) // db password
builder: <mixed>: env.Setenv("DB_PASSWORD", "§")
builder: <mixed>: t.Setenv("API_TOKEN", "§")
builder: <mixed>: monkeypatch.setenv("SERVICE_PASSWORD", "§")
builder: <mixed>: System.setProperty("javax.net.ssl.keyStorePassword", "§");
builder: <mixed>: ks.load(in, "§".toCharArray()); // keystore password
builder: <mixed>: Keychain.set("§", forKey: "password")
builder: <mixed>: keyring.set_password("acme", "bob", "§")
builder: <mixed>: headers.put("X-Api-Key", "§");
builder: <a40>: req.Header.Set("X-Auth-Token", "§")
builder: <a40>: axios.defaults.headers.common['x-api-key'] = '§'
builder: <a40>: .header("api-key", "§")
builder: <mixed>: UsernamePasswordCredentialsProvider("git", "§")
assign: <mixed>: let pw = String::from("§");
assign: <mixed>: const dbPassword = "§";
assign: <mixed>: let pw: &str = "§";
assign: <mixed>: static ADMIN_PASSWORD: &str = "§";
assign: <mixed>: password := "§"
assign: <mixed>: const adminPwd = `§`
assign: <mixed>: var passwd string = "§"
assign: <mixed>: private static final String PASSWORD = "§";
assign: <mixed>: val dbPass: String = "§"
assign: <mixed>: #define WIFI_PASSWORD "§"
assign: <mixed>: const char *pass = "§";
assign: <mixed>: static const char kApiKey[] = "§";
assign: <mixed>: char password[] = "§";
assign: <mixed>: std::string pwd{"§"};
assign: <mixed>: constexpr auto password = "§"sv;
assign: <mixed>: string password = @"§";
assign: <strong>: $password = '§';
assign: <mixed>: $config['db']['password'] = '§';
assign: <mixed>: my $pw = q{§};
assign: <mixed>: our $PASSWORD = qw(§)[0];
assign: <mixed>: @password = "§"
assign: <mixed>: password = '§'.freeze
assign: <mixed>: PASSWORD = %q(§)
assign: <mixed>: @api_key "§"
assign: <mixed>: config :shop, Shop.Repo, password: "§"
assign: <mixed>: (def db-password "§")
assign: <mixed>: (setq smtp-password "§")
assign: <mixed>: :password "§"
assign: <mixed>: let password = "§" in
assign: <mixed>: password :: String
  ¦password = "§"
assign: <mixed>: local password = [[§]]
assign: <mixed>: self.password = "§"
assign: <mixed>: settings["smtp_password"] = "§"
assign: <mixed>: settings.smtp.password="§"
assign: <mixed>: os.environ["DB_PASSWORD"] = "§"
assign: <mixed>: process.env.API_SECRET = '§'
assign: <mixed>: ENV['SECRET_TOKEN'] ||= '§'
assign: <mixed>: ENV.fetch("DB_PASSWORD", "§")
assign: <mixed>: os.getenv("DB_PASSWORD", "§")
assign: <mixed>: process.env.DB_PASSWORD || '§'
assign: <mixed>: process.env.DB_PASSWORD ?? "§"
assign: <mixed>: env('DB_PASSWORD', '§')
assign: <mixed>: std::env::var("DB_PASSWORD").unwrap_or("§".into())
assign: <mixed>: Environment.GetEnvironmentVariable("DB_PASSWORD") ?? "§"
assign: <mixed>: System.getenv().getOrDefault("DB_PASSWORD", "§")
assign: <mixed>: viper.SetDefault("db.password", "§")
assign: <mixed>: flag.String("password", "§", "database password")
assign: <mixed>: parser.add_argument("--password", default="§")
assign: <mixed>: @Value("${db.password:§}")
assign: <mixed>: DB_PASSWORD: str = Field(default="§")
assign: <mixed>: password: str = "§"
assign: <mixed>: password?: string = '§'
assign: <mixed>: def connect(user="app", password="§"):
assign: <mixed>: if password == "§":
assign: <mixed>: if (pwd === '§') return true;
assign: <mixed>: if (strcmp(password, "§") == 0)
assign: <mixed>: assert login("bob", password="§").ok
assign: <mixed>: password.equals("§")
assign: <mixed>: hash_password("§")
assign: <mixed>: bcrypt.hashSync('§', 10)
assign: <mixed>: check_password_hash(h, "§")
assign: <mixed>: User.create!(email: "a@b.io", password: "§", password_confirmation: password)
assign: <mixed>: User.objects.create_superuser("root", "r@b.io", "§")
assign: <mixed>: await page.fill('#password', '§');
assign: <mixed>: await page.getByLabel('Password').fill('§')
assign: <mixed>: cy.get('input[name=password]').type('§')
assign: <mixed>: driver.find_element(By.ID, "password").send_keys("§")
assign: <mixed>: userEvent.type(screen.getByLabelText(/password/i), '§')
assign: <mixed>: fill_in "Password", with: "§"
assign: <mixed>: <input type="password" name="pw" value="§">
assign: <mixed>: password <- "§"
assign: <mixed>: Sys.setenv(DB_PASSWORD = "§")
assign: <mixed>: Const strPassword = "§"
assign: <mixed>: Password="§" : ActiveSheet.Unprotect Password
assign: <mixed>: password="§" # shellcheck disable=SC2034
assign: <mixed>: readonly PASS=§
assign: <strong>: local -r db_pass='§'
pipe: <mixed>: sudo -S apt-get update <<< "§"
pipe: <mixed>: sudo -S -k systemctl restart app <<<§
pipe: <mixed>: echo '§' | sudo -S -p '' reboot
pipe: <mixed>: printf '%s\n' "§" | sudo --stdin id
pipe: <mixed>: echo "§" | docker login ghcr.io -u bob --password-stdin
pipe: <mixed>: docker login -u bob --password-stdin <<< '§'
pipe: <mixed>: echo § | kinit admin@CORP.LOCAL
pipe: <mixed>: echo "root:§" | chpasswd
pipe: <mixed>: echo -e "§\n§" | passwd deploy
pipe: <mixed>: echo '§' | passwd --stdin bob
pipe: <mixed>: yes '§' | passwd bob
pipe: <phrase>: echo "§" | gpg --batch --passphrase-fd 0 -d secrets.gpg
pipe: <phrase>: echo -n '§' | cryptsetup luksOpen /dev/sdb1 data -
pipe: <mixed>: echo "§" | gh auth login --with-token
pipe: <mixed>: gh secret set DEPLOY_PASSWORD <<< "§"
pipe: <mixed>: gh secret set NPM_AUTH -b"§"
pipe: <mixed>: echo "§" | helm registry login r.acme.io -u bob --password-stdin
pipe: <mixed>: printf "§" | podman secret create db_password -
pipe: <mixed>: echo "§" | docker secret create db_password -
pipe: <mixed>: echo '§' | vercel env add DATABASE_PASSWORD production
pipe: <mixed>: echo "§" | wrangler secret put API_KEY
pipe: <mixed>: printf '§' | gcloud secrets versions add db-password --data-file=-
pipe: <mixed>: rsync --password-file=<(echo '§') src/ rsync://bob@host/mod
pipe: <phrase>: restic --password-command 'echo §' backup /srv
pipe: <mixed>: sshpass -f <(printf '%s\n' '§') ssh root@host
pipe: <mixed>: mysql --defaults-extra-file=<(printf "[client]\npassword=§\n") -e 'show tables'
pipe: <mixed>: cat <<EOF | sudo tee /etc/app.conf
  ¦user=app
  ¦password=§
  ¦EOF
pipe: <mixed>: chpasswd <<< "deploy:§"
pipe: <mixed>: chpasswd <<EOF
  ¦postgres:§
  ¦EOF
pipe: <mixed>: cat > ~/.my.cnf <<'EOF'
  ¦[client]
  ¦user=root
  ¦password="§"
  ¦EOF
pipe: <mixed>: smbclient //nas/share -A <(echo "password=§")
pipe: <mixed>: wpa_passphrase HomeNet <<< '§'
pipe: <mixed>: htpasswd -ci .htpasswd admin <<< "§"
pipe: <mixed>: openssl enc -d -aes-256-cbc -in a.enc -pass stdin <<< "§"
pipe: <mixed>: kubectl create secret generic db --from-file=password=<(echo -n '§')
pipe: <mixed>: su - postgres <<< "§"
pipe: <mixed>: mkpasswd -m sha-512 <<< '§'
pipe: <mixed>: read -s PW <<< "§"
windows: <strong>: $pw = ConvertTo-SecureString '§' -AsPlainText -Force
windows: <mixed>: ConvertTo-SecureString -String "§" -AsPlainText -Force
windows: <mixed>: ConvertTo-SecureString -AsPlainText -Force -String §
windows: <human>: net use Z: \\nas\share /user:bob §
windows: <human>: net use \\nas\share § /user:CORP\bob /persistent:yes
windows: <human>: net user deploy § /add
windows: <human>: net user Administrator "§"
windows: <human>: cmdkey /add:nas01 /user:bob /pass:§
windows: <human>: cmdkey /generic:TERMSRV/web1 /user:CORP\svc /pass:"§"
windows: <human>: psexec \\web1 -u CORP\admin -p § cmd
windows: <human>: schtasks /create /tn job /tr a.bat /sc daily /ru CORP\svc /rp §
windows: <human>: sc.exe config MyService obj= .\svc password= "§"
windows: <human>: wmic /node:web1 /user:admin /password:§ os get caption
windows: <human>: winrs -r:web1 -u:admin -p:§ ipconfig
windows: <human>: New-LocalUser -Name deploy -Password (ConvertTo-SecureString "§" -AsPlainText -Force)
windows: <human>: [System.Net.NetworkCredential]::new('', '§').SecurePassword
windows: <human>: New-Object System.Net.NetworkCredential("bob", "§", "CORP")
windows: <human>: $cred = New-Object PSCredential 'bob', (ConvertTo-SecureString '§' -AsPlainText -Force)
windows: <human>: Invoke-Sqlcmd -ServerInstance db -Username sa -Password '§' -Query 'select 1'
windows: <human>: reg add "HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion\Winlogon" /v DefaultPassword /d §
windows: <human>: runas /user:admin cmd  (password is "§")
windows: <human>: dsadd user "CN=bob,DC=corp" -pwd §
windows: <human>: dsmod user "CN=bob,DC=corp" -pwd "§" -mustchpwd no
windows: <human>: Set-ADAccountPassword bob -NewPassword (ConvertTo-SecureString -AsPlainText "§" -Force)
windows: <human>: certutil -p § -importpfx cert.pfx
windows: <human>: signtool sign /f cert.pfx /p § /fd sha256 app.exe
windows: <human>: netdom join web1 /domain:corp /userd:admin /passwordd:§
windows: <human>: bcp shop.dbo.orders out o.dat -S db -U sa -P §
windows: <human>: sqlcmd /S db /U sa /P §
windows: <human>: msdeploy -dest:auto,computerName=web1,userName=bob,password=§
windows: <human>: netsh wlan add profile; keyMaterial §
windows: <human>: <keyMaterial>§</keyMaterial>
windows: <human>: <AdministratorPassword><Value>§</Value></AdministratorPassword>
windows: <human>: plink -ssh root@host -pw § uptime
windows: <human>: pscp -pw "§" a.zip root@host:/tmp
windows: <human>: winscp.com /command "open sftp://root:§@host/"
windows: <human>: $securePw = '§' | ConvertTo-SecureString -AsPlainText -Force
windows: <human>: Enable-BitLocker C: -Password (ConvertTo-SecureString "§" -AsPlainText -Force)
windows: <d6>: manage-bde -protectors -add C: -TPMAndPIN §
windows: <human>: nuget sources add -Name p -Source u -UserName b -Password §
windows: <human>: Password 4 Windows share: §
expect: <human>: expect "assword:"
  ¦send "§\r"
expect: <human>: expect {
  ¦  "*?assword:*" { send -- "§\r"; exp_continue }
  ¦}
expect: <human>: expect -c 'spawn ssh root@h; expect "password:"; send "§\n"; interact'
expect: <human>: child.expect('(?i)password:')
  ¦child.sendline('§')
expect: <human>: child.expect("Enter passphrase.*")
  ¦child.send("§\n")
expect: <human>: pexpect.run("ssh root@h", events={"(?i)password": "§\n"})
expect: <human>: set password "§"
  ¦spawn scp a root@h:
expect: <human>: set pass {§}
expect: <human>: session.sendline(b"§")  # sudo password
expect: <human>: tmux send-keys -t root '§' Enter  # password prompt
expect: <human>: Responder(pattern=r"\[sudo\] password", response="§\n")
expect: <human>: [sudo] password for bob: §
expect: <human>: Enter password: §
expect: <human>: bob@10.0.0.7's password: §
expect: <human>: Passphrase for key '/home/bob/.ssh/id_ed25519': §
expect: <human>: Password for 'https://bob@git.acme.io': §
expect: <human>: New password: §
  ¦Retype new password: *****
conn: <mixed>: Server=db;Database=shop;User Id=sa;Password=§;Encrypt=True
conn: <mixed>: Data Source=db;Initial Catalog=shop;uid=app;pwd=§
conn: <mixed>: Driver={ODBC Driver 18 for SQL Server};Server=db;UID=sa;PWD={§};
conn: <mixed>: DefaultEndpointsProtocol=https;AccountName=acct;AccountKey=§==;EndpointSuffix=core.windows.net
conn: <key32>: Endpoint=sb://bus.servicebus.windows.net/;SharedAccessKeyName=Root;SharedAccessKey=§
conn: <key32>: HostName=hub.azure-devices.net;DeviceId=d1;SharedAccessKey=§
conn: <key64>: AccountEndpoint=https://c.documents.azure.com:443/;AccountKey=§;
conn: <key32>: Endpoint=https://a.azconfig.io;Id=abcd-l0-s0:Q1w2;Secret=§
conn: <mixed>: host=db port=5432 dbname=shop user=app password=§ sslmode=require
conn: <mixed>: psql "host=db user=app password='§'"
conn: <mixed>: jdbc:postgresql://db/shop?user=app&password=§&ssl=true
conn: <mixed>: jdbc:sqlserver://db:1433;databaseName=shop;user=sa;password=§;
conn: <mixed>: jdbc:oracle:thin:scott/§@//db:1521/XEPDB1
conn: <mixed>: jdbc:mysql://root:§@db:3306/shop
conn: <mixed>: jdbc:db2://db:50000/SHOP:user=db2inst1;password=§;
conn: <mixed>: jdbc:snowflake://acme.snowflakecomputing.com/?user=u&password=§
conn: <mixed>: jdbc:redshift:iam://x:y/dev?AccessKeyID=AK&SecretAccessKey=§
conn: <mixed>: snowflake://bob:§@acme/db/public?warehouse=wh
conn: <mixed>: mssql+pyodbc://sa:§@db/shop?driver=ODBC+Driver+18+for+SQL+Server
conn: <mixed>: oracle+cx_oracle://scott:§@db:1521/?service_name=x
conn: <mixed>: user:§@tcp(db:3306)/shop?parseTime=true
conn: <mixed>: sqlplus system/§@//db:1521/XE
conn: <mixed>: expdp scott/§ directory=DUMP schemas=SCOTT
conn: <mixed>: rediss://default:§@r.acme.io:6380/0
conn: <mixed>: redis://:§@localhost:6379/1
conn: <mixed>: redis.acme.io:6380,password=§,ssl=True,abortConnect=False
conn: <mixed>: mongodb+srv://app:§@c0.ab1cd.mongodb.net/?retryWrites=true
conn: <mixed>: clickhouse://default:§@ch:9000/default
conn: <mixed>: clickhouse+native://ch/default?user=default&password=§
conn: <mixed>: amqps://svc:§@mq.acme.io/prod
conn: <mixed>: nats://app:§@n1:4222,nats://app@n2:4222
conn: <mixed>: ldap://cn=admin,dc=acme:§@ldap.acme.io
conn: <mixed>: bolt+s://neo4j:§@graph.acme.io:7687
conn: <mixed>: smtps://bot%40acme.io:§@smtp.acme.io:465
conn: <mixed>: ftp://upload:§@ftp.acme.io/in
conn: <mixed>: socks5h://bob:§@proxy:1080
conn: <mixed>: influxdb://admin:§@tsdb:8086/metrics
conn: <mixed>: trino://bob:§@trino:8443/hive
conn: <mixed>: sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \
  ¦  username="u" password="§";
conn: <mixed>: sasl.password=§
conn: <mixed>: 'sasl.oauthbearer.client.secret': '§'
conn: <mixed>: ssl.keystore.password=§
conn: <mixed>: db.acme.io:5432:shop:app:§
conn: <mixed>: CREATE USER app WITH LOGIN ENCRYPTED PASSWORD '§';
conn: <mixed>: ALTER ROLE app PASSWORD $$§$$;
conn: <mixed>: CREATE USER 'app'@'%' IDENTIFIED WITH mysql_native_password BY '§';
conn: <mixed>: CREATE USER app IDENTIFIED WITH sha256_password BY '§';
conn: <mixed>: ALTER USER scott IDENTIFIED BY "§" ACCOUNT UNLOCK;
conn: <mixed>: SET PASSWORD FOR 'app'@'localhost' = PASSWORD('§');
conn: <mixed>: GRANT ALL ON shop.* TO app@localhost IDENTIFIED BY '§';
conn: <mixed>: CREATE LOGIN app WITH PASSWORD = N'§', CHECK_POLICY = OFF;
conn: <mixed>: CHANGE MASTER TO MASTER_USER='repl', MASTER_PASSWORD='§';
conn: <mixed>: CHANGE REPLICATION SOURCE TO SOURCE_PASSWORD='§'
conn: <mixed>: CREATE SUBSCRIPTION s CONNECTION 'host=db user=r password=§' PUBLICATION p;
conn: <mixed>: CREATE USER MAPPING FOR app SERVER s OPTIONS (user 'r', password '§');
conn: <mixed>: SELECT dblink_connect('host=db user=r password=§');
conn: <mixed>: SELECT * FROM mysql('db:3306', 'shop', 'orders', 'root', '§')
conn: <mixed>: ATTACH 'host=db user=u password=§' AS pg (TYPE postgres);
conn: <mixed>: CREATE SECRET s (TYPE s3, KEY_ID 'AK', SECRET '§');
conn: <mixed>: SELECT pgp_sym_decrypt(body, '§') FROM notes; -- encryption password
conn: <mixed>: UPDATE users SET password = md5('§') WHERE id = 1;
conn: <mixed>: INSERT INTO users (name, password) VALUES ('bob', '§');
conn: <mixed>: db.createUser({ user: "app", pwd: "§", roles: ["readWrite"] })
conn: <mixed>: db.auth("app", "§")
conn: <mixed>: db.changeUserPassword("app", "§")
conn: <mixed>: 127.0.0.1:6379> AUTH §
conn: <mixed>: 127.0.0.1:6379> AUTH default §
conn: <mixed>: CONFIG SET requirepass "§"
conn: <mixed>: ACL SETUSER app on >§ ~* +@all
conn: <mixed>: user default on >§ allkeys allcommands
conn: <mixed>: masterauth §
flag: <word>: mysql -h db -u root -p§ shop
flag: <mixed>: mysqldump --user=root --password=§ shop > d.sql
flag: <mixed>: mariadb-admin -uroot -p'§' shutdown
flag: <mixed>: mongosh "mongodb://db" -u app -p §
flag: <mixed>: mongodump --uri mongodb://db --username app --password §
flag: <mixed>: redis-cli -h r -a § ping
flag: <mixed>: redis-cli --user app --pass § info
flag: <mixed>: redis-server --requirepass §
flag: <mixed>: clickhouse-client -h ch --password § -q 'select 1'
flag: <mixed>: clickhouse client --user=default --password='§'
flag: <mixed>: cqlsh db -u cassandra -p §
flag: <mixed>: cypher-shell -u neo4j -p §
flag: <mixed>: influx -username admin -password §
flag: <mixed>: sqlcmd -S db -U sa -P '§' -Q 'select 1'
flag: <mixed>: isql DSN sa § -v  # password
flag: <mixed>: tsql -S db -U sa -P §
flag: <mixed>: snowsql -a acme -u bob --password §
flag: <mixed>: usql pg://app:§@db/shop
flag: <mixed>: pgcli -h db -U app --password=§
flag: <mixed>: curl -u elastic:§ https://es:9200/_cat/indices
flag: <mixed>: curl --user 'bob:§' https://api.acme.io
flag: <mixed>: curl --proxy-user bob:§ -x proxy:3128 https://a.io
flag: <mixed>: curl -d 'grant_type=password&username=bob&password=§' https://id.acme.io/token
flag: <mixed>: curl -F password=§ https://acme.io/login
flag: <mixed>: curl --data-urlencode "client_secret=§" https://id.acme.io/token
flag: <mixed>: curl --json '{"user":"bob","password":"§"}' https://acme.io/login
flag: <phrase>: curl --cert c.p12:§ --cert-type P12 https://a.io
flag: <mixed>: wget --user=bob --password=§ https://a.io/x.zip
flag: <mixed>: wget --http-passwd=§ https://a.io/x.zip
flag: <mixed>: http -a bob:§ GET a.io/me
flag: <mixed>: http POST a.io/login user=bob password=§
flag: <mixed>: xh --auth bob:§ a.io/me
flag: <mixed>: docker login r.acme.io -u bob -p §
flag: <mixed>: docker run -e POSTGRES_PASSWORD=§ -d postgres:16
flag: <mixed>: docker run --env MYSQL_ROOT_PASSWORD="§" mysql
flag: <mixed>: docker build --build-arg NPM_TOKEN=§ .
flag: <mixed>: podman login -p=§ -u bob quay.io
flag: <mixed>: skopeo copy --src-creds bob:§ docker://a docker://b
flag: <mixed>: crane auth login r.io -u bob -p §
flag: <mixed>: helm install db bitnami/postgresql --set auth.postgresPassword=§
flag: <mixed>: helm upgrade g grafana/grafana --set-string adminPassword='§'
flag: <mixed>: helm repo add r https://r.io --username bob --password §
flag: <mixed>: kubectl create secret generic db --from-literal=password=§
flag: <mixed>: kubectl create secret docker-registry r --docker-password=§ --docker-username=b
flag: <mixed>: kubectl set env deploy/api DB_PASSWORD=§
flag: <jwt>: kubectl config set-credentials bob --token=§
flag: <mixed>: oc login https://c:6443 -u admin -p §
flag: <mixed>: argocd login a.io --username admin --password §
flag: <mixed>: argocd account update-password --current-password §
flag: <mixed>: vault kv put secret/db password=§
flag: <mixed>: vault login -method=userpass username=bob password=§
flag: <key32>: vault operator unseal §
flag: <mixed>: consul kv put app/db/password §
flag: <mixed>: etcdctl --user root:§ get /
flag: <mixed>: aws secretsmanager create-secret --name db --secret-string '{"password":"§"}'
flag: <mixed>: aws secretsmanager put-secret-value --secret-id db --secret-string §
flag: <mixed>: aws ssm put-parameter --name /db/password --type SecureString --value §
flag: <mixed>: aws rds create-db-instance --master-username app --master-user-password §
flag: <b40>: aws configure set aws_secret_access_key §
flag: <mixed>: aws cognito-idp admin-set-user-password --username b --password '§' --permanent
flag: <mixed>: az login --service-principal -u id -p § --tenant t
flag: <mixed>: az sql server create -u admin -p § -n s
flag: <mixed>: az keyvault secret set --vault-name v --name db-password --value §
flag: <key64>: az storage blob list --account-name a --account-key § -c c
flag: <mixed>: gcloud sql users set-password postgres --instance=db --password=§
flag: <mixed>: heroku config:set SECRET_TOKEN=§ -a shop
flag: <mixed>: fly secrets set DB_PASSWORD=§
flag: <mixed>: dokku config:set app MAIL_PASSWORD=§
flag: <mixed>: wrangler secret:bulk <<< '{"API_KEY":"§"}'
flag: <mixed>: sshpass -p§ ssh root@host
flag: <mixed>: sshpass -p '§' rsync -a x root@host:
flag: <phrase>: ssh-keygen -t ed25519 -N '§' -f id
flag: <phrase>: ssh-keygen -p -P § -N '' -f id
flag: <phrase>: gpg --batch --passphrase § -c notes.txt
flag: <phrase>: openssl pkcs12 -in a.p12 -passin pass:§ -nodes
flag: <phrase>: openssl req -newkey rsa:2048 -passout pass:'§' -keyout k
flag: <phrase>: openssl enc -aes-256-cbc -k § -in a -out b
flag: <phrase>: openssl rsa -in k -passin env:X -passout "pass:§"
flag: <mixed>: keytool -genkey -keystore k.jks -storepass § -alias a
flag: <mixed>: keytool -list -keystore k.jks -keypass §
flag: <mixed>: jarsigner -storepass '§' app.jar a
flag: <mixed>: apksigner sign --ks k.jks --ks-pass pass:§ app.apk
flag: <mixed>: xcrun notarytool submit a.zip --apple-id b@a.io --password §
flag: <mixed>: security unlock-keychain -p § login.keychain
flag: <mixed>: security import c.p12 -P § -k login.keychain
flag: <mixed>: security add-generic-password -a bob -s svc -w §
flag: <mixed>: security find-generic-password -wa bob  # -> password: "§"
flag: <phrase>: zip -P § -r a.zip dir
flag: <phrase>: unzip -P '§' a.zip
flag: <phrase>: 7z x a.7z -p§
flag: <phrase>: unrar x -p§ a.rar
flag: <phrase>: qpdf --password=§ --decrypt a.pdf b.pdf
flag: <phrase>: pdftotext -upw § a.pdf
flag: <mixed>: htpasswd -bc .htpasswd admin §
flag: <mixed>: useradd -p "$(openssl passwd -6 '§')" deploy
flag: <mixed>: smbclient //nas/s -U bob%§
flag: <mixed>: mount -t cifs //nas/s /mnt -o username=bob,password=§
flag: <mixed>: mount.cifs //nas/s /mnt -o user=bob,pass=§,vers=3.0
flag: <mixed>: rclone config create r webdav url u user b pass §
flag: <mixed>: lftp -u bob,§ ftp.acme.io
flag: <mixed>: lftp -e 'open -u bob,§ sftp://h'
flag: <mixed>: ncftpput -u bob -p § ftp.a.io / f
flag: <mixed>: ldapsearch -x -D cn=admin,dc=a -w § -b dc=a
flag: <mixed>: ldappasswd -D cn=admin -w x7 -s § uid=bob
flag: <mixed>: smbpasswd -s -a bob  # password §
flag: <mixed>: rpcclient -U 'bob%§' dc01
flag: <mixed>: crackmapexec smb 10.0.0.0/24 -u admin -p §
flag: <mixed>: evil-winrm -i h -u admin -p '§'
flag: <mixed>: impacket-psexec corp/admin:§@10.0.0.5
flag: <mixed>: xfreerdp /v:web1 /u:bob /p:§
flag: <mixed>: rdesktop -u bob -p § web1
flag: <mixed>: ipmitool -H bmc -U admin -P § power status
flag: <mixed>: mosquitto_pub -h mq -u dev -P § -t a -m b
flag: <mixed>: mosquitto_passwd -b pwfile dev §
flag: <mixed>: rabbitmqctl add_user app §
flag: <mixed>: rabbitmqctl change_password guest '§'
flag: <mixed>: rabbitmqadmin -u app -p § list queues
flag: <mixed>: nats --user app --password § sub '>'
flag: <mixed>: kcat -b k -X sasl.username=u -X sasl.password=§ -L
flag: <mixed>: kafka-configs.sh --alter --add-config 'SCRAM-SHA-512=[password=§]' --entity-name u
flag: <mixed>: svn co https://svn.a.io/r --username bob --password §
flag: <mixed>: hg clone https://h.a.io/r --config auth.a.password=§
flag: <mixed>: p4 login <<< '§'
flag: <mixed>: git clone https://oauth2:§@gitlab.acme.io/a/b.git
flag: <mixed>: git -c http.extraHeader="PRIVATE-TOKEN: §" pull
flag: <mixed>: git config --global url."https://bob:§@git.io/".insteadOf https://git.io/
flag: <mixed>: npm config set //r.acme.io/:_authToken §
flag: <mixed>: npm config set //r.acme.io/:_password=§
flag: <mixed>: yarn config set npmAuthToken §
flag: <mixed>: pip install --index-url https://bob:§@pypi.acme.io/simple x
flag: <mixed>: poetry config http-basic.acme bob §
flag: <mixed>: twine upload -u __token__ -p § dist/*
flag: <mixed>: uv publish --token §
flag: <mixed>: cargo login §
flag: <mixed>: gem push a.gem --key k --otp 1 --api-key §
flag: <mixed>: composer config http-basic.repo.a.io bob §
flag: <mixed>: composer config --global --auth github-oauth.github.com §
flag: <mixed>: bundle config set --global gems.a.io bob:§
flag: <mixed>: dotnet nuget push a.nupkg -k § -s nuget
flag: <mixed>: dotnet user-secrets set "Db:Password" "§"
flag: <mixed>: dotnet nuget add source u -n a -u b -p § --store-password-in-clear-text
flag: <mixed>: mvn deploy -Drepo.password=§
flag: <mixed>: java -Djavax.net.ssl.trustStorePassword=§ -jar a.jar
flag: <mixed>: java -jar a.jar --spring.datasource.password=§
flag: <mixed>: gradle publish -PossrhPassword=§
flag: <mixed>: ./gradlew build -Pandroid.injected.signing.store.password=§
flag: <mixed>: flyway -user=app -password=§ migrate
flag: <mixed>: liquibase --username=app --password=§ update
flag: <mixed>: sqoop import --connect u --username b --password §
flag: <mixed>: spark-submit --conf spark.hadoop.fs.s3a.secret.key=§ a.py
flag: <mixed>: beeline -u jdbc:hive2://h -n bob -p §
flag: <mixed>: wp user create bob b@a.io --user_pass=§
flag: <mixed>: wp config create --dbname=w --dbuser=u --dbpass=§
flag: <mixed>: drush user:password admin "§"
flag: <mixed>: php artisan tinker --execute="User::first()->update(['password' => bcrypt('§')])"
flag: <mixed>: occ config:app:set mail_smtppassword --value=§
flag: <mixed>: grafana-cli admin reset-admin-password §
flag: <mixed>: elasticsearch-users useradd bob -p § -r superuser
flag: <mixed>: airflow users create --username a --role Admin --password §
flag: <mixed>: superset fab create-admin --username a --password §
flag: <mixed>: kcadm.sh set-password -r acme --username bob --new-password §
flag: <mixed>: kcadm.sh config credentials --server u --realm master --user admin --password §
flag: <mixed>: mc alias set m https://m.io ACCESS §
flag: <b40>: s3cmd --access_key=AK --secret_key=§ ls
flag: <mixed>: swift -A u -U acct:bob -K § list
flag: <mixed>: openstack --os-password § server list
flag: <mixed>: govc ls -u 'https://root:§@vc/sdk'
flag: <mixed>: ansible all -m ping -e ansible_password=§
flag: <mixed>: ansible-playbook s.yml --extra-vars "ansible_become_pass=§ db=x"
flag: <mixed>: ansible-vault encrypt_string '§' --name db_password
flag: <mixed>: nmcli dev wifi connect Home password "§"
flag: <mixed>: nmcli con mod Home wifi-sec.psk §
flag: <mixed>: wpa_passphrase Home §
flag: <mixed>: networksetup -setairportnetwork en0 Home §  # wifi password
flag: <mixed>: openvpn --auth-user-pass <(printf 'bob\n§\n')
flag: <mixed>: xl2tpd-control add v user=bob password=§
flag: <mixed>: sudo useradd bob && echo bob:§ | sudo chpasswd
flag: <mixed>: usermod --password $(echo § | openssl passwd -1 -stdin) bob
flag: <a40>: sentry-cli --auth-token § releases list
flag: <h40>: sonar-scanner -Dsonar.login=§
flag: <h40>: sonar-scanner -Dsonar.token="§"
flag: <uuid>: cypress run --record --key §
flag: <a48>: ngrok config add-authtoken §
flag: <a40>: doctl auth init -t §
flag: <a64>: hcloud context create prod  # Token: §
flag: <jwt>: cloudflared tunnel run --token §
flag: <jwt>: cloudflared service install §
flag: <a44>: consul acl bootstrap  # SecretID: §
flag: <h32>: datadog-agent --api_key=§
flag: <mixed>: tool --db-pass=§
flag: <mixed>: tool --admin-password "§" --yes
flag: <mixed>: tool --secret=§ --verbose
flag: <mixed>: tool --api-secret §
flag: <mixed>: tool --auth bob:§
flag: <mixed>: tool -password:§
flag: <mixed>: tool /password=§
flag: <mixed>: ["mysql", "-u", "root", "-p§"]
flag: <mixed>: subprocess.run(["tool", "--password", "§"])
flag: <mixed>: exec.Command("tool", "-password", "§")
flag: <mixed>: spawn('psql', [], { env: { PGPASSWORD: '§' } })
http: <basic>: Authorization: Basic §
http: <mixed>: Authorization: Bearer §
http: <u42>: Authorization: SSWS §
http: <a40>: Authorization: Token §
http: <a40>: Authorization: token="§"
http: <a40>: Authorization: ApiKey §
http: <a40>: Authorization: GenieKey §
http: <a40>: Authorization: Token token=§
http: <a40>: Authorization: Bot §
http: <a40>: 'authorization': `Bearer §`
http: <basic>: Proxy-Authorization: Basic §
http: <h32>: -H 'X-Api-Key: §'
http: <h32>: > x-api-key: §
http: <a40>: PRIVATE-TOKEN: §
http: <a40>: JOB-TOKEN: §
http: <a40>: X-Vault-Token: §
http: <h32>: Ocp-Apim-Subscription-Key: §
http: <h40>: DD-API-KEY: §
http: <h32>: X-Auth-Key: §
http: <a40>: X-Amz-Security-Token: §
http: <mixed>: X-Auth-Password: §
http: <a40>: X-Figma-Token: §
http: <h40>: Circle-Token: §
http: <uuid>: X-Octopus-ApiKey: §
http: <a40>: api-key: §
http: <a64>: Cookie: sessionid=§; theme=dark
http: <a43>: Set-Cookie: connect.sid=s%3A§; Path=/; HttpOnly
http: <jwt>: Cookie: access_token=§
http: <h32>: Cookie: PHPSESSID=§
http: <a120>: set-cookie: __Secure-next-auth.session-token=§; Secure
http: <H32>: Cookie: JSESSIONID=§.node1
http: <h64>: -b 'laravel_session=§'
http: <a60>: cookies={"auth_token": "§"}
http: <a40>: document.cookie = "sid=§"
http: <a40>: GET /v1/me?access_token=§ HTTP/1.1
http: <a40>: GET /cb?state=x&code=§ HTTP/1.1
http: <a40>: POST /reset?reset_token=§
http: <a40>: "GET /hook?secret=§&id=7 HTTP/1.1" 200 12
http: <a40>: {"grant_type":"refresh_token","refresh_token":"§"}
http: <a40>: {"access_token":"§","expires_in":3600}
http: <jwt>: {"id_token":"§"}
http: <jwt>: Sec-WebSocket-Protocol: bearer, §
http: <jwt>: kubectl -H "Authorization: Bearer §"
http: <a27>: POST /oauth/token client_id=abc&client_secret=§&grant_type=client_credentials
http: <mixed>: username=bob&passwd=§&submit=Login
http: <mixed>: <wsse:Password Type="#PasswordText">§</wsse:Password>
http: <mixed>: Content-Disposition: form-data; name="password"
  ¦
  ¦§
http: <h64>: X-Hub-Secret: §
url: <mixed>: https://bob:§@git.acme.io/shop.git
url: <a40>: git remote add o https://x-access-token:§@github.com/a/b
url: <a40>: https://§@github.com/acme/shop.git
url: <a40>: https://§:x-oauth-basic@github.com/acme/shop
url: <h32>: https://§@o12345.ingest.sentry.io/678
url: <mixed>: ssh://bob:§@build.acme.io:2222
url: <mixed>: http://admin:§@192.168.1.1/setup
url: <mixed>: rtsp://admin:§@10.0.0.20:554/stream1
url: <mixed>: https://acme.io/login?user=bob&password=§
url: <mixed>: https://acme.io/api?apikey=§&q=x
url: <a40>: https://acme.io/#access_token=§&token_type=bearer
url: <a40>: https://acme.io/invite?invite_token=§
url: <a39>: https://maps.acme.io/js?key=§
url: <u43>: https://a.blob.core.windows.net/c/f?sv=2024-11-04&se=2026-12-01&sr=b&sp=r&sig=§%3D
url: <h64>: https://b.s3.amazonaws.com/f?X-Amz-Credential=x&X-Amz-Date=1&X-Amz-Signature=§
url: <h128>: https://storage.googleapis.com/b/o?X-Goog-Algorithm=G&X-Goog-Signature=§
url: <u27>: cloudinary://384756102938475:§@acme
url: <mixed>: wss://acme.io/ws?token=§
url: <s32>: otpauth://totp/Acme:bob@a.io?secret=§&issuer=Acme
url: <mixed>: WIFI:T:WPA;S:Home;P:§;;
url: <mixed>: ss://aes-256-gcm:§@1.2.3.4:8388
url: <mixed>: vnc://:§@10.0.0.8:5900
url: <mixed>: imaps://bob%40acme.io:§@imap.acme.io
url: <a22>: https://acme.io/unsubscribe?auth=§
url: <u43>: //r.acme.io/?auth_token=§
config: <mixed>: machine git.acme.io login bob password §
config: <mixed>: machine api.acme.io
  ¦  login bob
  ¦  password §
config: <mixed>: localhost:5432:*:postgres:§
config: <a36>: //registry.acme.io/:_authToken=§
config: <basic>: _auth=§
config: <key16>: //registry.acme.io/:_password="§"
config: <mixed>: npmRegistryServer: "https://r"
  ¦npmAuthToken: "§"
config: <mixed>: [pypi]
  ¦username = bob
  ¦password = §
config: <basic>: {"auths": {"r.acme.io": {"auth": "§"}}}
config: <mixed>: {"auths": {"r.acme.io": {"username": "b", "password": "§"}}}
config: <a40>: {"auths": {"r.acme.io": {"identitytoken": "§"}}}
config: <jwt>: users:
  ¦- name: admin
  ¦  user:
  ¦    token: §
config: <mixed>: users:
  ¦- name: admin
  ¦  user:
  ¦    username: admin
  ¦    password: §
config: <strong>: define('DB_PASSWORD', '§');
config: <strong>: define( 'AUTH_KEY',         '§' );
config: <strong>: define('SECURE_AUTH_SALT', '§');
config: <mixed>: production:
  ¦  adapter: postgresql
  ¦  username: app
  ¦  password: §
config: <mixed>: spring.datasource.password=§
config: <mixed>: spring:
  ¦  datasource:
  ¦    username: app
  ¦    password: '§'
config: <mixed>: spring.mail.password: §
config: <mixed>: {"ConnectionStrings": {"Default": "Server=db;User Id=a;Password=§"}}
config: <mixed>: {"Smtp": {"UserName": "a", "Password": "§"}}
config: <key32>: {"Jwt": {"Key": "§", "Issuer": "acme"}}
config: <mixed>: <add key="SmtpPassword" value="§" />
config: <mixed>: <add name="Db" connectionString="Data Source=db;User ID=a;Password=§" />
config: <mixed>: <password>§</password>
config: <mixed>: <server><id>a</id><username>b</username><password>§</password></server>
config: <mixed>: <property name="hibernate.connection.password">§</property>
config: <mixed>: <property name="password" value="§"/>
config: <mixed>: <Resource name="jdbc/db" username="a" password="§" driverClassName="x"/>
config: <mixed>: <user username="tomcat" password="§" roles="manager-gui"/>
config: <H64>: <machineKey validationKey="§" decryption="AES"/>
config: <mixed>: <string name="api_key">§</string>
config: <mixed>: <key>Password</key>
  ¦<string>§</string>
config: <mixed>: <packageSourceCredentials><a><add key="ClearTextPassword" value="§" /></a></packageSourceCredentials>
config: <mixed>: [database]
  ¦user = app
  ¦password = §
config: <mixed>: [client]
  ¦password="§"
config: <b40>: [default]
  ¦aws_access_key_id = AK
  ¦aws_secret_access_key = §
config: <mixed>: [remote]
  ¦type = webdav
  ¦pass = §
config: <mixed>: [smtp]
  ¦host = smtp.acme.io
  ¦smtp_password = §
config: <mixed>: [security]
  ¦admin_user = admin
  ¦admin_password = §
config: <mixed>: [database.credentials]
  ¦password = "§"
config: <mixed>: db = { user = "app", pass = "§" }
config: <mixed>: database_url = "postgres://app:§@db/shop"
config: <mixed>: db_password: "§"
config: <mixed>: db:
  ¦  pw: §
config: <mixed>: credentials:
  ¦  user: bob
  ¦  pass: §
config: <mixed>: basic_auth:
  ¦  username: prom
  ¦  password: §
config: <mixed>: bearer_token: §
config: <mixed>: smtp_auth_password: '§'
config: <mixed>: adminPassword: §
config: <mixed>: auth: { enabled: true, rootPassword: "§" }
config: <mixed>: global:
  ¦  postgresql:
  ¦    auth:
  ¦      postgresPassword: "§"
config: <mixed>: stringData:
  ¦  password: §
config: <mixed>: stringData:
  ¦  api-token: "§"
config: <mixed>: env:
  ¦- name: DB_PASSWORD
  ¦  value: "§"
config: <mixed>: environment:
  ¦  - MYSQL_PASSWORD=§
config: <mixed>: environment:
  ¦  POSTGRES_PASSWORD: §
config: <mixed>: "environment": [{"name": "API_SECRET", "value": "§"}]
config: <mixed>: ENV ADMIN_PASSWORD=§
config: <mixed>: ENV ADMIN_PASSWORD §
config: <mixed>: ARG GIT_TOKEN=§
config: <mixed>: RUN echo "root:§" | chpasswd
config: <mixed>: ansible_ssh_pass: §
config: <mixed>: web1 ansible_host=10.0.0.4 ansible_user=root ansible_ssh_pass=§
config: <mixed>: ansible_become_password: "§"
config: <mixed>: vars:
  ¦  mysql_root_password: '§'
config: <mixed>: - name: add user
  ¦  mysql_user: name=app password=§ priv=*.*:ALL
config: <mixed>: password: !unsafe '§'
config: <mixed>: password: >-
  ¦  §
config: <mixed>: password: |
  ¦  §
config: <mixed>: 'password' => '§',
config: <mixed>: 'password' => env('MAIL_PASSWORD', '§'),
config: <mixed>: DATABASES = {"default": {"USER": "app", "PASSWORD": "§"}}
config: <strong>: SECRET_KEY = 'django-insecure-§'
config: <mixed>: EMAIL_HOST_PASSWORD = "§"
config: <mixed>: app.secret_key = "§"
config: <mixed>: app.config["JWT_SECRET_KEY"] = "§"
config: <mixed>: session({ secret: '§', resave: false })
config: <mixed>: jwt.sign(payload, '§', { expiresIn: '1h' })  // secret
config: <mixed>: config.secret_key_base = "§"
config: <mixed>: devise.pepper = '§'
config: <mixed>: storePassword '§'
config: <mixed>: storePassword=§
  ¦keyAlias=upload
config: <mixed>: keyPassword = "§"
config: <mixed>: signing.password=§
config: <mixed>: credentials += Credentials("Realm", "host", "user", "§")
config: <mixed>: requirepass §
config: <mixed>: ldap_bind_password = §
config: <mixed>: ldap_default_authtok = §
config: <mixed>: bindpw §
config: <mixed>: rootpw §
config: <mixed>: olcRootPW: §
config: <mixed>: userPassword: §
config: <mixed>: smtp_sasl_password_maps: [smtp.acme.io]:587 bot@acme.io:§
config: <mixed>: password smtp.acme.io §
config: <mixed>: set imap_pass = "§"
config: <mixed>: passwordeval "echo §"
config: <mixed>: network={
  ¦  ssid="Home"
  ¦  psk="§"
  ¦}
config: <mixed>: wpa_passphrase=§
config: <mixed>: option key '§'  # /etc/config/wireless, wifi password
config: <key32>: [Interface]
  ¦PrivateKey = §
  ¦Address = 10.7.0.2/32
config: <key32>: PresharedKey = §
config: <mixed>: bob * § *  # chap-secrets: client server secret
config: <mixed>: : PSK "§"
config: <mixed>: bob : EAP "§"
config: <mixed>: enable secret §
config: <mixed>: username admin privilege 15 password 0 §
config: <mixed>: snmp-server community § RW
config: <mixed>: radius-server host 10.0.0.9 key §
config: <mixed>: set system root-authentication plain-text-password-value §
config: <mixed>: http_proxy = http://bob:§@proxy:3128
config: <mixed>: stats auth admin:§
config: <mixed>: user app password §
config: <mixed>: server.userlist: user admin insecure-password §
config: <mixed>: auth_pass §
config: <mixed>: hazelcast.client.password=§
config: <mixed>: quarkus.datasource.password=§
config: <mixed>: %prod.quarkus.datasource.password=§
config: <mixed>: rpcuser=bitcoin
  ¦rpcpassword=§
config: <mixed>: c.NotebookApp.password = '§'
config: <mixed>: {"password":{"S":"§"}}
config: <mixed>: {\"username\":\"app\",\"password\":\"§\"}
config: <mixed>: {"key":"DB_PASSWORD","value":"§","type":"secret"}
config: <mixed>: {"key":"password","value":"§","enabled":true}
config: <mixed>: "token": "§",
config: <mixed>: "sftp": {"host": "h", "username": "u", "passphrase": "§"}
config: <mixed>: "http.proxyPassword": "§"
config: <mixed>: "mcpServers": {"db": {"command": "npx", "env": {"DB_PASSWORD": "§"}}}
config: <a40>: "mcpServers": {"x": {"args": ["--api-key", "§"]}}
config: <mixed>: {"headers": {"X-API-Key": "§"}}
config: <mixed>: - run: npm publish
  ¦  env: { NODE_AUTH_TOKEN: "§" }
config: <mixed>: with:
  ¦  username: bob
  ¦  password: §
config: <mixed>: variables:
  ¦  DEPLOY_PASSWORD: "§"
config: <mixed>: withCredentials([string(variable: 'PW')]) { sh "deploy --password §" }
config: <mixed>: environment { DB_PASSWORD = '§' }
config: <mixed>: ##vso[task.setvariable variable=dbPassword;issecret=true]§
config: <mixed>: ::add-mask::§
config: <mixed>: echo "DB_PASSWORD=§" >> $GITHUB_ENV
config: <mixed>: ::set-output name=password::§
log: <mixed>: 2026-11-03 10:22:11 DEBUG login attempt user=bob password=§
log: <mixed>: ERROR: password authentication failed for "app" (password "§")
log: <mixed>: level=info msg="connecting" dsn="app:§@tcp(db:3306)/shop"
log: <mixed>: {"level":"debug","user":"bob","passwd":"§"}
log: <mixed>: Config{User:"app" Password:"§" Port:5432}
log: <mixed>: Config { user: "app", password: "§", port: 5432 }
log: <mixed>: Config(user='app', password='§', port=5432)
log: <mixed>: {:user "app", :password "§"}
log: <mixed>: %{user: "app", password: "§"}
log: <mixed>: {"user"=>"bob", "password"=>"§"}
log: <mixed>: [user: app, password: §]
log: <mixed>: map[password:§ user:app]
log: <mixed>: User(name=bob, password=§, id=7)
log: <mixed>: array(2) { ["password"]=> string(13) "§" }
log: <mixed>: [password] => §
log: <mixed>: Parameters: {"email"=>"b@a.io", "password"=>"§"}
log: <mixed>: | password | § |
log: <mixed>: user,password
  ¦bob,§
log: <mixed>: + export DB_PASSWORD=§
log: <mixed>: ++ PGPASSWORD=§
log: <mixed>: + mysql -uroot -p§ -e 'select 1'
log: <mixed>: root 812 0.0 /usr/bin/mysqld --wsrep_sst_auth=root:§
log: <mixed>: -  password: §
log: <mixed>: +DB_PASSWORD=§
log: <mixed>: .env:12:DB_PASSWORD=§
log: <mixed>: src/db.ts:8:  password: '§',
log: <mixed>: GENERATED ROOT PASSWORD: §
log: <mixed>: A temporary password is generated for root@localhost: §
log: <mixed>: Password for the elastic user (reset with `bin/elasticsearch-reset-password`): §
log: <mixed>: New value: §  (elasticsearch-reset-password -u elastic)
log: <a32>: Jenkins initial setup is required. Please use the following password: §
log: <mixed>: Login with admin / §
log: <mixed>: Root Token: §
log: <key32>: Unseal Key 1: §
log: <mixed>: Admin user created. Username: admin Password: §
log: <h48>: http://localhost:8888/lab?token=§
log: <mixed>: AccessDenied for key_secret=§
log: <mixed>: a1 LOGIN bob@acme.io "§"
log: <mixed>: PASS §
  ¦230 Login successful.
log: <mixed>: ---> PASS §
prose: <human>: login with bob / §
prose: <human>: user bob, pass §
prose: <human>: credentials are admin:§
prose: <human>: The password is §, please do not share it.
prose: <human>: the pw is §
prose: <human>: pw: §
prose: <human>: pwd § works on staging
prose: <human>: my password's § btw
prose: <human>: Use "§" as the database password.
prose: <human>: use password `§` for the test account
prose: <human>: password (for staging): §
prose: <human>: Password for the VPN → §
prose: <human>: the root password has been changed to §
prose: <human>: I set the admin password to "§".
prose: <human>: log in as deploy with the password §
prose: <human>: sign in with user demo and password §
prose: <human>: username: bob password: §
prose: <human>: u: bob p: §
prose: <human>: user/pass: bob/§
prose: <human>: creds: bob:§
prose: <human>: creds - bob / §
prose: <human>: login: bob, password: §
prose: <human>: **Password:** §
prose: <human>: - **Password**: `§`
prose: <human>: | Password | `§` |
prose: <human>: Password = §
prose: <human>: passphrase for the key is "§"
prose: <human>: the sudo password on that box: §
prose: <human>: it asks for a password, type §
prose: <human>: Wi-Fi password is §
prose: <human>: here's the secret: §
prose: <a40>: my API key is §
prose: <a40>: here is the token: §
prose: <a40>: token § is from the admin account
prose: <a40>: The client secret is §.
prose: <a40>: auth key = §, region eu
prose: <d6>: the PIN is §
prose: <d6>: PIN: §
prose: <human>: wrong password: §
prose: <human>: ("bob", "§") are the login data, password second
prose: <human>: ssh root@10.0.0.5 (password §)
prose: <human>: http://10.0.0.5:3000 admin/§
prose: <human>: Default login is admin/§, change it.
prose: <human>: old password §, new one to be generated
prose: <human>: Das Passwort ist §
prose: <human>: passwort lautet §
prose: <human>: Passwort: §
prose: <human>: Kennwort für den Server: §
prose: <human>: Benutzer bob, Kennwort §
prose: <human>: Zugangsdaten: bob / §
prose: <human>: Das Kennwort wurde auf "§" gesetzt.
prose: <human>: mot de passe : §
prose: <human>: contraseña: §
prose: <human>: senha: §
prose: <human>: пароль: §
prose: <human>: 密码：§
prose: <human>: パスワード: §
prose: <phrase>: the master passphrase is "§"
prose: <mixed>: Recovery key: §
prose: <uuid>: Use this API key: §
card: <luhn:4539:4 4 4 4>: my card is §, exp 04/29
card: <luhn:4716:16>: "card_number": "§"
card: <luhn:5412:4 4 4 4>: Charge § for the trial, please
card: <luhn:5301:16>: card[number]=§&card[exp_month]=12
card: <luhn:2223:4-4-4-4>: credit card §
card: <luhn:3782:4 6 5>: Amex §
card: <luhn:3471:15>: {"pan": "§", "brand": "amex"}
card: <luhn:6011:4 4 4 4>: Discover: §
card: <luhn:6510:16>: INSERT INTO payments (card_no) VALUES ('§');
card: <luhn:3530:4-4-4-4>: JCB §
card: <luhn:3612:4 6 4>: Diners Club §
card: <luhn:3852:14>: cc_number = "§"  # diners
card: <luhn:6221:4 4 4 4>: UnionPay §
card: <luhn:6234:19>: card: § (UnionPay, 19 digits)
card: <luhn:6759:4 4 4 4>: Maestro §
card: <luhn:2200:4 4 4 4>: Mir card §
card: <luhn:4024:16>: ERROR payment declined for card §: insufficient funds
card: <luhn:4556:16>: name,card,exp
  ¦Bob Ray,§,04/29
card: <luhn:5287:16>: creditCard: '§',
card: <luhn:4485:16>: <CardNumber>§</CardNumber>
card: <luhn:4929:16>: await page.fill('#card-number', '§')
card: <luhn:5555:4 4 4 4>: Kartennummer: §
card: <luhn:4532:16>: ;§=29041010000000000000?
card: <luhn:5105:16>: %B§^RAY/BOB^29041010000000000000?
card: <luhn:4175:4 4 4 4>: Visa ending soon, number § CVV 913
card: <luhn:3714:4-6-5>: paid with § (American Express)
card: <luhn:4844:16>: ccnum: §
card: <luhn:5138:16>: --card-number §
card: <luhn:4916:16>: cardNumber=§&cvc=913
card: <luhn:6441:16>: {"payment_method":{"number":"§","cvc":"913"}}
vendor: sk-proj-<u74>T3BlbkFJ<u74>
vendor: sk-svcacct-<u74>T3BlbkFJ<u74>
vendor: sk-admin-<u58>T3BlbkFJ<u58>
vendor: sk-<a20>T3BlbkFJ<a20>
vendor: sk-ant-api03-<u93>AA
vendor: sk-ant-admin01-<u93>AA
vendor: sk-ant-oat01-<u93>AA
vendor: sk-ant-ort01-<u93>AA
vendor: AIza<u35>
vendor: GOCSPX-<u28>
vendor: ya29.a0<u160>
vendor: 1//0e<u60>
vendor: AAAA<u7>:APA91b<u134>
vendor: AKIA<s16>
vendor: ASIA<s16>
vendor: ABSK<b128>
vendor: ghp_<a36>
vendor: gho_<a36>
vendor: ghu_<a36>
vendor: ghs_<a36>
vendor: ghr_<a36>
vendor: github_pat_<a22>_<a59>
vendor: glpat-<u20>
vendor: glpat-<u30>.<l9>
vendor: glptt-<h40>
vendor: gldt-<u20>
vendor: glrt-<u20>
vendor: glft-<u20>
vendor: glsoat-<u20>
vendor: glimt-<u25>
vendor: glagent-<u50>
vendor: glcbt-<h2>_<u20>
vendor: gloas-<h64>
vendor: GR1348941<u20>
vendor: ATBB<a32>
vendor: ATATT3xFfGF0<u172>=<H8>
vendor: ATCTT3xFfGN0<u172>=<H8>
vendor: ATTA<h72>
vendor: xoxb-<d12>-<d13>-<a24>
vendor: xoxp-<d12>-<d12>-<d12>-<h32>
vendor: xoxe.xoxp-1-<a160>
vendor: xoxe-1-<a146>
vendor: xoxc-<d12>-<d12>-<d12>-<h64>
vendor: xapp-1-A<U10>-<d13>-<h64>
vendor: https://hooks.slack.com/services/T<U10>/B<U10>/<a24>
vendor: https://hooks.slack.com/triggers/T<U10>/<d13>/<h32>
vendor: https://discord.com/api/webhooks/1<d18>/<u68>
vendor: M<a25>.<u6>.<u38>
vendor: 7<d9>:AA<u33>
vendor: https://acme.webhook.office.com/webhookb2/<uuid>@<uuid>/IncomingWebhook/<h32>/<uuid>
vendor: https://hooks.zapier.com/hooks/catch/<d8>/<l7>/
vendor: https://open.larksuite.com/open-apis/bot/v2/hook/<uuid>
vendor: https://oapi.dingtalk.com/robot/send?access_token=<h64>
vendor: https://maker.ifttt.com/trigger/build/with/key/<u22>
vendor: tk_<l29>
vendor: sk_live_<a24>
vendor: sk_live_51<a97>
vendor: sk_test_51<a97>
vendor: rk_live_<a24>
vendor: whsec_<a32>
vendor: pdl_live_apikey_01<l24>_<a22>_<a3>
vendor: access-production-<uuid>
vendor: sq0atp-<u22>
vendor: sq0csp-<u43>
vendor: EAAA<u60>
vendor: access_token$production$<l16>$<h32>
vendor: FLWSECK-<h32>-X
vendor: EZAK<a54>
vendor: shippo_live_<h40>
vendor: duffel_live_<u43>
vendor: SG.<u22>.<u43>
vendor: key-<h32>
vendor: <h32>-<h8>-<h8>
vendor: <h32>-us14
vendor: md-<a22>
vendor: xkeysib-<h64>-<a16>
vendor: xsmtpsib-<h64>-<a16>
vendor: mlsn.<h64>
vendor: re_<a8>_<a24>
vendor: vcp_<a56>
vendor: vci_<a56>
vendor: vca_<a56>
vendor: vcr_<a56>
vendor: vck_<a56>
vendor: vercel_blob_rw_<a16>_<a30>
vendor: nfp_<a36>
vendor: rnd_<a28>
vendor: HRKU-AA<u58>
vendor: FlyV1 fm2_lJPE<b120>
vendor: fo1_<u43>
vendor: dop_v1_<h64>
vendor: doo_v1_<h64>
vendor: dor_v1_<h64>
vendor: v1.0-<h24>-<h146>
vendor: tskey-auth-k<a11>CNTRL-<a32>
vendor: tskey-api-k<a11>CNTRL-<a32>
vendor: <a14>.atlasv1.<u67>
vendor: pul-<h40>
vendor: hvs.<u95>
vendor: hvb.<u140>
vendor: dp.pt.<a43>
vendor: dp.st.prd.<a43>
vendor: st.<h24>.<h32>.<h32>
vendor: ops_eyJ<b260>
vendor: A3-<U6>-<U11>-<U5>-<U5>-<U5>
vendor: pscale_tkn_<u43>
vendor: pscale_pw_<u43>
vendor: pscale_oauth_<u43>
vendor: sbp_<h40>
vendor: sb_secret_<u22>_<u8>
vendor: napi_<l64>
vendor: CCDB1_<a22>_<a40>
vendor: mzp_<h64>
vendor: dapi<h32>
vendor: dckr_pat_<u27>
vendor: dckr_oat_<u32>
vendor: npm_<a36>
vendor: pypi-AgEIcHlwaS5vcmc<u150>
vendor: rubygems_<h48>
vendor: cio<a32>
vendor: oy2<l43>
vendor: CLOJARS_<h60>
vendor: AKCp<a69>
vendor: cmVmdGtu<a56>
vendor: hf_<L34>
vendor: api_org_<L34>
vendor: r8_<a37>
vendor: gsk_<a52>
vendor: xai-<a80>
vendor: pplx-<a48>
vendor: tgp_v1_<u43>
vendor: sk-or-v1-<h64>
vendor: csk-<l48>
vendor: nvapi-<u64>
vendor: lsv2_pt_<h32>_<h10>
vendor: lsv2_sk_<h32>_<h10>
vendor: sk-lf-<uuid>
vendor: tvly-dev-<a32>
vendor: pcsk_<a6>_<a63>
vendor: jina_<a60>
vendor: sk_<h48>
vendor: fc-<h32>
vendor: e2b_<h40>
vendor: sk-helicone-<l7>-<l7>-<l7>-<l7>
vendor: shpat_<h32>
vendor: shpss_<h32>
vendor: shpca_<h32>
vendor: shppa_<h32>
vendor: lin_api_<a40>
vendor: lin_oauth_<h64>
vendor: ntn_<d11><a35>
vendor: secret_<a43>
vendor: figd_<u40>
vendor: pat<a14>.<h64>
vendor: tfp_<a44>_<a14>
vendor: CFPAT-<u43>
vendor: PMAK-<h24>-<h34>
vendor: rdme_<l70>
vendor: pat-na1-<uuid>
vendor: 00D<a12>!AQ<a94>
vendor: sl.<u136>
vendor: sk.eyJ1Ijoi<u80>.<u22>
vendor: <a6>_<a29>_mmk
vendor: glsa_<a32>_<h8>
vendor: glc_eyJ<b90>
vendor: NRAK-<U27>
vendor: hcaik_01<l56>
vendor: dt0c01.<s24>.<s64>
vendor: sntryu_<h64>
vendor: sntrys_eyJpYXQiOj<b100>=_<b43>
vendor: phx_<a43>
vendor: sgp_<h16>_<h40>
vendor: sgp_<a64>
vendor: api-<uuid>
vendor: CCIPAT_<a22>_<h40>
vendor: bkua_<h40>
vendor: squ_<h40>
vendor: sqp_<h40>
vendor: signkey-prod-<h64>
vendor: tr_prod_<a20>
vendor: os_v2_app_<t103>
vendor: pnu_<l36>
vendor: ico-<a32>
vendor: sha256~<u43>
vendor: API-<U26>
vendor: pat.<u22>.<h24>.<a20>
vendor: dnkey-<l26>-<l52>
vendor: AGE-SECRET-KEY-1<c58>
vendor: 0.<uuid>.<a30>:<key16>
vendor: xprv9<x106>
vendor: cu_<h32>
vendor: EAAC<a180>
vendor: AAAAAAAAAAAAAAAAAAAAA<a80>
vendor: <a3>8Q~<a34>
vendor: <a76>AZDO<a4>
vendor: <a42>AzSeB<a5>
vendor: <u44>AzFu<u5>g==
"""


def entries(text: str) -> list[str]:
    """Return the texts of a corpus, one a line; ``  ¦`` continues a text after a line break."""
    return [entry.replace("\n  ¦", "\n") for entry in re.split(r"\n(?!  ¦)", text.strip("\n"))]


def _sum_of_luhn(number: str) -> int:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(reversed(number))]
    return sum(value - 9 if value > 9 else value for value in doubled)


def _card(prefix: str, grouping: str) -> str:
    """Return a valid card number of a network, in groups: ``4 6 5``, ``4-4-4-4``, or ``16`` for one group."""
    sizes = [int(size) for size in re.split("[ -]", grouping)]
    number = prefix + _chars("d", sum(sizes) - len(prefix) - 1)
    left = number + str(-_sum_of_luhn(number + "0") % 10)
    groups = [left[sum(sizes[:place]) :][:size] for place, size in enumerate(sizes)]
    return ("-" if "-" in grouping else " ").join(groups)


def _part(pattern: re.Match[str]) -> str:
    name = pattern[1]
    if name.startswith("luhn:"):
        return _card(*name.split(":")[1:])
    return _MAKERS[name]() if name in _MAKERS else _chars(name[0], int(name[1:]))


def _written(shape: str) -> tuple[str, str, str]:
    group, pattern, *rest = shape.split(": ", 2)
    secret = re.sub("<([^<>]+)>", _part, pattern)
    text = rest[0] if rest else next(_NEUTRAL)
    return group, text.replace("§", secret), secret


# Group, text, and the part of the text that must not be stored.
SECOND_SECRETS: list[tuple[str, str, str]] = [_written(shape) for shape in entries(_SHAPES)]
