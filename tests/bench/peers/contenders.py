"""The contenders and their configurations: the one place that has them.

What is the same for all: one thread (one process of one thread, GOMAXPROCS=1; Apache cannot, it has a thread for each
request) on one core; connections to clients and servers are kept as long as they last; X-Forwarded-For is added; the
client's body stays in memory; no access log unless the measure is about it. What differs is what each does by itself
for dependable calls, as its manual advises:

- Fusegate: its defaults, that is retries, budget, breaker, ejection, deadlines, metrics. Only its queue is longer and more
  patient, because a saturated proxy is asked for more than it can do, on purpose, and nothing shall be refused.
- HAProxy: three retries, also of answers 503; health checks, and errors of answers observed.
- nginx: the next server on errors, timeouts and 503.
- Caddy, Apache: retries of connections, all they have.
- relay: our own loop that copies bytes and does nothing else (relay.cpp), the floor of what any proxy could cost.
"""
from dataclasses import dataclass

from parts import BINARY
from setup import Setup

MODULES = "/usr/lib/apache2/modules"


def fusegate(setup, place):
    listener = f"listeners:\n  - address: 127.0.0.1:{place.port}"
    if setup.tls_in:
        listener += f"\n    tls: {{ certificate: {place.own(setup, 'cert')}, key: {place.own(setup, 'key')} }}"
    wide = "  connections: { max_per_endpoint: 1100 }" if setup.wide else ""
    settings = "\n".join(f"  {line}" for line in setup.settings)
    scheme = "https" if setup.tls_out else "http"
    servers = f"url: \"unix:{place.unix_path}\"" if setup.unix else "endpoints: [" + ", ".join(
        f'"{scheme}://{server}"' for server in place.upstreams(setup)) + "]"
    tls = f", tls: {{ ca_file: {place.common}/cert.pem, server_name: localhost }}" if setup.tls_out else ""
    queue = ", queue: { length: 4096, wait: 10s }"
    limit = f"max_in_flight: 1100, adaptive: false{queue}" if setup.wide else queue[2:]
    concurrency = "" if any(line.startswith("concurrency:") for line in setup.settings) else f", concurrency: {{ {limit} }}"
    upstreams = "\n".join(f"  u{index}: {{ {servers}{tls}{concurrency} }}" for index in range(setup.upstreams))
    # Routes beside the last one: to each upstream one if there are several, else to the only one.
    beside = max(setup.routes, setup.upstreams) - 1
    last = f"u{setup.upstreams - 1}"
    routes = "".join(f"\n  - {{ name: r{index}, match: /r{index}, upstream: u{index if setup.upstreams > 1 else 0} }}"
                     for index in range(beside))
    return f"""{listener}
status: {{ listen: "{f'127.0.0.1:{place.status_port}' if setup.status else 'off'}" }}
admin: {{ listen: "off" }}
runtime: {{ workers: {setup.workers}, max_connections: {12000 if setup.wide else 4096} }}
limits: {{ keepalive_timeout: 10m }}
log: {{ access: {{ enabled: {str(setup.log).lower()} }} }}
metrics: {{ max_series: 200000 }}
defaults:
  timeout: 60s
{settings}
{wide}
upstreams:
{upstreams}
routes:{routes}
  - {{ name: last, match: /, upstream: {last} }}
"""


def haproxy(setup, place):
    log = "  log stdout format raw local0\n" if setup.log else ""
    tls_in = f" ssl crt {place.own(setup, 'both')} alpn http/1.1" if setup.tls_in else ""
    tls_out = f" ssl ca-file {place.common}/cert.pem verify required sni str(localhost)" if setup.tls_out else ""
    servers = "\n".join(f"  server s{index} {server} check inter 5s observe layer7{tls_out}"
                        for index, server in enumerate(place.upstreams(setup)))
    return f"""global
{log}  nbthread {setup.workers}
  no strict-limits
  maxconn {12000 if setup.wide else 4000}
defaults
  mode http
  timeout connect 1s
  timeout client 10m
  timeout server 60s
  option http-keep-alive
  timeout http-keep-alive 10m
  http-reuse always
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response response-timeout 503
  option forwardfor
{'  log global' if setup.log else ''}
{'  option httplog' if setup.log else ''}
frontend f
  bind 127.0.0.1:{place.port}{tls_in}
  default_backend b
backend b
{servers}
"""


def nginx(setup, place):
    # max_fails=0: else a single 503 would take a server out for ten seconds.
    servers = " ".join(f"server {server} max_fails=0;" for server in place.upstreams(setup))
    tls_in = (f"ssl_certificate {place.own(setup, 'cert')}; ssl_certificate_key {place.own(setup, 'key')};"
              if setup.tls_in else "")
    tls_out = (f"proxy_ssl_trusted_certificate {place.common}/cert.pem; proxy_ssl_verify on; "
               "proxy_ssl_name localhost; proxy_ssl_server_name on;" if setup.tls_out else "")
    return f"""worker_processes {setup.workers}; daemon off; master_process {'off' if setup.alone else 'on'};
pid {place.directory}/nginx.pid;
error_log {place.directory}/nginx.log; worker_rlimit_nofile 20000;
events {{ worker_connections {16000 if setup.wide else 4000}; }}
http {{
  access_log {f'{place.directory}/access.log' if setup.log else 'off'};
  keepalive_requests 100000000; keepalive_timeout 600; client_max_body_size 0;
  # Bodies stay in memory, as they do with the others.
  client_body_buffer_size 256k; proxy_max_temp_file_size 0;
  client_body_temp_path {place.directory}/body; proxy_temp_path {place.directory}/proxy;
  fastcgi_temp_path {place.directory}/f; uwsgi_temp_path {place.directory}/u; scgi_temp_path {place.directory}/s;
  upstream u {{ {servers} keepalive 128; keepalive_requests 100000000; }}
  server {{
    listen 127.0.0.1:{place.port}{' ssl' if setup.tls_in else ''} backlog=4096; {tls_in}
    location / {{
      proxy_pass {'https' if setup.tls_out else 'http'}://u; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; {tls_out}
      proxy_next_upstream error timeout http_503;
    }}
  }}
}}
"""


