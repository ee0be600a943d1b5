import { HttpException } from '@nestjs/common';

/** A failure as one server tells the others of it: plain data, small, without stack and cause. */
export interface RecordedFailure {
  readonly name: string;
  readonly message: string;

  /** Of an HttpException. */
  readonly http?: { readonly status: number; readonly response: string };
}

const LONGEST_TEXT = 1_000;

export function recordFailure(error: unknown): RecordedFailure {
  if (!(error instanceof Error)) return { name: 'Error', message: cut(String(error)) };
  const recorded = { name: cut(error.name), message: cut(error.message) };
  if (!(error instanceof HttpException)) return recorded;
  const response = JSON.stringify(error.getResponse());
  return response.length > LONGEST_TEXT ? recorded : { ...recorded, http: { status: error.getStatus(), response } };
}

/** An error that requests are answered with like with the one that was recorded. */
export function errorOf({ name, message, http }: RecordedFailure): Error {
  const error = http ? new HttpException(JSON.parse(http.response) as object, http.status) : new Error(message);
  return Object.assign(error, { name, message });
}

function cut(text: string): string {
  return text.slice(0, LONGEST_TEXT);
}
