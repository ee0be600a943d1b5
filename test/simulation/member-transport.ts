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

/** A timer this much later than it should be tells that the process was frozen. */
const LATE_MS = 50;

/** What one life of a member sends and receives by. */
export class MemberTransport implements ReplicationTransport {
  private readonly life: number;
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
    },
  ) {
    this.life = self.life;
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
        // As the real ones do: after a stop of this process the answer may be there and not read yet.
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
    if (this.self.life === this.life) this.self.answer = undefined;
    for (const fail of this.pending) fail();
  }

  /** The text is at the other machine. */
  private arrive(
    target: SimulatedMember,
    text: string,
    caller: { readonly reply: (answer: string) => void; readonly refuse: () => void },
  ): void {
    const back = (then: () => void): void =>
      this.world.network.send(target.name, this.self.name, () => this.self.run(this.life, 'message', then));
    const { answer } = target;
    if (target.state === 'down' || answer === undefined) return back(caller.refuse);
    // Whether the end of a process is seen by those that wait for it depends on what is between them.
    const ended = (): void => {
      if (this.world.random.chance(0.7)) back(caller.refuse);
    };
    target.unanswered.add(ended);
    const { life } = target;
    target.run(life, 'message', () => {
      void answer(this.self.name, text).then((reply) => {
        if (!target.unanswered.delete(ended)) return;
        back(() => caller.reply(reply));
      });
    });
  }
}
