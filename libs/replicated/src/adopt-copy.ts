import type { ClaimedCopy } from './claimed-copy.js';
import { hasForked } from './has-forked.js';
import { lineageAfter } from './lineage-after.js';
import { Replica } from './replica.js';
import type { ReplicationContext } from './replication-context.js';

/**
 * Keeps a copy that another member told of, as one that only knows of its epoch. Before anybody is told of a new epoch its primary must have the
 * state: others would take its saying "I have none" for the end of the session.
 */
export function adoptCopy({ table, members, events }: ReplicationContext, copy: ClaimedCopy): Replica {
  const { key, counter, node, backup, seq, state, lineage, primaryLife } = copy;
  const before = table.get(key);
  if (before?.isOwn && hasForked(lineageAfter(lineage, copy), before)) events.yielded(key, node);
  const primary = members.get(node);
  const processes = primary !== undefined && primary.process === primaryLife ? primary.processes : -1;
  const replica = new Replica(key, counter, node, backup, seq, state, false, processes, lineage);
  replica.fenced = true;
  table.install(replica);
  return replica;
}
