import type { SessionRecord } from '../../libs/session/src/store/session-record.js';

/** Version of a part, null when there is none: what a change has as its base. */
export function versionOf(record: SessionRecord, name: string): string | null {
  return record.parts.get(name)?.version ?? null;
}
