// Writes the two files that need a section for each pair of servers, for any number of servers:
//
//   node deploy/pairs.mjs haproxy s1 s2 s3 > deploy/haproxy/primary-backup-exact.cfg
//   node deploy/pairs.mjs nginx s1 s2 s3 > deploy/nginx/primary-backup.conf.template
//
// The names are those of NODE_NAME; the address of s1 is the variable S1.

const WRITERS = { haproxy, nginx };

const [kind, ...all] = process.argv.slice(2);
const write = WRITERS[kind];
if (!write || all.length < 2 || all.some((name) => !/^[A-Za-z0-9]{1,32}$/.test(name))) {
  console.error('usage: node deploy/pairs.mjs haproxy|nginx <name> <name>..., names of 1 to 32 letters and digits');
  process.exit(1);
}
process.stdout.write(write(all));

/** Every primary with every other server as its backup, and who is left. */
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
  const safeOnly = 'http-request disable-l7-retry unless METH_GET or { method HEAD OPTIONS }';
  const backends = pairsOf(servers).map(({ primary, backup, others }) =>
    [
      `backend pair_${primary}_${backup}`,
      `    ${safeOnly}`,
      haproxyServer(primary),
      ...[backup, ...others].map((name) => haproxyServer(name, 'backup')),
      '',
    ].join('\n'),
  );
  return `# A client goes to the primary that its session cookie names, and to the backup when that is down. The cookie:
# <id>.<primary>.<backup>.<epoch>.<mac>
# For SESSION_PATTERN=replicated. NODE_NAME of a server is its name here. Written by \`node deploy/pairs.mjs haproxy
# ${servers.join(' ')}\`.
#
# Does the same as primary-backup.cfg, also in the moment between a crash and its detection: each pair is a backend of
# its own, in which a request that the primary does not take can only go to the backup. The price is N (N-1) backends,
# each with checks of its own.

frontend sessions
    bind "\${LISTEN}"
    # What clients claim about themselves is overwritten, not appended to.
    http-request set-header X-Forwarded-For %[src]
    http-request set-header X-Forwarded-Proto %[ssl_fc,iif(https,http)]

    # The cookie is __Host-sid over TLS and sid over plain http. The id has no dot, so the second field is the primary
    # and the third the backup. A pair that does not exist is the default backend.
    http-request set-var(txn.token) req.cook(__Host-sid)
    http-request set-var(txn.token) req.cook(sid) unless { var(txn.token) -m found }
    use_backend pair_%[var(txn.token),field(2,.)]_%[var(txn.token),field(3,.)] if { var(txn.token),field(3,.) -m found }
    default_backend servers

# Clients without a session, with names that are none, or whose session has no backup ("-").
backend servers
    balance roundrobin
    ${safeOnly}
    use-server %[var(txn.token),field(2,.)] if { var(txn.token),field(2,.) -m found }
${servers.map((name) => haproxyServer(name)).join('\n')}

# The first server that is up takes all. The others are there for the case that both owners are down. Never \`option
# allbackups\`.
${backends.join('\n')}`;
}

function nginx(servers) {
  const pairs = pairsOf(servers);
  return `# A client goes to the primary that its session cookie names, and to the backup when that is down. The cookie:
# <id>.<primary>.<backup>.<epoch>.<mac>
# For SESSION_PATTERN=replicated. NODE_NAME of a server is its name here. Written by \`node deploy/pairs.mjs nginx
# ${servers.join(' ')}\`. Goes with proxy.conf, which tells how to fill in the addresses.

# The cookie is __Host-sid over TLS and sid over plain http. The id has no dot, so the second field is the primary and
# the third the backup, "-" where there is none.
map $http_cookie $session_owners {
    default "";
    "~(?:^|;)[ \\t]*__Host-sid=[^.;]*\\.(?<tls_owners>[A-Za-z0-9]+\\.[A-Za-z0-9-]+)" $tls_owners;
    "~(?:^|;)[ \\t]*sid=[^.;]*\\.(?<plain_owners>[A-Za-z0-9]+\\.[A-Za-z0-9-]+)" $plain_owners;
}

# Clients without a session, or with names that are none, go to any server.
map $session_owners $session_upstream {
    default servers;
${servers.map((name) => `    ${name}.- only_${name};`).join('\n')}
${pairs.map(({ primary, backup }) => `    ${primary}.${backup} pair_${primary}_${backup};`).join('\n')}
}

${nginxUpstream(
  'servers',
  servers.map((name) => nginxServer(name)),
)}

# Sessions without a backup.
${servers.map(onlyUpstream).join('\n')}

# The backup gets requests while the primary is down. A third server would share them with the backup, so it is not
# here: see @any.
${pairs.map(pairUpstream).join('\n')}

# @any would send every request again that failed, POST, too, though the server may have carried it out before it died.
# Again goes what is safe, and what cannot have been carried out, since no byte of it was sent to any server.
map $request_method:$upstream_bytes_sent $is_sent_again {
    default 0;
    "~^(?:GET|HEAD|OPTIONS):" 1;
    "~^[A-Z]+:[-0, :]*$" 1;
}

server {
    listen \${LISTEN};

    location / {
        proxy_pass http://$session_upstream;
        error_page 502 504 = @any;
    }

    # Both owners are down.
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
