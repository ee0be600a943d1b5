import type { SessionRecord } from '../../libs/session/src/store/session-record.js';
import type { Invariant } from './invariants.js';
import type { Promises } from './promises.js';

/** The part that each new id writes: its payload is the id's proof. */
export const ID_PART = 'id';

interface KnownId {
  /** The id that it is to replace; undefined for the first. */
  readonly replaces: string | undefined;
  readonly logins: number;
  readonly principal: string | undefined;
  isAcknowledged: boolean;
}

/** Records the ids of one session, by their proofs, and checks what opens it. */
export class IdLedger {
  private readonly ids = new Map<string, KnownId>();

  /** Set at the end of a schedule, when no message is in transit any more. */
  isSettled = false;

  constructor(
    private readonly promises: Promises,
    private readonly violate: (invariant: Invariant, message: string) => void,
  ) {}

  /** A session is about to be created with this id. */
  begin(proof: string): void {
    this.ids.set(proof, { replaces: undefined, logins: 0, principal: undefined, isAcknowledged: false });
  }

  /** A renewal is about to be sent. */
  attempt(from: string, to: string, principal: string | undefined): void {
    const replaced = this.ids.get(from);
    if (!replaced) throw new Error(`a renewal of ${from}, which nobody has`);
    const isOther = principal !== undefined && principal !== replaced.principal;
    this.ids.set(to, {
      replaces: from,
      logins: replaced.logins + Number(isOther),
      principal: principal ?? replaced.principal,
      isAcknowledged: false,
    });
  }

  acknowledge(proof: string): void {
    const id = this.ids.get(proof);
    if (id) id.isAcknowledged = true;
  }

  /** The ids that must not open the session any more. */
  get former(): readonly string[] {
    return [...this.ids.values()].flatMap(({ replaces, isAcknowledged }) =>
      isAcknowledged && replaces !== undefined ? [replaces] : [],
    );
  }

  /** A login was acknowledged. */
  get hasUser(): boolean {
    return [...this.ids.values()].some(({ isAcknowledged, principal }) => isAcknowledged && principal !== undefined);
  }

  loginsOf(proof: string): number {
    return this.ids.get(proof)?.logins ?? 0;
  }

  /**
   * A store has answered with a record.
   * @param former the former ids when the call began
   */
  found(
    asked: { readonly proof?: string | undefined; readonly logins?: number | undefined },
    record: SessionRecord,
    former: readonly string[],
    by: string,
  ): void {
    const id = this.ids.get(record.proof);
    const part = record.parts.get(ID_PART)?.payload;
    const isRight =
      id !== undefined &&
      (asked.proof ?? record.proof) === record.proof &&
      (asked.logins ?? record.logins) === record.logins &&
      record.logins === id.logins &&
      record.principal === id.principal &&
      part === record.proof;
    if (!isRight) {
      const { proof, logins, principal } = record;
      this.violate(
        'ids',
        `${by} asks with ${JSON.stringify(asked)} and gets ${JSON.stringify({ proof, logins, principal, part })}`,
      );
    }
    this.opened(record.proof, former, by);
  }

  /** A call with this id was carried out. */
  opened(proof: string, former: readonly string[], by: string): void {
    if (!this.ids.has(proof)) this.violate('ids', `${by} gets in with ${proof}, which is no id of the session`);
    const { settlesIds } = this.promises;
    const isFinal = settlesIds === 'always' || (settlesIds === 'afterwards' && this.isSettled);
    if (isFinal && former.includes(proof)) this.violate('formerIds', `${by} gets in with ${proof}, a former id`);
  }

  /** Whether the id was replaced, or may have been: a renewal was sent whose answer is not known. */
  mayBeForgotten(proof: string): boolean {
    return [...this.ids.values()].some(({ replaces }) => replaces === proof);
  }

  /** A store has answered that this id was replaced. */
  superseded(proof: string, by: string): void {
    if (!this.mayBeForgotten(proof))
      this.violate('ids', `${by} is told that ${proof} was replaced, and nobody has asked for that`);
  }
}
