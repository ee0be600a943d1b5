import { existsSync, readFileSync } from 'node:fs';
import type { Pattern } from './patterns.js';

/** How much there is to run and to know, counted in the files of `deploy`. */
export interface Difficulty {
  /** Kinds of processes, with their number: `3 servers`, `1 store`. */
  readonly parts: readonly string[];

  /** The ports that something listens on. */
  readonly ports: readonly string[];

  /** Settings that must agree in two places. */
  readonly agreeing: readonly string[];

  /** What an operator must know that the files say in words. */
  readonly toKnow: readonly string[];
  readonly files: readonly string[];
}

/** A fact of operation: whether it holds for a pattern, and the words of its files that prove it. */
interface Fact {
  readonly text: string;
  readonly proof: RegExp;
}

const AGREEING: readonly Fact[] = [
  { text: 'NODE_NAME and the names of servers in the balancer', proof: /use-server %/ },
  { text: 'DRAIN_MS and the health checks of the balancer', proof: /DRAIN_MS/ },
  { text: 'the cookie and the field of it that the balancer reads', proof: /field\(2,\.\)/ },
  { text: 'the field with the backup', proof: /field\(3,\.\)/ },
  { text: 'PEERS, the same on all servers', proof: /PEERS: s1=/ },
  { text: 'REPLICATION_SECRET, the same on all servers', proof: /REPLICATION_SECRET:/ },
  { text: 'REDIS_URL and the address of Redis', proof: /REDIS_URL:/ },
];

const TO_KNOW: readonly Fact[] = [
  { text: 'drain a server before it stops', proof: /so that the balancer\n\s+# notices/ },
  { text: 'a restart loses its sessions', proof: /They are lost when that server stops/ },
  { text: 'two servers at once lose sessions', proof: /survive the loss of any one server/ },
  { text: 'whether to use a quorum when the network splits', proof: /REPLICATION_QUORUM/ },
  { text: 'secrets or certificates between servers', proof: /REPLICATION_TLS_CA/ },
  { text: 'time to hand sessions over when a server stops', proof: /hand sessions over/ },
  { text: 'the memory of Redis: nothing is evicted', proof: /noeviction/ },
  { text: 'what Redis has after a restart', proof: /--appendonly/ },
  { text: 'which staleness the near cache may have', proof: /NEAR_CACHE/ },
];

export function difficultyOf({ manifest, balancing, hasStore, name }: Pattern): Difficulty {
  const files = [manifest, 'deploy/haproxy/defaults.cfg', `deploy/haproxy/${balancing}.cfg`].filter(
    (file): file is string => file !== undefined && existsSync(file),
  );
  const text = files.map((file) => readFileSync(file, 'utf8')).join('\n');
  const replicates = name === 'replicated';
  const holds = ({ proof }: Fact): boolean => proof.test(text);
  return {
    parts: ['3 servers', '1 balancer', ...(hasStore ? ['1 store'] : [])],
    ports: ['3000 HTTP of servers', '8080 balancer'].concat(
      hasStore ? ['6379 Redis'] : [],
      replicates ? ['7000 replication'] : [],
    ),
    agreeing: AGREEING.filter(holds).map((fact) => fact.text),
    toKnow: TO_KNOW.filter(holds).map((fact) => fact.text),
    files,
  };
}
