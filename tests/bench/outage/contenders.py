"""What stands between the callers and the service: for each contender its files and its command."""
from dataclasses import dataclass

from parts import BINARY


@dataclass(frozen=True)
class Contender:
    name: str
    meaning: str
    program: str = ""     # What must be installed; "" for none.
    template: str = ""    # Its configuration; {port}, {directory}, and {servers} written by `server`.
    server: str = ""      # One endpoint in it; {index}, {port}, {slots}.
    command: tuple = ()   # {file} is the configuration.
    tries: int = 1        # Of the callers themselves.

    def start_command(self, directory, port, endpoints, slots):
        """The command to run, its configuration written; None when there is no proxy."""
        if not self.command:
            return None
        servers = "".join(self.server.format(index=index, port=endpoint, slots=slots)
                          for index, endpoint in enumerate(endpoints))
        file = directory / f"{self.name.replace(' ', '-')}.conf"
        file.write_text(self.template.format(port=port, directory=directory, servers=servers))
        return [part.format(file=file) for part in self.command]


# Fusegate's three lines. The listeners beside it are off because several of them run at once.
FUSEGATE = """listen: 127.0.0.1:{port}
status: {{ listen: "off" }}
admin: {{ listen: "off" }}
log: {{ access: {{ enabled: false }} }}
upstreams:
  service: {{ endpoints: [{servers}]%s }}
"""

# Timeouts and retries as the chapters on reliability in the manuals have them.
HAPROXY = """global
  nbthread 1
defaults
  mode http
  timeout connect 1s
  timeout client 30s
  timeout server 1s
  timeout queue 1s
  retries 3
  option redispatch 1
  retry-on conn-failure empty-response response-timeout 500 502 503 504
  http-reuse safe
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  balance roundrobin
{servers}"""

# By someone who knows the service: no more at an endpoint than it can work on at once and a little,
# a queue that is given up before the callers are, answers no later than they would wait.
HAPROXY_TUNED = """global
  nbthread 1
defaults
  mode http
  timeout connect 200ms
  timeout client 30s
  timeout server 500ms
  timeout queue 300ms
  retries 1
  option redispatch 1
  retry-on conn-failure empty-response 503
  http-reuse safe
frontend f
  bind 127.0.0.1:{port}
  default_backend b
backend b
  balance leastconn
  option httpchk GET /healthz
{servers}"""

NGINX = """worker_processes 1; daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx.log crit;
events {{ worker_connections 8192; }}
http {{
  access_log off; keepalive_requests 1000000; client_body_temp_path {directory}; proxy_temp_path {directory};
  fastcgi_temp_path {directory}; uwsgi_temp_path {directory}; scgi_temp_path {directory};
  upstream service {{
{servers}    keepalive 64; keepalive_requests 1000000;
  }}
  server {{ listen 127.0.0.1:{port}; location / {{
    proxy_pass http://service; proxy_http_version 1.1; proxy_set_header Connection "";
    proxy_connect_timeout 1s; proxy_read_timeout 1s; proxy_send_timeout 1s;
    proxy_next_upstream error timeout http_502 http_503 http_504; proxy_next_upstream_tries 3;
  }} }}
}}
"""

CADDY = """{{
	admin off
	auto_https off
	log {{
		level ERROR
	}}
}}
http://:{port} {{
	bind 127.0.0.1
	reverse_proxy {servers}{{
		lb_policy least_conn
		lb_retries 2
		lb_try_duration 2s
		lb_try_interval 50ms
		fail_duration 10s
		max_fails 3
		unhealthy_status 5xx
		transport http {{
			dial_timeout 1s
			response_header_timeout 1s
		}}
	}}
}}
"""


def fusegate(name, meaning, settings=""):
    return Contender(name, meaning, BINARY, FUSEGATE % settings, '"http://127.0.0.1:{port}", ',
                     (BINARY, "-c", "{file}", "run"))


CONTENDERS = {contender.name: contender for contender in (
    fusegate("Fusegate", "at its defaults", ", concurrency: {{ adaptive: true }}"),
    fusegate("Fusegate fixed limit", "with concurrency.adaptive: false", ", concurrency: {{ adaptive: false }}"),
    Contender("nothing", "callers without retries, endpoints in turn"),
    Contender("naive retries", "callers that try three times, without a wait", tries=3),
    Contender("HAProxy", "with retries", "haproxy", HAPROXY, "  server s{index} 127.0.0.1:{port} check observe layer7\n",
              ("haproxy", "-db", "-f", "{file}")),
    Contender("HAProxy tuned", "by hand, by someone who knows the service", "haproxy", HAPROXY_TUNED,
              "  server s{index} 127.0.0.1:{port} maxconn {slots} check inter 1s fall 2 rise 1 observe layer7 "
              "error-limit 5 on-error mark-down\n", ("haproxy", "-db", "-f", "{file}")),
    Contender("nginx", "with retries", "nginx", NGINX, "    server 127.0.0.1:{port};\n", ("nginx", "-c", "{file}")),
    Contender("Caddy", "with retries", "caddy", CADDY, "http://127.0.0.1:{port} ",
              ("caddy", "run", "--adapter", "caddyfile", "--config", "{file}")),
)}
