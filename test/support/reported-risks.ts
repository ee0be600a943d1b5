import type { jest } from '@jest/globals';
import type { Logger } from '@nestjs/common';

/** The risks that `SessionDoctor` has written to the log: for each `code (severity): meaning and fix`. */
export function reportedRisks(warned: jest.SpiedFunction<Logger['warn']>): string[] {
  return warned.mock.calls.flatMap(([text]) => String(text).split('\n- ').slice(1));
}
