import type { SessionRecord } from '../../libs/session/src/store/session-record.js';

/**
 * A session has two parts, `a` and `b`. Each is a list, and each save appends its own mark to one or both of them. So a
 * list shows all writes of its past, in their order.
 */
export const listNames = ['a', 'b'] as const;

export type ListName = (typeof listNames)[number];

/** The stored text of each part: its marks, each followed by a space. */
export type MarkLists = Readonly<Record<ListName, string>>;

export const emptyLists: MarkLists = { a: '', b: '' };

export function listsOf(record: SessionRecord): MarkLists {
  return { a: record.parts.get('a')?.payload ?? '', b: record.parts.get('b')?.payload ?? '' };
}

export function marksOf(list: string): string[] {
  return list.split(' ').slice(0, -1);
}

export function extend(lists: MarkLists, mark: string, names: readonly ListName[]): MarkLists {
  return { ...lists, ...Object.fromEntries(names.map((name) => [name, `${lists[name]}${mark} `])) };
}

/** Tells whether `later` begins with all marks of `earlier`. */
export function contains(later: MarkLists, earlier: MarkLists): boolean {
  return listNames.every((name) => later[name].startsWith(earlier[name]));
}

export function showLists({ a, b }: MarkLists): string {
  return `a=[${a.trim()}] b=[${b.trim()}]`;
}
