import type { SeededRandom } from './seeded-random.js';
import type { SimulatedClient } from './simulated-client.js';
import type { SimulatedMember } from './simulated-member.js';
import type { SimulatedProcesses } from './simulated-processes.js';
import type { VirtualTime } from './virtual-time.js';

/** How long its health checks need to find out that a member does not answer any more. */
const NOTICED_AFTER_MS = 750;

/** Sends a request to the primary that the locator names, to the backup if that does not look healthy, or to anybody. */
export class SimulatedBalancer {
  constructor(
    private readonly processes: SimulatedProcesses,
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
  ) {}

  /** @param isAstray to anybody who accepts connections, in spite of the locator */
  choose({ owners }: SimulatedClient, isAstray: boolean): SimulatedMember | undefined {
    const open = this.processes.members.filter((member) => this.processes.isAccepting(member));
    const healthy = open.filter((member) => this.seemsUp(member));
    const candidates = isAstray || healthy.length === 0 ? open : healthy;
    const named = owners.map((name) => healthy.find((member) => member.name === name)).find((member) => member);
    if (named && !isAstray) return named;
    return candidates.length > 0 ? this.random.pick(candidates) : undefined;
  }

  private seemsUp({ state, frozenSince }: SimulatedMember): boolean {
    return state === 'up' || this.time.now - frozenSince < NOTICED_AFTER_MS;
  }
}
