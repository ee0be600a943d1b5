import { createHmac, timingSafeEqual } from 'node:crypto';
import type { SessionKey } from 'nestjs-session-beans/store-kit';
import { NO_BACKUP, type Owners } from './epoch.js';

/** Separates these signatures from others that are made with the same secret. */
const LABEL = 'nestjs-session-beans locator 1';

const MAC_LENGTH = 22;
const LOCATOR = /^([A-Za-z0-9]{1,32})\.([A-Za-z0-9]{1,32}|-)\.([0-9a-z]{1,9})\.([A-Za-z0-9_-]{22}|-)$/;

/** No honest group reaches this counter. Far above it numbers would lose their last digits. */
const HIGHEST_COUNTER = 2 ** 40;

/**
 * Makes and reads locators: `<primary>.<backup or ->.<counter, base 36>.<mac>`. The client brings it along, and it is
 * the client's witness of the newest epoch that it was shown. The signature binds it to the session, so that nobody
 * steers another client's requests or inflates a counter. Without a secret the signature is `-`.
 */
export class Locators {
  constructor(private readonly secret: string | undefined) {}

  textOf(key: SessionKey, { node, backup, counter }: Owners): string {
    const fields = `${node}.${backup}.${counter.toString(36)}`;
    return `${fields}.${this.macOf(key, fields)}`;
  }

  /** A text that cannot be parsed or verified counts as none: it comes from a client. */
  parse(key: SessionKey, text: string | undefined): Owners | undefined {
    const match = text === undefined ? undefined : LOCATOR.exec(text);
    if (!match) return undefined;
    const [, node = '', backup = NO_BACKUP, digits = '', mac = ''] = match;
    const counter = Number.parseInt(digits, 36);
    if (counter < 1 || counter > HIGHEST_COUNTER || node === backup) return undefined;
    // Only the canonical text of an epoch is accepted.
    const fields = `${node}.${backup}.${counter.toString(36)}`;
    const expected = Buffer.from(this.macOf(key, fields));
    const given = Buffer.from(mac);
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) return undefined;
    return { node, backup, counter };
  }

  private macOf(key: SessionKey, fields: string): string {
    if (this.secret === undefined) return '-';
    const text = `${LABEL}\n${key}\n${fields}`;
    return createHmac('sha256', this.secret).update(text).digest('base64url').slice(0, MAC_LENGTH);
  }
}
