import type { SessionRecord } from '../../libs/session/src/store/session-record.js';

/** The two parts of a session; each save appends its mark to one of them or to both, so what a list shows tells its whole past. */
export const listNames = ['a', 'b'] as const;

export type ListName = (typeof listNames)[number];

/** Marks with a space behind each. */
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

/** Whether all of `earlier` is in `later`, in its order. */
export function contains(later: MarkLists, earlier: MarkLists): boolean {
  return listNames.every((name) => later[name].startsWith(earlier[name]));
}

export function showLists({ a, b }: MarkLists): string {
  return `a=[${a.trim()}] b=[${b.trim()}]`;
}
