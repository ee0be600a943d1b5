import type { PlayedRequest } from './browser-and-attacker.request.js';

/** Tells a history to people. */
export class Story {
  private readonly lines: string[] = [];
  private readonly names = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  get text(): string {
    return this.lines.map((line, at) => `${at + 1}. ${line}`).join('\n');
  }

  tell(line: string): void {
    this.lines.push(line);
  }

  sent({ number, by, action, ids }: PlayedRequest, from: string, server: number): void {
    const names = ids.map((id) => this.nameOf(id)).join(' and ') || 'no id';
    this.tell(`request ${number} of the ${by} from ${from} to server ${server}: ${action}, with ${names}`);
  }

  answered({ number, answer, newId }: PlayedRequest): void {
    const cookie = newId === undefined ? '' : `, ${newId === '' ? 'removes the id' : `brings ${this.nameOf(newId)}`}`;
    this.tell(`request ${number} is answered: status ${answer?.status}${cookie}`);
  }

  /** A short name for an id: `B3` is the third id of the second session. */
  nameOf(id: string): string {
    const known = this.names.get(id);
    if (known !== undefined) return known;
    const key = id.slice(0, 22);
    const count = (this.counts.get(key) ?? 0) + 1;
    this.counts.set(key, count);
    const session = [...this.counts.keys()].indexOf(key);
    const name = `${String.fromCharCode('A'.charCodeAt(0) + session)}${count}`;
    this.names.set(id, name);
    return name;
  }
}
