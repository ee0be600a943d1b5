import { Deadline } from '../store/deadline.js';
import type { SessionRisk } from '../store/session-risk.js';
import type { SessionStore } from '../store/session-store.js';
import type { DeploymentCheck } from './deployment-check.js';

/** What is known of the settings of this server at a moment. */
export interface SessionExamination {
  /** The store's name. */
  readonly store: string;

  /** The worst come first. */
  readonly risks: readonly SessionRisk[];
}

/**
 * Tells an operator which settings are risky, why, and what to do. It looks at the options and handlers of the
 * application, at the store and its server, at other servers of the store, and at what requests have shown since the
 * boot: a proxy that is not trusted, a cookie over plain http.
 *
 * Injectable wherever `SessionModule` is imported; lives as long as the application. The log has the same at boot, and
 * later what is new; risks with severity `low` are told here only. The texts hold no session ids and no keys, but names
 * of servers, beans and handlers: show them to operators, and to nobody else.
 *
 * @example
 * ```ts
 * @Controller('doctor')
 * export class DoctorController {
 *   constructor(private readonly doctor: SessionDoctor) {}
 *
 *   @UseGuards(OperatorGuard)
 *   @Get()
 *   examine(): Promise<SessionExamination> {
 *     return this.doctor.examine();
 *   }
 * }
 * ```
 */
export abstract class SessionDoctor {
  /** Asks the store anew, for a second at most. Never rejects: a store that does not answer is one of the risks. */
  abstract examine(): Promise<SessionExamination>;
}

/** The store is asked again after this long: a failover may have brought another server with other settings. */
const AGAIN_MS = 10 * 60_000;
const AGAIN_AFTER_FAILURE_MS = 30_000;

/** The application boots without an answer of the store after this long. */
const PATIENCE_MS = 1_000;

const SEVERITIES = ['high', 'medium', 'low'] as const;

export class ApplicationSessionDoctor extends SessionDoctor {
  /** What the application has, and what requests have shown; by its meaning. */
  private readonly found = new Map<string, SessionRisk>();
  private readonly told = new Set<string>();
  private readonly deadline = new Deadline(PATIENCE_MS, 'of the store');
  private hasReported = false;
  private timer: NodeJS.Timeout | undefined;
  private isStopped = false;

  /** @param log writes a warning */
  constructor(
    private readonly store: SessionStore,
    private readonly deployment: DeploymentCheck,
    private readonly log: (report: string) => void,
  ) {
    super();
  }

  /** Something that stays so until the application ends. */
  note(...risks: readonly SessionRisk[]): void {
    const unknown = risks.filter(({ meaning }) => !this.found.has(meaning));
    for (const risk of unknown) this.found.set(risk.meaning, risk);
    if (this.hasReported) this.report(unknown);
  }

  override async examine(): Promise<SessionExamination> {
    const [ofStore, ofServers] = await Promise.allSettled([
      this.deadline.limit(Promise.resolve().then(() => this.store.risks?.() ?? [])),
      this.deadline.limit(this.deployment.risks()),
    ]);
    const failure = [ofStore, ofServers].find((each) => each.status === 'rejected');
    const risks = [
      ...this.found.values(),
      ...(ofStore.status === 'fulfilled' ? ofStore.value : []),
      ...(ofServers.status === 'fulfilled' ? ofServers.value : []),
      ...(failure ? [this.unexamined(failure.reason)] : []),
    ];
    return {
      store: this.store.name,
      risks: SEVERITIES.flatMap((one) => risks.filter((risk) => risk.severity === one)),
    };
  }

  /** Writes the boot report, and goes on to look for what is new. Never rejects. */
  async start(): Promise<void> {
    const { risks } = await this.examine();
    if (this.isStopped) return;
    this.report(risks);
    this.hasReported = true;
    const isComplete = risks.every(({ code }) => code !== 'store-unexamined');
    this.timer = setTimeout(() => void this.start(), isComplete ? AGAIN_MS : AGAIN_AFTER_FAILURE_MS).unref();
  }

  stop(): void {
    this.isStopped = true;
    clearTimeout(this.timer);
  }

  /** One entry of the log for all that was not told yet. */
  private report(risks: readonly SessionRisk[]): void {
    const untold = risks.filter(({ severity, meaning }) => severity !== 'low' && !this.told.has(meaning));
    if (untold.length === 0) return;
    for (const { meaning } of untold) this.told.add(meaning);
    const lines = untold.map(({ code, severity, meaning, fix }) => `\n- ${code} (${severity}): ${meaning} ${fix}`);
    this.log(`risky settings, as SessionDoctor.examine() tells them:${lines.join('')}`);
  }

  private unexamined(problem: unknown): SessionRisk {
    const why = problem instanceof Error ? problem.message : 'it gave no reason';
    return {
      code: 'store-unexamined',
      severity: 'low',
      meaning: `The store '${this.store.name}' could not be asked: ${why}.`,
      fix: 'Ask again when the store is there.',
    };
  }
}
