import type { BeanDefinition } from '../bean/bean-definition.js';
import type { SessionBean } from '../bean/session-bean.js';
import { SessionStateError } from '../errors/session-state.error.js';
import type { SessionRecord } from '../store/session-record.js';
import type { UnitOfWork } from './unit-of-work.js';

/** Longer texts are cut: a client may send what it likes as the name of its browser. */
const MOST_CHARACTERS = 256;

/** What the application noted about a login: the device, the place. */
export type SessionLabels = Readonly<Record<string, string>>;

/** Gets the request of the framework that logs in. */
export type LabelsOf = { of(request: unknown): SessionLabels | undefined }['of'];

/** The labels of a session as it is stored: a part beside the beans. */
class LabelsBean {
  labels: SessionLabels = {};
}

/** The definition of that part. */
export const LABELS_BEAN: BeanDefinition<LabelsBean> = Object.freeze({
  name: '@labels',
  type: LabelsBean,
  version: 1,
  migrate: {},
  onConflict: 'latest',
  onUndecodable: 'reset',
  onLogin: 'keep',
  mergeRules: new Map(),
  transient: new Set<string>(),
});

/** Keeps the labels of sessions, as a part of their state. */
export class LabelKeeper {
  constructor(
    readonly bean: SessionBean,
    private readonly labelsOf: LabelsOf | undefined,
  ) {}

  /**
   * Notes the labels of a login.
   * @param request of the framework
   * @throws SessionStateError naming the label that is no text; what the option throws
   */
  note(unit: UnitOfWork, request: unknown): void {
    if (!this.labelsOf || request === undefined) return;
    const given = this.labelsOf(request) ?? {};
    for (const [name, text] of Object.entries(given)) {
      if (typeof text === 'string') continue;
      throw new SessionStateError('option labels', `gave a label ${name} that is ${typeof text}, and not a text`);
    }
    const cut = Object.entries(given).map(([name, text]) => [name, text.slice(0, MOST_CHARACTERS)]);
    (unit.instanceOf(this.bean) as LabelsBean).labels = Object.fromEntries(cut) as SessionLabels;
  }

  /** Those of a session. Labels that cannot be read are none: they help a user to know a session, no more. */
  labelsIn({ parts }: SessionRecord): SessionLabels {
    const payload = parts.get(this.bean.name)?.payload;
    if (payload === undefined) return {};
    try {
      return (this.bean.state.decode(payload) as unknown as LabelsBean).labels ?? {};
    } catch (error) {
      if (error instanceof SessionStateError) return {};
      throw error;
    }
  }
}
