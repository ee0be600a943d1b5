import { readFileSync } from 'node:fs';
import type { ReplicatedSessionStoreOptions, ReplicationMember } from 'nestjs-session-beans-replicated';
import type { Environment } from './environment.js';

/** The servers that keep copies of sessions for each other, and how they authenticate each other. */
export type ReplicationConfig = Pick<ReplicatedSessionStoreOptions, 'listen' | 'tls' | 'secret' | 'quorum'> & {
  readonly members: readonly ReplicationMember[];
};

const TLS = ['REPLICATION_TLS_CA', 'REPLICATION_TLS_CERT', 'REPLICATION_TLS_KEY'] as const;

/** @throws Error naming the variable, its value and what is allowed */
export function readReplicationConfig(env: Environment): ReplicationConfig {
  const members = env.required('PEERS', 's1=127.0.0.1:7001,s2=127.0.0.1:7002').split(',').map(member);
  const own = members.find(({ name }) => name === env.text('NODE_NAME'));
  const port = env.optionalNumber('REPLICATION_PORT');
  const secret = env.text('REPLICATION_SECRET');
  return {
    members,
    quorum: env.oneOf('REPLICATION_QUORUM', ['on', 'off'], 'off') === 'on',
    ...(own && port !== undefined && { listen: { host: own.host, port } }),
    ...(secret !== undefined && { secret }),
    ...(TLS.some((name) => env.text(name)) && { tls: readTls(env) }),
  };
}

function readTls(env: Environment): { ca: string; cert: string; key: string } {
  const files = TLS.map((name) => [name, env.required(name, '/etc/sample/file.pem')] as const);
  const [ca, cert, key] = files.map(([name, file]) => readPem(name, file));
  return { ca, cert, key } as { ca: string; cert: string; key: string };
}

function readPem(name: string, file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw new Error(`${name}=${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Reads `s1=127.0.0.1:7001`, or with a zone `s1=127.0.0.1:7001@east`. */
function member(text: string): ReplicationMember {
  const [, name, host, port, zone] = /^(\w+)=(\[[\da-f:]+\]|[\w.-]+):(\d{1,5})(?:@(\w+))?$/i.exec(text.trim()) ?? [];
  if (name === undefined || host === undefined)
    throw new Error(`PEERS: ${text} is no member, which looks like s1=127.0.0.1:7001`);
  return { name, host: host.replace(/^\[|\]$/g, ''), port: Number(port), ...(zone !== undefined && { zone }) };
}
