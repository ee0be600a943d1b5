import { AsyncLocalStorage } from 'node:async_hooks';
import { STATUS_CODES } from 'node:http';
import { type SessionError, graphqlExtensions } from '../errors/session.error.js';
import { Turns } from '../request/turns.js';

/**
 * The GraphQL operations of one HTTP request, which share its session: one operation, or those of a batch. Queries run
 * at once, and the response gate stores what they and field resolvers change. Mutations run one after the other, those
 * of a batch too, and each stores its own changes when its resolver has finished: so a refusal is the error of that
 * field, and nothing of another mutation is refused with it.
 */
export class GraphqlOperations {
  private readonly turns = new Turns();

  /** Resolvers that our guard has let pass and that have not begun. In the end others have refused them. */
  private waiting = 0;

  /** A query or a field resolver has failed since the last commit. */
  private hasFailed = false;

  /** Why something was not stored that the answers of fields rely on: no answer to the request holds any more. */
  refusal: Error | undefined;

  /** @param batchSize the number of operations; undefined without a batch */
  constructor(private readonly batchSize: number | undefined) {}

  /** @param isEnd whether the response is about to end: resolvers that still wait count then */
  isFailed(isEnd: boolean): boolean {
    return this.hasFailed || (isEnd && this.waiting > 0);
  }

  resolverAdmitted(): void {
    this.waiting++;
  }

  resolverBegins(): void {
    this.waiting--;
  }

  failed(): void {
    this.hasFailed = true;
  }

  /** The failures so far have had their effect on what was changed. */
  settled(): void {
    this.hasFailed = false;
  }

  /** Whether the caller runs in a mutation of these operations, which runs an operation of its own. */
  get isInMutation(): boolean {
    return MUTATING.getStore() === this;
  }

  /** Runs a mutation when no other one is under way. */
  inTurn<T>(mutation: () => Promise<T>): Promise<T> {
    return this.turns.take(() => MUTATING.run(this, mutation), undefined) as Promise<T>;
  }

  /** The body of an error that takes the place of all answers. */
  errorBody(refusal: SessionError | undefined): object {
    const error = refusal ? { message: refusal.message, extensions: graphqlExtensions(refusal) } : FAILURE;
    const body = { errors: [error], data: null };
    return this.batchSize === undefined ? body : Array.from({ length: this.batchSize }, () => body);
  }
}

const MUTATING = new AsyncLocalStorage<GraphqlOperations>();

const FAILURE = {
  message: STATUS_CODES[500],
  extensions: { code: 'INTERNAL_SERVER_ERROR', status: 500, http: { status: 500 } },
};
