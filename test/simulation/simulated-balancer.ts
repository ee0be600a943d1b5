import type { SeededRandom } from './seeded-random.js';
import type { SimulatedClient } from './simulated-client.js';
import type { SimulatedMember } from './simulated-member.js';
import type { SimulatedProcesses } from './simulated-processes.js';
import type { VirtualTime } from './virtual-time.js';

/** The balancer's health checks need this long to notice that a member is frozen. */
const NOTICED_AFTER_MS = 750;

/** Sends a request to the primary that its locator names, else to the backup, else to any healthy member. */
export class SimulatedBalancer {
  constructor(
    private readonly processes: SimulatedProcesses,
    private readonly time: VirtualTime,
    private readonly random: SeededRandom,
  ) {}

  /** @param isMisrouted ignores the locator and health, and chooses any member that accepts connections */
  choose({ owners }: SimulatedClient, isMisrouted: boolean): SimulatedMember | undefined {
    const open = this.processes.members.filter((member) => this.processes.isAccepting(member));
    const healthy = open.filter((member) => this.seemsUp(member));
    const candidates = isMisrouted || healthy.length === 0 ? open : healthy;
    const named = owners.map((name) => healthy.find((member) => member.name === name)).find((member) => member);
    if (named && !isMisrouted) return named;
    return candidates.length > 0 ? this.random.pick(candidates) : undefined;
  }

  private seemsUp({ state, frozenSince }: SimulatedMember): boolean {
    return state === 'up' || this.time.now - frozenSince < NOTICED_AFTER_MS;
  }
}
