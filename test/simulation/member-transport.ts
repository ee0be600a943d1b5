import {
  type AnswerReplicationCall,
  ReplicationCallError,
  type ReplicationTransport,
} from '../../libs/replicated/src/transports/replication-transport.js';
import type { ReplicationMember } from '../../libs/replicated/src/members/replication-member.js';
import type { ReplicationTimers } from '../../libs/replicated/src/options/replication-timers.js';
import { briefMessage } from './brief-message.js';
import type { SeededRandom } from './seeded-random.js';
import type { SimulatedMember } from './simulated-member.js';
import type { SimulatedNetwork } from './simulated-network.js';
import type { Trace } from './trace.js';

/** A timer that fires this much late shows that its process was frozen. */
const LATE_MS = 50;

/** The replication transport of one generation of a member (see `SimulatedMember`), over the simulated network. */
export class MemberTransport implements ReplicationTransport {
  private readonly generation: number;
  private readonly timers: ReplicationTimers;
  private readonly pending = new Set<() => void>();
  private isClosed = false;

  constructor(
    private readonly self: SimulatedMember,
    private readonly world: {
      readonly group: ReadonlyMap<string, SimulatedMember>;
      readonly network: SimulatedNetwork;
      readonly random: SeededRandom;
      readonly trace: Trace;
      readonly isPatient: boolean;

      /** Called for each group of messages that arrives. */
      readonly onGroup: () => void;
    },
  ) {
    this.generation = self.generation;
    this.timers = self.timers();
  }

  async listen(answer: AnswerReplicationCall): Promise<void> {
    this.self.answer = answer;
  }

  call(member: ReplicationMember, text: string, timeoutMs: number): Promise<string> {
    const target = this.world.group.get(member.name);
    if (target === undefined) throw new Error(`no member ${member.name}`);
    const due = this.timers.now() + timeoutMs;
    return new Promise((resolve, reject) => {
      const settle = (settleNow: () => void): void => {
        if (!this.pending.delete(fail)) return;
        cancel();
        settleNow();
      };
      const rejectWith = (reason: 'refused' | 'silent'): void =>
        settle(() => reject(new ReplicationCallError(reason, `simulated: ${target.name} is ${reason}`)));
      const fail = (): void => rejectWith('silent');
      let cancel = this.timers.after(timeoutMs, () => {
        // The real transports do the same: after a freeze the answer may have arrived but is not read yet.
        if (this.world.isPatient && this.timers.now() - due > LATE_MS) cancel = this.timers.after(LATE_MS, fail);
        else fail();
      });
      this.pending.add(fail);
      if (this.isClosed) return fail();
      this.world.trace.add(this.self.name, () => `-> ${target.name} ${briefMessage(text)}`);
      this.world.network.send(this.self.name, target.name, () =>
        this.arrive(target, text, {
          reply: (answer) =>
            settle(() => {
              this.world.trace.add(
                this.self.name,
                () => `<- ${target.name} ${briefMessage(answer)}  (${briefMessage(text).slice(0, 40)})`,
              );
              resolve(answer);
            }),
          refuse: () => rejectWith('refused'),
        }),
      );
    });
  }

  async close(): Promise<void> {
    this.isClosed = true;
    if (this.self.generation === this.generation) this.self.answer = undefined;
    for (const fail of this.pending) fail();
  }

  /** The message reaches the other machine. */
  private arrive(
    target: SimulatedMember,
    text: string,
    caller: { readonly reply: (answer: string) => void; readonly refuse: () => void },
  ): void {
    const back = (then: () => void): void =>
      this.world.network.send(target.name, this.self.name, () => this.self.run(this.generation, 'message', then));
    const { answer } = target;
    if (target.state === 'down' || answer === undefined) return back(caller.refuse);
    // Callers that wait for a process may or may not notice its end: that depends on the network between them.
    const ended = (): void => {
      if (this.world.random.chance(0.7)) back(caller.refuse);
    };
    target.unanswered.add(ended);
    const { generation } = target;
    target.run(generation, 'message', () => {
      const count = groupSize(text);
      if (count > 1) this.world.onGroup();
      const handled = count > 1 && this.world.network.halves() ? this.world.random.integer(1, count - 1) : count;
      void answer(this.self.name, handled < count ? firstOf(text, handled) : text).then((reply) => {
        // The answer to half of a group is lost, or arrives as it is.
        if (handled < count && this.world.random.chance(0.5)) return;
        if (!target.unanswered.delete(ended)) return;
        back(() => caller.reply(reply));
      });
    });
  }
}

interface Group {
  readonly type: string;
  readonly messages: readonly unknown[];
}

function groupSize(text: string): number {
  if (!text.includes('"type":"group"')) return 1;
  return (JSON.parse(text) as Group).messages.length;
}

function firstOf(text: string, count: number): string {
  const group = JSON.parse(text) as Group;
  return JSON.stringify({ ...group, messages: group.messages.slice(0, count) });
}
