import { createHmac, timingSafeEqual } from 'node:crypto';
import type { ClientAccess, SessionAccess } from 'nestjs-session-beans/store-kit';
import { type BegunEpoch, NO_BACKUP, type Witness } from './epoch.js';

/** Separates these signatures from others that are made with the same secret. */
const LABEL = 'nestjs-session-beans locator 1';

const MAC_LENGTH = 22;
const UNSIGNED = '-';
const LOCATOR =
  /^([A-Za-z0-9]{1,32})\.([A-Za-z0-9]{1,32}|-)\.([0-9a-z]{1,9})(?:-([0-9a-z]{1,9}))?\.([A-Za-z0-9_-]{22}|-)$/;

/** No honest group reaches this counter. Far above it numbers would lose their last digits. */
const HIGHEST_COUNTER = 2 ** 40;

/**
 * Makes and reads locators: `<primary>.<backup or ->.<counter>[-<generation>].<mac>`, numbers in base 36. The client
 * brings it along, and it is the client's witness of the newest epoch that it was shown.
 *
 * The signature binds it to the session and to the id for which it was given. So nobody steers another client's
 * requests, and who knows only the selector of a session has no locator of it. Without a secret the signature is `-`,
 * and the text proves nothing.
 */
export class Locators {
  constructor(private readonly secret: string | undefined) {}

  textOf(access: ClientAccess, { node, backup, counter, generation }: BegunEpoch): string {
    const fields = fieldsOf(node, backup, counter, generation);
    return `${fields}.${this.macOf(access, fields)}`;
  }

  /**
   * A text that cannot be parsed or verified counts as none: it comes from a client. The application itself, which
   * presents no id, is believed as far as a text without signature is.
   */
  parse(access: SessionAccess, text: string | undefined): Witness | undefined {
    const match = text === undefined ? undefined : LOCATOR.exec(text);
    if (!match) return undefined;
    const [, node = '', backup = NO_BACKUP, digits = '', renewals = '0', mac = ''] = match;
    const counter = Number.parseInt(digits, 36);
    const generation = Number.parseInt(renewals, 36);
    if (counter < 1 || counter > HIGHEST_COUNTER || generation > HIGHEST_COUNTER || node === backup) return undefined;
    const fields = fieldsOf(node, backup, counter, generation);
    // Only the canonical text of an epoch is accepted: no `01` for `1`.
    if (text !== `${fields}.${mac}`) return undefined;
    const witness = { node, backup, counter, generation };
    if (access.proof === undefined) return { ...witness, from: 'anybody' };
    const expected = Buffer.from(this.macOf(access, fields));
    const given = Buffer.from(mac);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return { ...witness, from: this.secret === undefined ? 'anybody' : 'client' };
  }

  private macOf({ key, proof }: ClientAccess, fields: string): string {
    if (this.secret === undefined) return UNSIGNED;
    const text = `${LABEL}\n${key}\n${proof}\n${fields}`;
    return createHmac('sha256', this.secret).update(text).digest('base64url').slice(0, MAC_LENGTH);
  }
}

function fieldsOf(node: string, backup: string, counter: number, generation: number): string {
  const renewals = generation === 0 ? '' : `-${generation.toString(36)}`;
  return `${node}.${backup}.${counter.toString(36)}${renewals}`;
}
