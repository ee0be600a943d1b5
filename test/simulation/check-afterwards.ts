import type { SessionOperation, SessionReply } from './session-request.js';
import type { SimulatedClient } from './simulated-client.js';
import type { SimulatedMember } from './simulated-member.js';
import type { Simulation } from './simulation.js';

/** Within this time after the last fault every operation succeeds, if its client retries. */
const LIVENESS_MS = 8_000;

/**
 * `short`: once all members are up, they replace missing copies within this time. `long`: they also remove superfluous
 * ones.
 */
const SETTLE_MS = { short: 1_600, long: 22_000 } as const;

/** Within this time all copies are gone of sessions that have expired. */
const COPIES_EXPIRE_MS = 70_000;

/** Ends all faults, and checks the invariants that must hold from then on. */
export async function checkAfterwards(world: Simulation): Promise<void> {
  world.repair();
  await world.advance(10_000, () => world.isRepaired);
  // Expired sessions still take up the room of their copies.
  if (world.schedule.settings.maxSessions !== undefined) await world.advance(COPIES_EXPIRE_MS);
  const clients = world.clients.filter((client) => client.hasSession && !client.isDone);
  for (const client of clients) {
    client.giveUp(client.waiting);
    await succeed(world, client, world.members[clients.indexOf(client) % world.members.length], 'write');
  }
  await world.advance(world.schedule.isLong ? SETTLE_MS.long : SETTLE_MS.short);
  for (const ledger of world.ledgers) ledger.settle();
  for (const [index, client] of clients.entries()) {
    // The first client of each session reads at every member, the others at one.
    const isFirst = clients.findIndex(({ session }) => session === client.session) === index;
    const members = isFirst ? world.members : world.members.slice(index % world.members.length).slice(0, 1);
    for (const member of members) await succeed(world, client, member, 'read');
  }
  await world.advance(SETTLE_MS.short);
  for (const ledger of world.ledgers) {
    // A member that nobody with a valid id has asked since may have claimed the session.
    const client = clients.find(({ session, isDone }) => session === ledger && !isDone);
    if (client && ledger.isThere && world.keepsCopies) checkCopies(world, client);
  }
  for (const client of world.clients) {
    if (client.hasSession && client.session.isThere) await checkIntrusions(world, client);
  }
}

/** Without a valid id nobody gets anything from any member, and leaves no trace. */
async function checkIntrusions(world: Simulation, client: SimulatedClient): Promise<void> {
  // Members that have lost their heaps may have lost that an id was replaced.
  const isSettled = world.schedule.promises.settlesIds !== 'never';
  for (const kind of isSettled ? (['guess', 'former'] as const) : (['guess'] as const)) {
    for (const operation of ['read', 'write', 'touch', 'lock', 'renew', 'end'] as const) {
      const before = showCopies(world, client);
      let open = world.members.length;
      for (const member of world.members) void world.intrude(client, member, kind, operation).then(() => open--);
      await world.advance(LIVENESS_MS, () => open === 0);
      const after = showCopies(world, client);
      if (world.violations.first) return;
      if (before === after || !world.keepsCopies) continue;
      const message = `a ${operation} of ${client.session.name} with a ${kind}: ${before} has become ${after}`;
      world.violations.add({ invariant: 'noTrace', message });
    }
  }
}

/** The copies of the owners. Others may be removed at any time. */
function showCopies(world: Simulation, client: SimulatedClient): string {
  const copies = world.members.map((member) => ({ member: member.name, copy: world.copyAt(member, client) }));
  const primary = copies.find(({ copy }) => copy?.role === 'primary');
  return JSON.stringify(copies.filter((each) => each === primary || each.member === primary?.copy?.backup));
}

async function succeed(
  world: Simulation,
  client: SimulatedClient,
  member: SimulatedMember | undefined,
  operation: SessionOperation,
): Promise<void> {
  if (!member) throw new Error('a world without members');
  const end = world.time.now + LIVENESS_MS;
  let reply: SessionReply | undefined;
  while (world.time.now < end && !client.isDone && !world.violations.first) {
    let isAnswered = false;
    void world.ask(client, member, operation).then((answer) => {
      reply = answer;
      isAnswered = true;
    });
    await world.advance(LIVENESS_MS, () => isAnswered);
    if (reply && reply.outcome !== 'unavailable') return;
    await world.advance(100);
  }
  const reader = `${operation} of ${client.session.name} by ${client.name} at ${member.name}`;
  const message = `${reader} does not succeed: ${JSON.stringify(reply)}`;
  if (!client.isDone && !world.violations.first) world.violations.add({ invariant: 'liveness', message });
}

function checkCopies(world: Simulation, client: SimulatedClient): void {
  const copies = world.members.map((member) => ({ member: member.name, copy: world.copyAt(member, client) }));
  const primaries = copies.filter(({ copy }) => copy?.role === 'primary');
  const [primary] = primaries;
  const backup = copies.find(({ member }) => member === primary?.copy?.backup);
  const others = copies.filter((entry) => entry.copy && entry !== primary && entry !== backup);
  const isRight =
    primaries.length === 1 &&
    backup?.copy?.role === 'backup' &&
    backup.copy.content === primary?.copy?.content &&
    (others.length === 0 || !world.schedule.isLong);
  if (isRight) return;
  world.violations.add({ invariant: 'convergence', message: `${client.session.name}: ${JSON.stringify(copies)}` });
}