def caddy(setup, place):
    tls_in = f"\ttls {place.common}/cert.pem {place.common}/key.pem\n" if setup.tls_in else ""
    tls_out = (f"\t\t\ttls\n\t\t\ttls_trusted_ca_certs {place.common}/cert.pem\n\t\t\ttls_server_name localhost\n"
               if setup.tls_out else "")
    log = f"\tlog {{\n\t\toutput file {place.directory}/access.log\n\t}}\n" if setup.log else ""
    return f"""{{
	admin off
	auto_https off
	log {{
		level ERROR
	}}
	servers {{
		protocols h1
	}}
}}
{'https' if setup.tls_in else 'http'}://:{place.port} {{
	bind 127.0.0.1
{tls_in}{log}	reverse_proxy {' '.join(place.upstreams(setup))} {{
		lb_retries 2
		transport http {{
			dial_timeout 1s
			response_header_timeout 60s
			keepalive_idle_conns_per_host 128
			compression off
{tls_out}		}}
	}}
}}
"""


def apache(setup, place):
    threads = 1100 if setup.wide else 150   # 150 is Debian's. With as few as connections it would close some.
    tls_in = (f"SSLEngine on\nSSLCertificateFile {place.common}/cert.pem\nSSLCertificateKeyFile {place.common}/key.pem\n"
              if setup.tls_in else "")
    tls_out = (f"SSLProxyEngine on\nSSLProxyCACertificateFile {place.common}/cert.pem\nSSLProxyVerify require\n"
               "SSLProxyCheckPeerName off\n" if setup.tls_out else "")
    modules = ["mpm_event", "authz_core", "proxy", "proxy_http",
               *(["ssl"] if setup.tls_in or setup.tls_out else [])]
    load = "\n".join(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in modules)
    log = f'CustomLog {place.directory}/access.log "%h %l %u %t \\"%r\\" %>s %O \\"%{{Referer}}i\\" \\"%{{User-Agent}}i\\""\n'
    return f"""{load}
ServerName localhost
DefaultRuntimeDir {place.directory}
PidFile {place.directory}/apache.pid
ErrorLog {place.directory}/apache.log
Listen 127.0.0.1:{place.port}
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 600
StartServers 1
ServerLimit 1
ThreadLimit {threads}
ThreadsPerChild {threads}
MaxRequestWorkers {threads}
MinSpareThreads 1
MaxSpareThreads {threads}
AsyncRequestWorkerFactor 20
{tls_in}{tls_out}{log if setup.log else ''}
ProxyPass / {'https' if setup.tls_out else 'http'}://{place.upstreams(setup)[0]}/ keepalive=On
"""


@dataclass(frozen=True)
class Contender:
    name: str
    program: str               # What must be installed.
    write: callable            # (setup, place) -> the text of its configuration
    command: tuple             # {file} is the configuration, {place} where it runs.
    lacks: dict = None         # Field of Setup -> why there is no figure.
    environment: dict = None
    alone: tuple = ()          # Its command as one process, if that is another one.

    def command_for(self, setup, file, place):
        command = self.alone if setup.alone and self.alone else self.command
        return [part.format(file=file, place=place) for part in command]

    def reason(self, setup):
        """Why it cannot do this, or None."""
        plain = Setup()
        return next((why for name, why in (self.lacks or {}).items() if getattr(setup, name) != getattr(plain, name)), None)


BARE = "copies bytes"
CONTENDERS = {contender.name: contender for contender in (
    Contender("Fusegate", BINARY, fusegate, (BINARY, "-c", "{file}", "run")),
    Contender("HAProxy", "haproxy", haproxy, ("haproxy", "-db", "-f", "{file}")),
    Contender("nginx", "nginx", nginx, ("nginx", "-e", "{place.directory}/nginx.log", "-c", "{file}")),
    Contender("Caddy", "caddy", caddy, ("caddy", "run", "--adapter", "caddyfile", "--config", "{file}"),
              {"endpoints": "does not retry answers", "alone": "does not run under valgrind"}, {"GOMAXPROCS": "1"}),
    Contender("Apache", "apache2", apache, ("apache2", "-D", "FOREGROUND", "-f", "{file}"),
              {"endpoints": "does not retry answers"}, alone=("apache2", "-X", "-f", "{file}")),
    Contender("relay", "", lambda setup, place: f"unix:{place.unix_path}" if setup.unix else str(place.backend_port),
              ("{place.common}/relay", "{place.port}", "{file}"),
              {"log": BARE, "tls_in": BARE, "tls_out": BARE, "endpoints": BARE}),
)}
