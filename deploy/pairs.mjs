// Writes the two files that need a section for each pair of servers, for any number of servers:
//
//   node deploy/pairs.mjs haproxy s1 s2 s3 > deploy/haproxy/primary-backup-exact.cfg
//   node deploy/pairs.mjs nginx s1 s2 s3 > deploy/nginx/primary-backup.conf.template
//
// The names are the servers' NODE_NAME. The address of s1 is in the variable S1.

const WRITERS = { haproxy, nginx };

const [kind, ...all] = process.argv.slice(2);
const write = WRITERS[kind];
if (!write || all.length < 2 || all.some((name) => !/^[A-Za-z0-9]{1,32}$/.test(name))) {
  console.error('usage: node deploy/pairs.mjs haproxy|nginx <name> <name>..., names of 1 to 32 letters and digits');
  process.exit(1);
}
process.stdout.write(write(all));

/** Every pair of a primary and a backup, with the servers that are neither. */
function pairsOf(servers) {
  return servers.flatMap((primary) =>
    servers
      .filter((backup) => backup !== primary)
      .map((backup) => ({ primary, backup, others: servers.filter((one) => one !== primary && one !== backup) })),
  );
}

function variable(name) {
  return '${' + name.toUpperCase() + '}';
}

function haproxy(servers) {
  const requests = [
    'http-request disable-l7-retry unless METH_GET or { method HEAD OPTIONS }',
    'http-request set-timeout server 60s if { req.hdr(Accept) -m sub -i text/event-stream }',
  ].join('\n    ');
  const backends = pairsOf(servers).map(({ primary, backup, others }) =>
    [
      `backend pair_${primary}_${backup}`,
      `    ${requests}`,
      haproxyServer(primary),
      ...[backup, ...others].map((name) => haproxyServer(name, 'backup')),
      '',
    ].join('\n'),
  );
  return `# Sends a client to the primary that its session cookie names, else to the backup. The cookie is
# <id>.<primary>.<backup>.<epoch>.<mac>
# Use it with SESSION_PATTERN=replicated. Servers have the same names here as in NODE_NAME.
#
# Differs from primary-backup.cfg between a crash and its detection: each pair is a backend, in which a request that the
# primary refuses can only go to the backup. The price is N (N-1) backends, each with checks of its own.
#
# Written by: node deploy/pairs.mjs haproxy ${servers.join(' ')}

frontend sessions
    bind "\${LISTEN}"
    # Replace these headers if a client sent them; do not append to them.
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]
    # For the operators, who ask the servers themselves. Servers decode addresses, and some ignore case.
    http-request deny deny_status 404 if { path,url_dec -m reg -i ^/+(metrics|doctor)(/|$) }

    # The cookie is __Host-sid over TLS and sid over plain http. The id has no dot, so the second field is the primary
    # and the third the backup. A pair that does not exist goes to the default backend.
    http-request set-var(txn.token) req.cook(__Host-sid)
    http-request set-var(txn.token) req.cook(sid) unless { var(txn.token) -m found }
    use_backend pair_%[var(txn.token),field(2,.)]_%[var(txn.token),field(3,.)] if { var(txn.token),field(3,.) -m found }
    default_backend servers

# For clients without a session, with unknown names, or whose session has no backup ("-").
backend servers
    balance roundrobin
    ${requests}
    use-server %[var(txn.token),field(2,.)] if { var(txn.token),field(2,.) -m found }
${servers.map((name) => haproxyServer(name)).join('\n')}

# The first server that is up gets all requests. Servers other than the pair are for the case that both owners are down.
# \`option allbackups\` would be wrong here: it spreads the requests over all backup servers.
${backends.join('\n')}`;
}

function nginx(servers) {
  const pairs = pairsOf(servers);
  return `# Sends a client to the primary that its session cookie names, else to the backup. The cookie is
# <id>.<primary>.<backup>.<epoch>.<mac>
# Use it with SESSION_PATTERN=replicated and with proxy.conf, which tells how to fill in the addresses. Servers have the
# same names here as in NODE_NAME.
#
# Written by: node deploy/pairs.mjs nginx ${servers.join(' ')}

# The cookie is __Host-sid over TLS and sid over plain http. The id has no dot, so the second field is the primary and
# the third the backup, or "-".
map $http_cookie $session_owners {
    default "";
    "~(?:^|;)[ \\t]*__Host-sid=[^.;]*\\.(?<tls_owners>[A-Za-z0-9]+\\.[A-Za-z0-9-]+)" $tls_owners;
    "~(?:^|;)[ \\t]*sid=[^.;]*\\.(?<plain_owners>[A-Za-z0-9]+\\.[A-Za-z0-9-]+)" $plain_owners;
}

# Clients without a session, or with unknown names, go to any server.
map $session_owners $session_upstream {
    default servers;
${servers.map((name) => `    ${name}.- only_${name};`).join('\n')}
${pairs.map(({ primary, backup }) => `    ${primary}.${backup} pair_${primary}_${backup};`).join('\n')}
}

${nginxUpstream(
  'servers',
  servers.map((name) => nginxServer(name)),
)}

# For sessions without a backup.
${servers.map(onlyUpstream).join('\n')}

# The backup gets requests while the primary is down. A third server would share these requests with the backup, so it
# is left out here (see @any).
${pairs.map(pairUpstream).join('\n')}

# @any alone would repeat every failed request, even a POST that a server may have carried out before it died. Repeat
# only safe methods, and requests of which no byte was sent to any server.
map $request_method:$upstream_bytes_sent $is_sent_again {
    default 0;
    "~^(?:GET|HEAD|OPTIONS):" 1;
    "~^[A-Z]+:[-0, :]*$" 1;
}

server {
    listen \${LISTEN};

    recursive_error_pages on;

    # For the operators, who ask the servers themselves. Some servers ignore case.
    location ~* ^/(metrics|doctor)(/|$) {
        return 404;
    }

    location / {
        error_page 418 = @stream;
        if ($is_stream) {
            return 418;
        }
        proxy_pass http://$session_upstream;
        error_page 502 504 = @any;
    }

    # An event stream or a WebSocket must send something every 60 s.
    location @stream {
        proxy_read_timeout 60s;
        proxy_buffering off;
        proxy_pass http://$session_upstream;
        error_page 502 504 = @any;
    }

    # Reached when both owners are down.
    location @any {
        if ($is_sent_again = 0) {
            return 502;
        }
        proxy_pass http://servers;
    }
}
`;
}

function haproxyServer(name, ...rest) {
  return ['    server', name, `"${variable(name)}"`, ...rest].join(' ');
}

function nginxServer(name, role = '') {
  return `    server ${variable(name)} max_fails=1 fail_timeout=3s${role};`;
}

function nginxBackups(names) {
  return names.map((name) => nginxServer(name, ' backup'));
}

function onlyUpstream(name, _, servers) {
  const others = servers.filter((one) => one !== name);
  return nginxUpstream(`only_${name}`, [nginxServer(name), ...nginxBackups(others)]);
}

function pairUpstream({ primary, backup }) {
  return nginxUpstream(`pair_${primary}_${backup}`, [nginxServer(primary), ...nginxBackups([backup])]);
}

function nginxUpstream(name, lines) {
  const settings = [`    zone ${name} 64k;`, ...lines, '    keepalive 16;', '    keepalive_timeout 4s;'];
  return [`upstream ${name} {`, ...settings, '}'].join('\n');
}
